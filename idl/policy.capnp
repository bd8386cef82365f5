@0x9c61f0d8b25e47a3;
# Policy: the one place where it is decided who may do what with which service, and why.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".maxCount;
using Identity = import "identity.capnp";
using Kernel = import "kernel.capnp";

enum Action {
  # What can be done with what a service provides.
  use @0;      # Hold a capability to it, and call what everybody may.
  control @1;  # Call what only some may.
  share @2;    # Make copies of the capability, and give them away.
}

enum Origin {
  # Where a rule comes from.
  manifest @0;  # A rule that is written as one.
  grant @1;     # A capability that the manifest grants: it may be used, shared, and with `control` controlled.
  resolve @2;   # A name that the manifest lets a program resolve.
  revoked @3;   # Denied while the system runs.
}

struct Rule {
  # One of those that are in force.
  subject @0 :Text;        # A service or program, or `*` for all.
  actions @1 :UInt8;       # Bit n: the action of this number.
  object @2 :Text;         # What some service provides, or `*`.
  allows @3 :Bool;         # Or denies: then whatever else allows it.
  origin @4 :Origin;
  file @5 :Text;           # Where it is written,
  line @6 :UInt32;         # and the line; 0: nowhere.
}

struct Proposal {
  # A rule that somebody thinks of.
  subject @0 :Text;
  action @1 :Action;
  object @2 :Text;
  allows @3 :Bool;
}

struct Denial {
  # What was attempted and why it was not allowed. Every refusal for want of authority can be told like this.
  subject @0 :Text;        # Who attempted it.
  attempted @1 :Text;      # What: an action's name, or a method of the kernel (`call vmo.resize of`),
  object @2 :Text;         # and with what.
  reason @3 :Text;         # Which rule denies it, or that none allows it.
  holders @4 :List(Text);  # Who may, as many as fit.
  holderCount @5 :UInt32;
  file @6 :Text;           # The file and the line that would have to change,
  line @7 :UInt32;
  advice @8 :Text;         # and what to write there.
  missing @9 :Text;        # The right or the grant that it would take.
}

struct Operation {
  # Something that a program does only for people who may have it done.
  name @0 :Text;
  role @1 :Identity.Role;  # The least that a person must be.
  withoutLogin @2 :Bool;   # Also for whoever is there while nobody can log in.
  file @3 :Text;           # Where it is written,
  line @4 :UInt32;         # and the line.
}

interface Policy @0xe7a1d3540b9c26f8 {
  # Asks for decisions, and for their reasons. What no rule allows is denied; what any rule denies is denied.

  check @0 (subject :Text $maxBytes(23), action :Action, object :Text $maxBytes(23)) -> (allowed :Bool, rule :UInt32, epoch :UInt64)
           $repeatable;
  # Whether this service or program may do that. `rule` is the number of the rule that says so in `list`; noRule: none does. The
  # decision holds until the epoch changes. It is audited.

  explain @1 (subject :Text $maxBytes(23), action :Action, object :Text $maxBytes(23))
             -> (allowed :Bool, rule :Rule, denial :Denial) $repeatable;
  # The same with the reason: the rule that allows it, or the denial.

  list @2 (first :UInt32) -> (rules :List(Rule), total :UInt32) $repeatable;
  # The rules that are in force, as many as fit, from number `first` of `total`.

  stats @3 () -> (stats :Stats) $repeatable;
  # Which rules are in force, and how much was decided.

  dryRun @4 (rules :List(Proposal) $maxCount(64), replace :Bool) -> (changes :List(Change), total :UInt32, rejected :UInt32)
            $repeatable;
  # Which decisions would be others if these rules were added to those in force or, with `replace`, took the place of all of
  # them. As many changes as fit, of `total`, those that are in use first. `rejected` is how many proposals name nobody or
  # nothing of this system, and were left out.

  facets @5 (subject :Text $maxBytes(23), object :Text $maxBytes(23)) -> (actions :UInt8, epoch :UInt64) $repeatable;
  # All actions at once: bit n is the action of this number. Audited as a `check` of whether it may be used, and of what else is
  # allowed.

  permitted @6 (subject :Text $maxBytes(23)) -> (names :List(Text)) $repeatable;
  # What it may use. Nothing is done by this: it is not audited.

  perform @7 (session :Identity.Session, operation :Text $maxBytes(23)) -> (allowed :Bool, denial :Denial);
  # Whether the person whose session this is may have this done; one that only shows who it is (`observe`) will do. Without a session:
  # whether somebody may who is not logged in. Who it is identityd says, and nobody else. What the manifest does not name nobody may;
  # on a machine that never had an account whoever is there may do all that it names. It is audited.

  explainOperation @8 (role :Identity.Role, operation :Text $maxBytes(23)) -> (allowed :Bool, operation :Operation, denial :Denial) $repeatable;
  # The same for anybody of this role on a machine with accounts: the line that allows it, or the denial. Nothing is done by it.

  operations @9 (first :UInt32) -> (operations :List(Operation), total :UInt32) $repeatable;
  # What the manifest names, as many as fit, from number `first` of `total`.

  const noRule :UInt32 = 0xffffffff;
  # The number of no rule.

  struct Stats {
    # Numbers since the service started.
    version @0 :UInt32;      # Of the rules, as the manifest has it.
    epoch @1 :UInt64;        # Never the same again once a decision may be another; not after a restart of the service, either.
    rules @2 :UInt32;
    allowed @3 :UInt64;      # Checks that were.
    denied @4 :UInt64;
    learning @5 :Bool;
    auditDropped @6 :UInt64; # Decisions that could not be filed with the log.
  }

  struct Change {
    # A decision that would be another.
    subject @0 :Text;
    action @1 :Action;
    object @2 :Text;
    allowed @3 :Bool;        # By the new rules; now it is the other way.
    inUse @4 :Bool;          # It was asked for since the service started.
  }
}

interface PolicyControl @0xb05f2c9e71d8a364 extends(Policy) {
  # Changes what is decided.

  revoke @0 (subject :Text $maxBytes(23), action :Action, object :Text $maxBytes(23)) -> (epoch :UInt64) $repeatable;
  # Denies it from now on, whatever allows it; `*` is everybody and everything. What was resolved the registry takes back; what is granted
  # at a start is not granted any more (Supervisor.withhold), and who was granted it keeps it until it ends. Nothing is taken from the
  # service that decides: it is not among everybody, and refused by its name.

  restore @1 (subject :Text $maxBytes(23), action :Action, object :Text $maxBytes(23)) -> (found :Bool, epoch :UInt64) $repeatable;
  # Undoes a `revoke` of the same three.

  watch @2 (watcher :Kernel.Notification, bits :UInt64) $repeatable;
  # Sets these bits in a notification whenever the epoch changes, before whoever changed it hears that it has. For the registry:
  # there is one watcher, and the next one takes its place.

  learn @3 (on :Bool) $repeatable;
  # Begins to record what is used, with nothing recorded, and with it a new epoch; or ends it.

  propose @4 () -> (text :Text, units :UInt32, cut :Bool) $repeatable;
  # The least that would have sufficed for what was recorded, as it would be written in the manifest, and never more than that says now.
  # What is granted is used without a question, and not recorded here: each handle notes that it was used (Kernel.Inspector).
}
