@0xd3f7a90b52c6e184;
# The shipped system with a log that never answers, for what waits and must have an end (tests/e2e).

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const logd :Manifest.Service = (
  name = "logd",
  program = "endless_loop",
  memoryKib = 256,
  band = background,
  provides = ["log"],
  readyMs = 0,
);

const consoled :Manifest.Service = (
  name = "consoled",
  memoryKib = 512,
  band = interactive,
  essential = true,
  provides = ["console"],
  grants = [
    (name = "uart", serial = (port = console, part = registers)),
    (name = "uart_interrupt", serial = (port = console, part = interrupt)),
  ],
);

const system :Manifest.System = (
  name = "mute",
  services = [Tessera.samgrd, .logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd, Tessera.timed, .consoled, Tessera.execd, Tessera.shell],
  operations = Tessera.operations,
);
