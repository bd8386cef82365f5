# The example of docs/decisions/capnp-c.md.
@0xf0d1a670c35e2b94;
using C = import "/tessera.capnp";
$C.prefix("log");

const textMax :UInt32 = 1024;
const greeting :Text = "hello";
const nobody :Origin = (name = "nobody", holder = 7);

enum Level { error @0; warning @1; info @2; debug @3; }

struct Origin {
  name   @0 :Text;
  holder @1 :UInt64;
}

struct Record {
  sequence @0 :UInt64;
  level    @1 :Level = info;
  urgent   @2 :Bool;
  offset   @3 :Int32 = -1;
  text     @4 :Text = "(none)";
  origin   @5 :Origin;
  tags     @6 :List(Text);
  lines    @7 :List(UInt32);
  related  @8 :List(Record);
  details  @9 :AnyPointer;
  grid     @10 :List(List(UInt16));
  sink     @11 :Sink;
  where :group {
    file @12 :Text;
    line @13 :UInt32;
  }
  union {
    plain  @14 :Void;
    count  @15 :UInt16;
    crash :group {
      address @16 :UInt64;
      reason  @17 :Text;
    }
  }
  ratio @18 :Float64 = 0.5;
}

struct Pair(Key, Value) { key @0 :Key; value @1 :Value; }

interface Sink { write @0 (record :Record, flush :Bool) -> (); }

interface Log extends(Sink) {
  query @0 (after :UInt64, limit :UInt32 = 100, unit :Text) -> (records :List(Record), next :UInt64);
  open  @1 (name :Text) -> (log :Log);
  rotate @2 (keep :UInt32) -> ();
}
