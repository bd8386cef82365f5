@0xe7a0b3d95c1f2648;
# The contract of the program that stub_overhead calls.

using import "/tessera.capnp".maxBytes;

interface Adder @0x93d4c6b1f0e8257a {
  # Adds.

  add @0 (a :UInt64, b :UInt64) -> (sum :UInt64);
  # The sum of two numbers, modulo 2^64.

  echo @1 (text :Text $maxBytes(200)) -> (text :Text);
  # The same text.
}
