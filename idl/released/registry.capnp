@0xc4f8136bd52e970a;
# The registry: from a name to a service, for those who were allowed it.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".maxCount;

interface Registry @0x9e35d84a71bc2f03 {
  # What programs use to find the services that their manifest allows them.

  resolve @0 (name :Text $maxBytes(23), interfaceId :UInt64)
          -> (service :Capability, interfaceId :UInt64, outcome :Outcome) $repeatable;
  # The service of this name, if it has the interface asked for; 0 asks for any. Its badge is the caller's own,
  # so a client is the same holder to every service. `service` is null unless the outcome is `found`.

  list @1 (first :UInt32) -> (entries :List(Entry), total :UInt32) $repeatable;
  # Names that the caller may resolve, sorted, as many as fit, from number `first` of `total`.

  enum Outcome {
    # What became of a look-up.
    found @0;
    noSuchName @1;      # Nothing is registered under it, as far as the caller may know.
    notAllowed @2;      # The manifest does not allow the caller this name.
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

  register @0 (name :Text $maxBytes(23), interfaceId :UInt64, service :Capability) $repeatable;
  # Puts a service under a name, in place of what was there. It needs the rights SEND and MINT.

  allow @1 (holder :UInt64, names :List(Text) $maxCount(64)) $repeatable;
  # What this holder may resolve, in place of what it could before.
}
