@0xa1c75e0d93b84f26;
# The shipped system with a service that it cannot do without, and that ends again and again (tests/e2e/supervision.py): at first the
# system makes do with less, and when that does not help it stops.

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const wavering :Manifest.Service = (
  name = "wavering",
  program = "patient",
  memoryKib = 128,
  essential = true,
  args = [(text = "wavers"), (bootCommandLine = void)],
  provides = ["wavering"],
  grants = [(name = "state", keepKib = 8)],
  budget = 2,
);

# It needs the one above, and does not belong to safe mode.
const leaning :Manifest.Service = (
  name = "leaning",
  program = "patient",
  memoryKib = 128,
  provides = ["leaning"],
  grants = [(name = "wavering", service = "wavering")],
  modes = [full],
);

# Never becomes ready, and nobody ends it for that; the other one needs it, so it is never started, in whatever mode.
const becoming :Manifest.Service = (
  name = "becoming",
  program = "patient",
  memoryKib = 128,
  args = [(text = "unready")],
  band = background,
  readyMs = 3600000,
  provides = ["becoming"],
);

const waiting :Manifest.Service = (
  name = "waiting",
  program = "patient",
  memoryKib = 128,
  provides = ["waiting"],
  grants = [(name = "becoming", service = "becoming")],
);

const system :Manifest.System = (
  name = "wavering",
  services = [.wavering, .leaning, .becoming, .waiting, Tessera.samgrd, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored,
              Tessera.identityd, Tessera.configd, Tessera.timed, Tessera.consoled, Tessera.execd, Tessera.shell],
  operations = Tessera.operations,
);
