@0xc4f8136bd52e970a;
# The registry: from a name to a service, for those who are allowed it.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using Policy = import "policy.capnp";
using Kernel = import "kernel.capnp";

interface Registry @0x9e35d84a71bc2f03 {
  # What programs use to find the services that their manifest allows them.

  resolve @0 (name :Text $maxBytes(23), interfaceId :UInt64)
          -> (service :Kernel.Endpoint, interfaceId :UInt64, outcome :Outcome) $repeatable;
  # The service of this name, if it has the interface asked for; 0 asks for any. Its badge is the caller's own,
  # so a client is the same holder to every service. `service` is null unless the outcome is `found`. It is what the policy allows:
  # for what everybody may call, or also for what only some may; with the right to be copied, or without. It is taken back when the
  # policy allows it no more. Disconnected: the policy does not answer now, and what it has not decided before is not given.

  list @1 (first :UInt32) -> (entries :List(Entry), total :UInt32) $repeatable;
  # Names that the caller may resolve, sorted, as many as fit, from number `first` of `total`.

  watch @2 (name :Text $maxBytes(23), generation :UInt64) -> (generation :UInt64, givenUp :Bool) $repeatable;
  # Answers when the generation of a name is another than this one: 0 until something is registered, and the next whenever its
  # service has been started again, another process or something else has taken its place, or it was given up: then calls wait for
  # nobody until somebody has it started again, which is the next generation. A registry that is started again has another, too. It may
  # also answer with the same one: then ask again.

  why @3 (name :Text $maxBytes(23)) -> (allowed :Bool, denial :Policy.Denial) $repeatable;
  # Why the caller may not resolve this name, who may, and what would allow it; nothing when it may.

  enum Outcome {
    # What became of a look-up.
    found @0;
    noSuchName @1;      # It is allowed, but nothing is registered under it yet.
    notAllowed @2;      # The policy does not allow the caller this name, whether there is such a one or not; `why` says more.
    wrongInterface @3;  # It is another interface; `interfaceId` says which.
  }

  struct Entry {
    # A name that may be resolved, and what is behind it.
    name @0 :Text;
    interfaceId @1 :UInt64;
  }
}

interface RegistryControl @0xd95207ea46b1cf83 extends(Registry) {
  # For the supervisor.

  register @0 (name :Text $maxBytes(23), interfaceId :UInt64, service :Kernel.Endpoint, givenUp :Bool) $repeatable;
  # Puts a service under a name; again when it was started again, or given up. It needs the rights SEND and MINT. What was resolved under this
  # name before stays, unless it is another endpoint now: then it is taken back.

  takeBack @1 (holder :UInt64, name :Text $maxBytes(23)) -> (found :Bool) $repeatable;
  # Takes back all that a holder resolved under this name, and what became of that. It may be resolved again, if the policy allows it.
}
