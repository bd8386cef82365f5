@0x9b7f30c6d15ae284;
# What every service answers to its supervisor, and to nobody else (lib/service).
#
# The supervisor makes an endpoint for each process of a service beside those of what it provides. There the process receives
# when it is ready, and nowhere else until it is told to begin; from then on it answers where its clients call, until it has
# handed over its state. Nothing that a supervisor asks waits for a service: it asks, and has other things to do.

using import "tessera.capnp".repeatable;
using Kernel = import "kernel.capnp";

interface Lifecycle @0xc30de8a1726f94b5 {
  # How a process of a service begins, goes on and ends.

  begin @0 (state :Kernel.Vmo, bytes :UInt64);
  # That this is answered says that it is ready: it serves its clients from now on. `state`, a VMO, is what a predecessor had
  # in hand, or null. Failed: it cannot go on from that state, and the predecessor is to.

  probe @1 () -> (requests :UInt64, refused :UInt64, denied :UInt64) $repeatable;
  # That this is answered says that it is well. What it has done since it began: requests that it served, of those the ones that it
  # refused, and of those the ones that their callers may not make.

  save @2 (loseState :Bool) -> (state :Kernel.Vmo, bytes :UInt64);
  # It finishes what it has begun, hands its state over, and serves nobody any more until it is told what came of that: `resume`,
  # or `stop`. Who calls it meanwhile waits for whoever serves next. Without a state there is no capability: there is none, or it
  # lies in memory that the successor is lent, too (`keepKib`). Refused, and it serves on, when something of its state would be
  # lost, which the refusal names; with `loseState` that is lost.

  resume @3 ();
  # Its successor does not begin: it goes on with the state that it had. Also before it has answered `save`, which is refused then.

  stop @4 ();
  # It finishes what it may not leave undone, answers, and ends. What it has handed over it leaves alone.
}
