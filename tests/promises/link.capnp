@0xb6d0c3a19f7e5482;
# What tests/promises/promises.c calls, several deep.

using import "/tessera.capnp".repeatable;

interface Link @0xd84b17e6a2f093c5 {
  # Leads to another of its kind.

  enum Answer {
    # What an answer is to be.
    link @0;     # a link
    nothing @1;  # results without one
    refusal @2;  # an exception
    death @3;    # none: the server dies with the call in hand
    elsewhere @4; # a link to another server
    minted @5;    # a link that is made when the answer goes
  }

  next @0 (answer :Answer) -> (link :Link);
  # The next one.

  read @1 (value :UInt64) -> (value :UInt64) $repeatable;
  # The number, and one more.

  survive @2 (deaths :UInt64) -> (link :Link) $repeatable;
  # The next one, unless the server loses the call, as it does so many times.
}

interface LinkControl @0xe3a5907c1d24f86b extends(Link) {
  # The same for some.

  begin @0 () -> (link :Link);
  # The first one, made when the answer goes.
}
