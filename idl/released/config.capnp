@0xd7a0c3b95e1f4286;
# Settings: typed values under names such as `time.zone`, which a system's schema declares and layers may override.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".maxCount;
using Kernel = import "kernel.capnp";

const changesMax :UInt32 = 16;  # Of one commit.

enum Layer {
  # Where a value comes from: of those that set a key, the last one counts.
  default @0;  # The schema.
  vendor @1;   # Who made the machine,
  system @2;   # and who made the system: both are part of the system's schema.
  admin @3;    # Who runs the machine.
  session @4;  # Who uses it now.
}

struct Value {
  # What a key is set to.
  union {
    nothing @0 :Void;
    flag @1 :Bool;
    integer @2 :Int64;
    text @3 :Text;
    choice @4 :Text;         # One of the names that the schema lists.
    list @5 :List(Text);
  }
}

# ---- what a system declares: a constant `settings` of type Schema, in a file of system/ ----

struct Schema {
  # All keys of a system. tools/manifest compiles it, lib/config checks it, there and again when the service starts. Names
  # are a lower-case letter, then lower-case letters, digits, - and _, 23 at most.
  namespaces @0 :List(Namespace);
  overlays @1 :List(Overlay);  # Vendor's and system's values.
  sources @2 :List(Text);      # Of the compiler, as each `source` and `line` below.
}

struct Namespace {
  # The keys of one owner; that of `zone` in `time` is `time.zone`.
  name @0 :Text;
  version @1 :UInt32 = 1;      # Of these keys. Values that were saved under an older one are migrated.
  readers @2 :List(Text);      # Services and programs that may read them; none: whoever is granted the service.
  writers @3 :List(Text);      # And those that may set them without being granted control.
  keys @4 :List(Key);
  migrations @5 :List(Migration);
  line @6 :UInt32;
  source @7 :UInt16;
}

struct Key {
  # One value: its type, its default, and who may say otherwise.
  name @0 :Text;
  summary @1 :Text;            # One line, for people.
  open @2 :List(Layer);        # It is an extension point for these layers. None: it is what the default says.
  line @3 :UInt32;
  source @4 :UInt16;
  union {
    nothing @5 :Void;          # Refused: the type must be said.
    flag :group {
      default @6 :Bool;
    }
    integer :group {
      default @7 :Int64;
      min @8 :Int64;
      max @9 :Int64;
      unit @10 :Text;          # "ms"; empty: a mere number.
    }
    text :group {
      default @11 :Text;
      maxBytes @12 :UInt32;    # 1 to 200.
    }
    choice :group {
      default @13 :Text;
      choices @14 :List(Text);
    }
    list :group {
      default @15 :List(Text);
      maxCount @16 :UInt32;    # Elements, which have together 200 bytes at most.
    }
  }
}

struct Migration {
  # What becomes of a saved value when its namespace gets to this version. They are done in their order.
  toVersion @0 :UInt32;
  key @1 :Text;                # As it was called before.
  line @2 :UInt32;
  source @3 :UInt16;
  union {
    nothing @4 :Void;          # Refused.
    renamed @5 :Text;          # It is called so now.
    removed @6 :Void;
    scaled :group {            # An integer in another unit; rounded towards zero.
      multiply @7 :Int64 = 1;
      divide @8 :Int64 = 1;
    }
    mapped :group {            # A choice or text of another name.
      from @9 :Text;
      to @10 :Text;
    }
  }
}

struct Overlay {
  # A value that vendor or system give to a key that is open to them.
  layer @0 :Layer;
  key @1 :Text;                # With its namespace.
  value @2 :Value;
  line @3 :UInt32;
  source @4 :UInt16;
}

# ---- what is saved ----

struct Saved {
  # What people and services have set, without defaults and what belongs to the system: enough to set it anew.
  namespaces @0 :List(SavedNamespace);
}

struct SavedNamespace {
  # Of one namespace, under the version that it had.
  name @0 :Text;
  version @1 :UInt32;
  values @2 :List(SavedValue);
}

struct SavedValue {
  # A key, without its namespace, and what a layer has set it to.
  key @0 :Text;
  layer @1 :Layer;
  value @2 :Value;
}

# ---- the service ----

struct Entry {
  # A key as it stands.
  key @0 :Text;
  value @1 :Value;
  layer @2 :Layer;             # That it comes from.
  revision @3 :UInt64;         # Of its last change; 0: none since the service started.
}

struct Change {
  # What a commit does to one key in its layer.
  key @0 :Text;
  union {
    unset @1 :Void;            # What the layers below say holds again.
    value @2 :Value;
    written @3 :Text;          # As a person writes it: `on`, `250`, `one, two`. The schema says what is meant.
  }
}

interface Config @0xb8e2f50a7d164c93 {
  # Reads settings, and sets those that the schema lets the caller set.

  get @0 (key :Text $maxBytes(47)) -> (value :Value, layer :Layer, revision :UInt64) $repeatable;
  # What holds. An invalid argument: there is no such key, or it is not for the caller.

  list @1 (prefix :Text $maxBytes(47), first :UInt32) -> (entries :List(Entry), total :UInt32) $repeatable;
  # Keys that begin so, by name, as many as fit from number `first` on; those that the caller may read.

  describe @2 (key :Text $maxBytes(47)) -> (key :Key, layers :List(Entry)) $repeatable;
  # What the schema says of it, and what each layer that sets it has set, the lowest first.

  watch @3 (prefix :Text $maxBytes(47), watcher :Kernel.Notification, bits :UInt64) -> (epoch :UInt64, revision :UInt64) $repeatable;
  # From now on the watcher, a notification with SIGNAL, gets the bits after each change of a key that begins so. One for each
  # caller and prefix: another one takes its place, null ends it. It is forgotten when it is dead. After the service was
  # started anew nobody is watching, and `epoch` is another: who watches asks now and then (`revision`).

  revision @4 () -> (epoch :UInt64, revision :UInt64) $repeatable;
  # How often something was changed since the system started, and which start of the service this is.

  commit @5 (expected :UInt64, layer :Layer, changes :List(Change) $maxCount(.changesMax), reads :List(Text) $maxCount(.changesMax))
         -> (outcome :Outcome, index :UInt32, reason :Text, revision :UInt64);
  # All of these changes, or none. With `expected` other than 0 nothing is done if one of these keys, or of those in `reads`, has
  # changed after that revision. `index` is the change, or behind them the read, that spoke against it, and `reason` one
  # sentence about it. Only the layers `admin` and `session` can be changed.

  enum Outcome {
    # What became of a commit.
    done @0;
    conflict @1;      # A key was changed meanwhile.
    noSuchKey @2;
    notAllowed @3;    # The namespace is not for the caller to write.
    notOpen @4;       # The key is no extension point for this layer.
    invalid @5;       # The value is of another type, out of range or too long.
    full @6;          # There is no room for so many values.
  }
}

interface ConfigControl @0xe6491ca0f7b2d835 extends(Config) {
  # For who looks after the system: may read and set every key.

  save @0 () -> (saved :Saved) $repeatable;
  # All that the layers `admin` and `session` have set.

  restore @1 (saved :Saved) -> (kept :UInt32, dropped :UInt32, reason :Text, revision :UInt64) $repeatable;
  # Sets the layers `admin` and `session` to what was saved, and to nothing besides, at once. Values of older versions are migrated.
  # What the schema does not allow (any more) is dropped; `reason` is why, of the first.
}
