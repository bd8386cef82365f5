@0xd1a94e7c60b52f38;
# The shipped system with services that are sick, each in its own way, and what needs them (tests/e2e/supervision.py).

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const well :Manifest.Service = (
  name = "well",
  program = "patient",
  memoryKib = 128,
  provides = ["well"],
  grants = [(name = "console", service = "console")],
  modes = [full, reduced],
);

const unready :Manifest.Service = (
  name = "unready",
  program = "patient",
  memoryKib = 128,
  band = background,
  args = [(text = "unready")],
  provides = ["unready", "keys"], # of keystored, which this system has not: who calls it is told
  modes = [full],
  readyMs = 150,
  budget = 2,
);

const hangs :Manifest.Service = (
  name = "hangs",
  program = "patient",
  memoryKib = 128,
  band = background,
  args = [(text = "hangs")],
  provides = ["hangs"],
  modes = [full],
  probeMs = 100,
  answerMs = 150,
  budget = 2,
);

const crashes :Manifest.Service = (
  name = "crashes",
  program = "patient",
  memoryKib = 128,
  args = [(text = "crashes")],
  provides = ["crashes"],
  modes = [full],
  budget = 2,
);

# It is given up long before it would have had to be ready.
const refuses :Manifest.Service = (
  name = "refuses",
  program = "patient",
  memoryKib = 128,
  args = [(text = "refuses")],
  provides = ["refuses"],
  grants = [(name = "state", keepKib = 8)],
  modes = [full],
  readyMs = 60000,
  budget = 3,
);

# These stay down: each leaves one record of its crash (tests/e2e/crashes.py).
const faults :Manifest.Service = (
  name = "faults",
  program = "patient",
  memoryKib = 128,
  restart = never,
  args = [(text = "faults")],
  provides = ["faults"],
  modes = [full],
);

const panics :Manifest.Service = (
  name = "panics",
  program = "patient",
  memoryKib = 128,
  restart = never,
  args = [(text = "panics")],
  provides = ["panics"],
  modes = [full],
  secret = true,
);

# Together they want more memory than the machine has.
const filling :Manifest.Service = (
  name = "filling",
  program = "patient",
  memoryKib = 131072,
  restart = never,
  provides = ["filling"],
  modes = [full],
);

const hungry :Manifest.Service = (
  name = "hungry",
  program = "metricsd",
  memoryKib = 131072,
  provides = ["metrics"],
  grants = [
    (name = "inspector", inspector = void, unshared = true),
    (name = "roster", roster = void),
    (name = "supervisor", supervisor = void),
  ],
  modes = [full],
);

# It starts when what it needs is given up, and says so.
const needy :Manifest.Service = (
  name = "needy",
  program = "patient",
  memoryKib = 128,
  provides = ["needy"],
  grants = [
    (name = "console", service = "console"),
    (name = "crashes", service = "crashes"),
    (name = "well", service = "well"),
  ],
  modes = [full],
);

const system :Manifest.System = (
  name = "sick",
  rules = [(subject = "shell", action = use, object = "crashes", effect = allow)], # to watch it in the registry
  services = [.needy, .crashes, .faults, .panics, .refuses, .hangs, .unready, .filling, .hungry, Tessera.samgrd, Tessera.logd, Tessera.policyd, Tessera.rngd,
              Tessera.identityd, Tessera.configd, Tessera.timed, .well, Tessera.consoled, Tessera.execd, Tessera.shell],
  operations = Tessera.operations,
);
