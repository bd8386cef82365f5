@0xd97a2e5c40b8f163;
# The shipped services under the program that measures how work spreads over processors (bench/run --scaling). It starts
# with the system, not when a line has been typed, so that each run counts the same.

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const scaling :Manifest.Service = (
  name = "scaling",
  memoryKib = 2048,
  restart = never,
  grants = [
    (name = "console", service = "console"),
    (name = "account", accountKib = 32768),
    (name = "boot_package", bootPackage = void),
  ],
);

# Nobody logs in here.
const policyd :Manifest.Service = (
  name = "policyd",
  memoryKib = 256,
  band = interactive,
  provides = ["policy"],
  grants = [
    (name = "manifest", manifest = void),
    (name = "log", service = "log", weak = true),
    (name = "roster", roster = void),
    (name = "state", keepKib = 8),
    (name = "supervisor", supervisor = void, unshared = true),
  ],
);

const system :Manifest.System = (
  name = "scaling",
  services = [Tessera.samgrd, Tessera.logd, .policyd, Tessera.consoled, .scaling],
  include = ["scaling_worker", "bench_child"],
);
