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

const system :Manifest.System = (
  name = "scaling",
  services = [Tessera.samgrd, Tessera.logd, Tessera.policyd, Tessera.consoled, .scaling],
  include = ["scaling_worker", "bench_child"],
);
