@0xf5c0a7d2391e8b64;
# All services, and one program that kills them at random while it uses them (tests/kills).

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const suite :Manifest.Service = (
  name = "kill_suite",
  memoryKib = 4096,
  band = interactive,
  restart = never,
  modes = [full],
  args = [(text = "services_are_killed"), (bootCommandLine = void)],
  grants = [
    (name = "reporter", serial = (port = spare, part = registers)),
    (name = "inspector", inspector = void),
    (name = "trace", trace = void),
    (name = "resource", resource = all),
    (name = "config", service = "config", control = true),
    (name = "console", service = "console"),
    (name = "exec", service = "exec"),
    (name = "identity", service = "identity"),
    (name = "keys", service = "keys"),
    (name = "log", service = "log"),
    (name = "metrics", service = "metrics"),
    (name = "policy", service = "policy", control = true),
    (name = "random", service = "random"),
    (name = "registry", service = "registry"),
    (name = "time", service = "time"),
    (name = "supervisor", supervisor = void, control = true),
  ],
  resolve = [(name = "log")],
);

const system :Manifest.System = (
  name = "kills",
  services = [Tessera.samgrd, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd, Tessera.timed, Tessera.consoled, Tessera.execd, .suite],
  programs = [Tessera.hello],
);
