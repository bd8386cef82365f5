@0xc6f10d5b83ae2794;
# The shipped system with a registry that takes its time over everything it is told (tests/e2e/supervision.py).

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const registry :Manifest.Service = (
  name = "registry",
  program = "patient",
  memoryKib = 128,
  band = background,
  args = [(text = "slow")],
  provides = ["registry"],
  probeMs = 100,
);

const system :Manifest.System = (
  name = "slow",
  services = [.registry, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd,
              Tessera.timed, Tessera.consoled, Tessera.execd, Tessera.shell],
  operations = Tessera.operations,
);
