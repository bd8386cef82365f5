@0xc93b5e1f7d20a846;
# The shipped system with somebody who logs in while identityd is replaced (tests/programs/identity_client.c).

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const client :Manifest.Service = (
  name = "identity_client",
  memoryKib = 512,
  restart = never,
  modes = [full],
  grants = [
    (name = "console", service = "console"),
    (name = "identity", service = "identity", control = true),
    (name = "supervisor", supervisor = void, control = true),
  ],
);

const system :Manifest.System = (
  name = "handover",
  services = [Tessera.samgrd, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd,
              Tessera.timed, Tessera.consoled, Tessera.execd, Tessera.shell, .client],
  operations = Tessera.operations,
);
