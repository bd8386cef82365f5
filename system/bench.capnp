@0xa86d03b9e7f41c25;
# The shipped system with the programs that measure it (bench/run): `run bench` at the prompt.

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const peer :Manifest.Service = (
  name = "bench_peer",
  memoryKib = 1024,
  band = interactive,
  provides = ["bench_peer"],
  readyMs = 0, # it has a loop of its own
);

const adder :Manifest.Service = (
  name = "bench_adder",
  memoryKib = 1024,
  band = interactive,
  provides = ["bench_adder"],
  mints = true,
);

const bench :Manifest.Program = (
  name = "bench",
  memoryKib = 2048,
  grants = [
    (name = "console", service = "console"),
    (name = "peer", service = "bench_peer"),
    (name = "adder", service = "bench_adder"),
    (name = "account", accountKib = 16384),
    (name = "trace", trace = void),
    (name = "boot_package", bootPackage = void),
    (name = "registry", service = "registry"),
    (name = "log", service = "log", control = true), # which takes as much as there is
    (name = "random", service = "random"),
    (name = "policy", service = "policy"),
    (name = "config", service = "config"),
    (name = "exec", service = "exec", control = true),
    (name = "supervisor", supervisor = void, control = true),
  ],
  resolve = [(name = "log")],
);

const child :Manifest.Program = (name = "bench_child", memoryKib = 256);

const system :Manifest.System = (
  name = "bench",
  services = [Tessera.samgrd, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd, Tessera.timed, Tessera.consoled, Tessera.execd, .peer, .adder, Tessera.shell],
  programs = [.bench, .child],
  operations = Tessera.operations,
);
