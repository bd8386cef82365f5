@0xd28e51c07a9b36f4;
# A machine that nobody sits at: its shell may write to the console and not read from it. It is there for the script on the boot line.

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const shell :Manifest.Service = (
  name = "shell",
  program = "script",
  args = [(bootCommandLine = void)],
  memoryKib = 1024,
  essential = true,
  modes = Tessera.mending,
  grants = [
    (name = "console", service = "console"),
    (name = "supervisor", supervisor = void, control = true),
    (name = "exec", service = "exec", control = true),
    (name = "script-healthy", file = "healthy"),
    (name = "metrics", service = "metrics", weak = true),
    (name = "time", service = "time", weak = true),
  ],
);

const system :Manifest.System = (
  name = "unattended",
  services = [Tessera.samgrd, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.identityd, Tessera.configd, Tessera.timed, Tessera.consoled, Tessera.execd, .shell],
  programs = [Tessera.hello],
);
