@0xd1f0c0a5e1b2f3a4;
# A schema with everything that text can say.

enum Colour { red @0; green @1; darkBlue @2; }

struct Everything {
  nothing @0 :Void;
  flag @1 :Bool;
  flagSet @2 :Bool = true;
  i8 @3 :Int8 = -5;
  i16 @4 :Int16 = 300;
  i32 @5 :Int32 = -70000;
  i64 @6 :Int64 = 9000000000;
  u8 @7 :UInt8 = 200;
  u16 @8 :UInt16;
  u32 @9 :UInt32 = 4000000000;
  u64 @10 :UInt64 = 18000000000000000000;
  f32 @11 :Float32 = 1.5;
  f64 @12 :Float64 = -0.25;
  colour @13 :Colour = green;
  text @14 :Text = "default text";
  data @15 :Data = 0x"00 ff";
  inner @16 :Inner = (name = "default", number = 3);
  numbers @17 :List(Int32) = [1, 2, 3];
  bools @18 :List(Bool);
  voids @19 :List(Void);
  bytes @20 :List(UInt8);
  shorts @21 :List(Int16);
  longs @22 :List(UInt64);
  floats @23 :List(Float32);
  doubles @24 :List(Float64);
  colours @25 :List(Colour);
  texts @26 :List(Text);
  datas @27 :List(Data);
  inners @28 :List(Inner);
  nested @29 :List(List(List(UInt16)));
  nestedInners @30 :List(List(Inner));
  self @31 :Everything;
  position :group {
    line @32 :UInt32;
    file @33 :Text;
    column @34 :UInt16 = 1;
  }
  union {
    none @35 :Void;
    number @36 :Int64 = 12;
    word @37 :Text;
    many :group {
      first @38 :Bool = true;
      rest @39 :List(Inner);
    }
  }
  shape :union {
    point @40 :Void;
    circle @41 :Float64 = 2.5;
    square :group {
      width @42 :UInt16;
      label @43 :Text;
    }
    polygon @44 :List(Inner);
  }
  pair @45 :Pair(Text, Inner);
  empty @46 :Empty;
  empties @47 :List(Empty);
}

struct Inner {
  name @0 :Text;
  number @1 :Int32;
  next @2 :Inner;
}

struct Empty {}

struct Pair(Key, Value) {
  key @0 :Key;
  value @1 :Value;
}
