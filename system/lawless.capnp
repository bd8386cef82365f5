@0xe91b6c27f4d8a053;
# The shipped system with a policyd that is given up (tests/e2e/supervision.py).

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const policyd :Manifest.Service = (
  name = "policyd",
  program = "patient",
  memoryKib = 128,
  args = [(text = "crashes")],
  provides = ["policyd", "policy"],
  budget = 2,
);

const system :Manifest.System = (
  name = "lawless",
  services = [Tessera.samgrd, Tessera.logd, Tessera.metricsd, .policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd,
              Tessera.timed, Tessera.consoled, Tessera.execd, Tessera.shell],
  operations = Tessera.operations,
);
