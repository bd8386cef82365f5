@0xfe696b7ff6f324fe;
# Everything that a schema can say, each at least once: what the generator must cope with. It is compiled, not read;
# for the look of what is generated see tidy.capnp.

using Cxx = import "/capnp/c++.capnp";
using Schema = import "/capnp/schema.capnp";

$Cxx.namespace("everything");
$mark(text = "of a file");

struct Mark { text @0 :Text; number @1 :Int32 = -1; }
annotation mark @0x8a1c0e9b5b5bc1d4 (*) :Mark;
annotation plain @0x9bd2a6f3d2b6a5e1 (field, enumerant) :Void;
annotation listed @0xa0e8f2f6c1b7d3c2 (struct) :List(UInt16);

enum Colour $mark(text = "of an enum") {
  red @0;
  green @1 $plain;
  blue @2;
  ultraViolet @3;
}

struct AllTypes {
  voidField @0 :Void;
  boolField @1 :Bool;
  int8Field @2 :Int8;
  int16Field @3 :Int16;
  int32Field @4 :Int32;
  int64Field @5 :Int64;
  uInt8Field @6 :UInt8;
  uInt16Field @7 :UInt16;
  uInt32Field @8 :UInt32;
  uInt64Field @9 :UInt64;
  float32Field @10 :Float32;
  float64Field @11 :Float64;
  textField @12 :Text;
  dataField @13 :Data;
  structField @14 :AllTypes;
  enumField @15 :Colour;
  capField @16 :Thing;

  voidList @17 :List(Void);
  boolList @18 :List(Bool);
  int8List @19 :List(Int8);
  int16List @20 :List(Int16);
  int32List @21 :List(Int32);
  int64List @22 :List(Int64);
  uInt8List @23 :List(UInt8);
  uInt16List @24 :List(UInt16);
  uInt32List @25 :List(UInt32);
  uInt64List @26 :List(UInt64);
  float32List @27 :List(Float32);
  float64List @28 :List(Float64);
  textList @29 :List(Text);
  dataList @30 :List(Data);
  structList @31 :List(AllTypes);
  enumList @32 :List(Colour);
  capList @33 :List(Thing);
}

struct Defaults {
  voidField @0 :Void = void;
  boolField @1 :Bool = true;
  int8Field @2 :Int8 = -128;
  int16Field @3 :Int16 = -32768;
  int32Field @4 :Int32 = -2147483648;
  int64Field @5 :Int64 = -9223372036854775808;
  uInt8Field @6 :UInt8 = 255;
  uInt16Field @7 :UInt16 = 65535;
  uInt32Field @8 :UInt32 = 4294967295;
  uInt64Field @9 :UInt64 = 18446744073709551615;
  float32Field @10 :Float32 = -1.5e-20;
  float64Field @11 :Float64 = 6.25e200;
  textField @12 :Text = "tessera \"quoted\" \\ ♫";
  dataField @13 :Data = 0x"00 ff 7f 80";
  structField @14 :AllTypes = (
    boolField = true, int8Field = -1, int64Field = -2, uInt64Field = 3, float32Field = 0.1, float64Field = -0.0,
    textField = "inner", dataField = "bytes", structField = (textField = "deeper", structField = (int16Field = 7)),
    enumField = ultraViolet, voidList = [void, void], boolList = [true, false, true], int8List = [1, -1, 127],
    int16List = [1, -2], int32List = [3, -4], int64List = [5, -6], uInt8List = [255], uInt16List = [65535],
    uInt32List = [4294967295], uInt64List = [18446744073709551615], float32List = [0, inf, -inf, nan, 1e-40],
    float64List = [0, inf, -inf, nan, 5e-324], textList = ["a", "", "ccc"], dataList = ["x", 0x"00"],
    structList = [(textField = "one"), (), (int32Field = 3)], enumList = [blue, red]);
  enumField @15 :Colour = blue;
  capField @16 :Thing;
  voidList @17 :List(Void) = [void, void, void];
  boolList @18 :List(Bool) = [true, false, false, true, true, true, true, true, true];
  int8List @19 :List(Int8) = [111, -111];
  textList @20 :List(Text) = ["plum", "pear"];
  structList @21 :List(AllTypes) = [(textField = "s1"), (textField = "s2")];
  enumList @22 :List(Colour) = [red, ultraViolet];
  emptyText @23 :Text = "";
  emptyList @24 :List(Int32) = [];
  emptyStruct @25 :Empty = ();
  floatNan @26 :Float64 = nan;
  floatInf @27 :Float32 = -inf;
  wholeFloat @28 :Float32 = 123;
  bigWholeFloat @29 :Float32 = 2e30;
}

struct Empty {}
enum NoneYet {}
interface NoMethods {}

struct AnyDefaults {
  any @0 :AnyPointer = Constants.structConst;
  list @1 :AnyList = Constants.int8ListConst;
  none @2 :NoneYet;
  nones @3 :List(NoneYet);
  nul @4 :Text = "a\x00b";
  no @5 :NoMethods;
}

struct AnyPointers {
  any @0 :AnyPointer;
  anyStruct @1 :AnyStruct;
  anyList @2 :AnyList;
  cap @3 :Capability;
  caps @4 :List(Capability);
}

struct OutOfOrder {
  third @2 :Text;
  first @0 :UInt8;
  fifth @4 :Text;
  second @1 :Bool;
  fourth @3 :UInt64;
}

struct Unions {
  tagFirst @0! :union {
    nothing @4 :Void;
    bit @5 :Bool;
    byte @6 :Int8;
    short @7 :Int16;
    word @8 :Int32;
    long @9 :Int64;
    text @10 :Text;
  }
  flag @11 :Bool;
  interleaved @1! :union {
    a64 @16 :Int64;
    a32 @14 :Int32;
    a1 @12 :Bool;
  }
  alsoInterleaved @2! :union {
    b64 @17 :Int64;
    b32 @15 :Int32;
    b1 @13 :Bool;
  }
  late @3 :UInt8 = 9;
}

struct UnnamedUnion {
  before @0 :Text;
  union {
    small @1 :UInt16;
    large @3 :UInt32 = 70000;
    inside :group {
      text @5 :Text;
      value @6 :Int8 = -3;
    }
    deep :union {
      left @7 :Int32;
      right @8 :List(Colour);
    }
  }
  middle @2 :UInt16;
  after @4 :Text;
}

struct UnionOfOneTag {
  outer :union {
    inner :union {
      foo @0 :Int32;
      bar @1 :Int32;
    }
    baz @2 :Int32;
  }
}

struct Groups {
  first :group {
    foo @0 :UInt32;
    bar @2 :UInt64;
    union {
      qux @4 :UInt16;
      corge :group {
        grault @6 :UInt64;
        garply @8 :UInt16;
        plugh @14 :Text = "default in a group";
        xyzzy @16 :Text;
      }
      fred @12 :Text;
    }
    waldo @10 :Text;
  }
  second :group {
    foo @1 :UInt32;
    bar @3 :UInt64;
    union {
      qux @5 :UInt16;
      corge :group {
        grault @7 :UInt64;
        garply @9 :UInt16;
        plugh @15 :Text;
        xyzzy @17 :Text;
      }
      fred @13 :Text;
    }
    waldo @11 :Text;
  }
}

struct UnionDefaults {
  one @0 :Unions = (tagFirst = (short = 321), flag = true, interleaved = (a64 = 12345678901234567));
  two @1 :UnnamedUnion = (large = 321, before = "foo", after = "bar");
  three @2 :UnnamedUnion = (inside = (text = "in", value = 4));
}

struct Nested {
  enum Kind { one @0; two @1; }
  const answer :Int32 = 42;
  struct Inner {
    enum Kind { three @0; four @1; five @2; }
    outer @0 :Nested.Kind = two;
    inner @1 :Kind = five;
    struct Innermost { back @0 :Nested; }
  }
  inner @0 :Inner;
  kind @1 :Kind = two;
  innerKind @2 :Inner.Kind = five;
  innermost @3 :Inner.Innermost;
  using InnerKind = Inner.Kind;
  again @4 :InnerKind = four;
}

struct Lists {
  # Small structs: a list of them may arrive as a list of plain values.
  struct S0 { f @0 :Void; }
  struct S1 { f @0 :Bool; }
  struct S8 { f @0 :UInt8; }
  struct S16 { f @0 :UInt16; }
  struct S32 { f @0 :UInt32; }
  struct S64 { f @0 :UInt64; }
  struct SP { f @0 :Text; }
  struct S0c { f @0 :Void; pad @1 :Text; }
  struct S1c { f @0 :Bool; pad @1 :Text; }
  struct SPc { f @0 :Text; pad @1 :UInt64; }
  list0 @0 :List(S0) = [(), ()];
  list1 @1 :List(S1) = [(f = true), (f = false), (f = true)];
  list8 @2 :List(S8) = [(f = 1)];
  list16 @3 :List(S16) = [(f = 1), (f = 2)];
  list32 @4 :List(S32);
  list64 @5 :List(S64);
  listP @6 :List(SP) = [(f = "foo"), (f = "bar")];
  ints @7 :List(List(Int32)) = [[1, 2, 3], [], [4]];
  texts @8 :List(List(Text)) = [["foo", "bar"], ["baz"]];
  structs @9 :List(List(AllTypes)) = [[(int32Field = 123)], []];
  deep @10 :List(List(List(Data)));
  enums @11 :List(List(Colour));
  bits @12 :List(List(Bool));
}

struct OldVersion {
  a @0 :Int64;
  b @1 :Text;
  c @2 :OldVersion;
}

struct NewVersion {
  a @0 :Int64;
  b @1 :Text;
  c @2 :NewVersion;
  d @3 :Int64 = 987;
  e @4 :Text = "new";
}

struct Generic(Foo, Bar) {
  foo @0 :Foo;
  rev @1 :Generic(Bar, Foo);
  union {
    none @2 :Void;
    some :group { number @3 :Int32; }
  }
  list @4 :List(Inner);
  struct Inner { foo @0 :Foo; bar @1 :Bar; }
  struct Inner2(Baz) {
    bar @0 :Bar;
    baz @1 :Baz;
    bound @2 :Inner;
    unbound @3 :Generic.Inner;
    struct Deep(Qux) {
      foo @0 :Foo; bar @1 :Bar; baz @2 :Baz; qux @3 :Qux;
      interface DeepInterface(Quux) { call @0 () -> (); }
    }
  }
  interface Interface(Qux) {
    call @0 Inner2(Text) -> (qux :Qux, gen :Generic(AllTypes, AnyPointers));
  }
  annotation ann @0xb4a1e3f0d1c2b3a4 (struct) :Foo;
  using AliasFoo = Foo;
  using AliasRev = Generic(Bar, Foo);
  struct UseAliases { foo @0 :AliasFoo; rev @1 :AliasRev.AliasFoo; }
}

struct UseGenerics $Generic(Text, Data).ann("foo") $listed([1, 2]) {
  basic @0 :Generic(AllTypes, AnyPointers);
  inner @1 :Generic(AllTypes, AnyPointers).Inner;
  inner2 @2 :Generic(AllTypes, AnyPointers).Inner2(Text);
  unspecified @3 :Generic;
  unspecifiedInner @4 :Generic.Inner2(Text);
  default @5 :Generic(AllTypes, Text) = (foo = (int16Field = 123), rev = (foo = "text", rev = (foo = (int16Field = 321))));
  cap @6 :Generic(Thing, Text);
  genericCap @7 :Generic(AllTypes, List(UInt32)).Interface(Data);
  lists @8 :Generic(List(Text), List(List(AllTypes)));
  alias @9 :Generic(AnyPointers, Text).AliasRev.AliasFoo = "text";
  use @10 :Generic(AllTypes, List(UInt32)).UseAliases = (foo = (int16Field = 1), rev = [12, 34]);
}

struct Constants {
  const voidConst :Void = void;
  const boolConst :Bool = true;
  const int8Const :Int8 = -123;
  const int16Const :Int16 = -12345;
  const int32Const :Int32 = -2147483648;
  const int64Const :Int64 = -9223372036854775808;
  const uint8Const :UInt8 = 234;
  const uint16Const :UInt16 = 45678;
  const uint32Const :UInt32 = 3456789012;
  const uint64Const :UInt64 = 12345678901234567890;
  const float32Const :Float32 = 1234.5;
  const wholeFloatConst :Float32 = 456;
  const infConst :Float32 = inf;
  const nanConst :Float64 = nan;
  const float64Const :Float64 = -123e45;
  const textConst :Text = "tab\there, ??/ trigraph, \x01end";
  const dataConst :Data = 0x"de ad be ef";
  const structConst :AllTypes = (textField = "constant", int32List = [1, 2, 3]);
  const enumConst :Colour = blue;
  const voidListConst :List(Void) = [void, void, void];
  const boolListConst :List(Bool) = [true, false, false, true];
  const int8ListConst :List(Int8) = [111, -111];
  const uint64ListConst :List(UInt64) = [11111111111111111111];
  const float64ListConst :List(Float64) = [7777.75, inf, -inf, nan];
  const textListConst :List(Text) = ["plugh", "xyzzy"];
  const structListConst :List(AllTypes) = [(textField = "1"), (textField = "2")];
  const enumListConst :List(Colour) = [red, green];
}

const globalInt :UInt32 = 12345;
const globalText :Text = "♫ é ✓";
const globalStruct :AllTypes = (int32Field = 54321);
const globalAny :AnyPointer = .globalStruct;
const derived :AllTypes = (
  uInt32Field = .globalInt, textField = .globalText, structField = Constants.structConst,
  int8List = Constants.int8ListConst);
const genericConst :Generic(AllTypes, Text) = (foo = (int16Field = 123), rev = (foo = "text"));
const anyConst :AnyPointers = (any = Constants.structConst, anyStruct = Constants.structConst,
  anyList = Constants.int8ListConst);

interface Thing $mark(text = "of an interface") {
  foo @0 (i :UInt32, j :Bool) -> (x :Text) $mark(number = 3);
  bar @1 () -> ();
  baz @2 (s :AllTypes $mark(text = "of a parameter"));
}

interface Better extends(Thing) {
  qux @0 ();
  corge @1 AllTypes -> ();
  grault @2 () -> AllTypes;
}

interface Best extends(Better, Sequence) {}

interface Sequence {
  next @0 (expected :UInt32) -> (n :UInt32);
}

interface Pipeline {
  getCap @0 (n :UInt32, inCap :Thing) -> (s :Text, outBox :Box);
  pointers @1 (cap :Thing, obj :AnyPointer, list :List(Thing)) -> ();
  getAnyCap @2 (n :UInt32, inCap :Capability) -> (s :Text, outBox :AnyBox);
  struct Box { cap @0 :Thing; }
  struct AnyBox { cap @0 :Capability; }
}

interface Streaming {
  put @0 (chunk :Data) -> stream;
  finish @1 () -> (total :UInt64);
}

interface WithDefaults {
  call @0 (a :Text, b :UInt32 = 123, c :Text = "foo", d :Thing = null) -> (e :Text, f :Text = "bar");
}

interface ImplicitParams {
  call @0 [T, U] (foo :T, bar :U) -> Generic(T, U);
}

interface ImplicitParamsInGeneric(V) {
  call @0 [T, U] (foo :T, bar :U) -> Generic(T, U);
  own @1 (v :V) -> (again :V);
}

interface Keywords {
  delete @0 (int :UInt8, new :Text) -> (register :Bool);
  class @1 ();
  void @2 ();
  return @3 ();
  init @4 ();
  call @5 (params :Text, results :Text) -> (status :UInt32);
  send @6 ();
}

struct Reserved {
  # Names that C has taken, or that generated code might have.
  int @0 :Int32;
  static @1 :Bool;
  struct @2 :AllTypes;
  typeof @3 :UInt8;
  bool @4 :Bool;
  nullptr @5 :Text;
  constexpr @6 :Data;
  union @7 :Colour;
  get @8 :Int8;
  set @9 :Int8;
  which @10 :Text;
  p @11 :Text;
  value @12 :Text;
  root @13 :AnyPointer;
  hasRoot @14 :Bool;
  ptr @15 :List(Int8);
  union {
    default @16 :Void;
    switch @17 :Void;
  }
  enum Case { if @0; else @1; while @2; null @3; true @4; false @5; }
}

struct Like {
  # Fields and types that are named like what the generator makes.
  fooBar @0 :Int32;
  initFooBar @1 :Int32;
  hasFooBar @2 :Bool;
  list @3 :Text;
  initList @4 :List(Text);
  id @5 :UInt64;
  struct Builder { x @0 :Int8; }
  server :group { y @6 :Int8; }
  target :union { server @7 :Text; which @8 :Void; id @9 :UInt64; pointers @10 :Void; }
  enum Which { id @0; count @1; }
}
struct LikeFooBar { x @0 :Int64; }
struct LikeReader { x @0 :Int64; }

struct Renamed $Cxx.name("NewName") {
  union {
    badName @0 :Bool $Cxx.name("goodName");
    bar @1 :Int8;
  }
}

struct OfSchema {
  node @0 :Schema.Node;
  value @1 :Schema.Value = (int8 = 3);
  size @2 :Schema.ElementSize = inlineComposite;
}
