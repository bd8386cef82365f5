@0xb7c2e95d08f3614a;
# A small system with a service that stands in for an account (tests/programs/stand_in.c), and a program that cannot tell.

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const standIn :Manifest.Service = (
  name = "stand_in",
  memoryKib = 512,
  provides = ["account"],
  grants = [
    (name = "behind", accountKib = 1024),
    (name = "log", service = "log"),
  ],
);

const client :Manifest.Program = (
  name = "kernel_client",
  memoryKib = 512,
  grants = [
    (name = "console", service = "console"),
    (name = "mine", accountKib = 1024),
    (name = "theirs", service = "account"),
  ],
);

const system :Manifest.System = (
  name = "standin",
  services = [Tessera.samgrd, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd, Tessera.timed, Tessera.consoled, Tessera.execd, .standIn, Tessera.shell],
  programs = [.client],
  operations = Tessera.operations,
);
