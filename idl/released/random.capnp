@0xa51c9a5eccb99352;
# Random numbers that nobody can guess: the one authority for them.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;

const fillMaxBytes :UInt32 = 4000;  # At once.

interface Random @0xd27aec8c92d42919 {
  # Random numbers, for everybody who was given it. Who knows all that the service knows can tell nothing about numbers that
  # were drawn before.

  draw @0 () -> (first :UInt64, second :UInt64, third :UInt64, fourth :UInt64) $repeatable;
  # 256 random bits: a key. Overloaded: the service is not seeded yet, and draws nothing before it is.

  fill @1 (count :UInt32) -> (bytes :Data) $repeatable;
  # That many random bytes, at most `fillMaxBytes`. Overloaded, as with draw.

  stats @2 () -> (stats :Stats) $repeatable;
  # Whether it is seeded, and how much was drawn.

  sources @3 () -> (sources :List(Source)) $repeatable;
  # Where the entropy came from since the service started.

  struct Stats {
    # How far the service is, and what went out.
    seeded @0 :Bool;
    keys @1 :UInt64;         # That were made of new entropy since the service started.
    freshBits @2 :UInt32;    # Of entropy that came in since the last key was made,
    wantedBits @3 :UInt32;   # and how many make the next one.
    drawnBytes @4 :UInt64;
  }

  struct Source {
    # Where entropy came from, and how much of it.
    name @0 :Text;
    times @1 :UInt64;
    bytes @2 :UInt64;
    bits @3 :UInt64;         # Of these bytes that nobody can guess, as far as the source is believed.
  }
}

interface RandomControl @0xccd0e84ba5ee3b35 extends(Random) {
  # For drivers of devices that are sources of entropy.

  contribute @0 (source :Text $maxBytes(23), bytes :Data $maxBytes(2048), bits :UInt32);
  # Brings bytes, of which this many bits cannot be guessed. The device is believed; do not keep the bytes.
}
