@0x9f6a2c1b7d3e5048;
# A message of ordinary size, for counting instructions: twenty fields, two of them texts and one a list of structs.

enum Kind { none @0; some @1; all @2; }

struct Part {
  id @0 :UInt64;
  size @1 :UInt32;
  kind @2 :Kind;
  good @3 :Bool;
}

struct Whole {
  a @0 :UInt64;
  b @1 :UInt64;
  c @2 :Int64 = -1;
  d @3 :UInt32;
  e @4 :UInt32 = 100;
  f @5 :Int32;
  g @6 :UInt16;
  h @7 :Int16;
  i @8 :UInt8;
  j @9 :Int8;
  k @10 :Bool;
  l @11 :Bool = true;
  m @12 :Bool;
  n @13 :Kind = some;
  o @14 :Float64;
  p @15 :Float32;
  q @16 :UInt64;
  name @17 :Text;
  text @18 :Text;
  parts @19 :List(Part);
}
