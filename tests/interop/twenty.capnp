@0xc0ffee00c0ffee01;
# What the cost of building and reading is measured with: numbers of every size, two texts, a list of structs.

struct Twenty {
  a @0 :UInt64;
  b @1 :UInt64;
  c @2 :UInt32;
  d @3 :UInt32;
  e @4 :UInt16;
  f @5 :UInt16;
  g @6 :UInt8;
  h @7 :UInt8;
  i @8 :Int64;
  j @9 :Int32 = -1;
  k @10 :Int16;
  l @11 :Bool;
  m @12 :Bool = true;
  n @13 :UInt64;
  o @14 :UInt32 = 100;
  p @15 :UInt64;
  q @16 :UInt32;
  name @17 :Text;
  text @18 :Text;
  items @19 :List(Item);
}

struct Item {
  id @0 :UInt64;
  weight @1 :Int32;
  kind @2 :UInt16;
  flag @3 :Bool;
}
