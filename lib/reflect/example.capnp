@0xc2b7a0e95d1f4836;
# What the tests of lib/reflect are about: interfaces that extend others, and all that a signature can say.

using import "/idl/tessera.capnp".repeatable;
using import "/idl/tessera.capnp".oneWay;
using import "/idl/tessera.capnp".maxBytes;
using import "/idl/tessera.capnp".kernelObject;

enum Colour { red @0; green @1; darkBlue @2; }

struct Shape {
  name @0 :Text = "none";
  colour @1 :Colour = green;
  inner @2 :Shape;
  union {
    point @3 :Void;
    circle @4 :Float64 = 2.5;
    square :group {
      width @5 :UInt16;
      label @6 :Text;
    }
  }
  corner :group {
    x @7 :Int32;
    y @8 :Int32 = -1;
  }
}

interface Base @0x8a3d51e0c97b2f64 {
  ping @0 (count :UInt8 = 3) -> (count :UInt8) $repeatable;
  tell @1 (text :Text $maxBytes(10)) -> () $oneWay;
}

interface Left @0xb1e06c4f9a7d2835 extends(Base) {
  left @0 ();
}

interface Right @0xe95a0d3b61c8f274 extends(Base) {
  draw @0 (shapes :List(Shape), grid :List(List(Colour)), any :AnyPointer) -> (painter :Painter, what :Capability);
}

interface Painter @0x96f8d2c17e4b0a53 extends(Left, Right) {
  ping @0 () -> Shape;
  stream @1 (bytes :Data) -> stream;
  grouped @2 Painted -> Painted;
}

struct Painted {
  union {
    painter @0 :Painter;
    none @1 :Void;
  }
  more :group {
    what @2 :Capability;
  }
}

interface Lamp @0xd07e61a4c8f3925b $kernelObject {
  none @0 ();
  set @1 (level :UInt64, bright :Bool, other :Lamp, count :UInt32) -> ();
  make @2 (level :UInt32) -> (lamp :Lamp, twin :Lamp, level :UInt32, on :Bool);
}
