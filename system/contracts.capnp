@0x8ac6e1f49b2d7035;
# All services, and one program that is granted both facets of each and calls them as no stub would (tests/contracts).

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const suite :Manifest.Service = (
  name = "contract_suite",
  memoryKib = 16384,
  stackKib = 256,
  restart = never,
  modes = [full],
  args = [(text = "hostile")],
  grants = [
    (name = "reporter", serial = (port = spare, part = registers)),
    (name = "inspector", inspector = void),
    (name = "trace", trace = void),
    (name = "resource", resource = all),
    (name = "config", service = "config"),
    (name = "config_control", service = "config", control = true),
    (name = "console", service = "console"),
    (name = "console_control", service = "console", control = true),
    (name = "identity", service = "identity"),
    (name = "identity_control", service = "identity", control = true),
    (name = "keys", service = "keys"),
    (name = "exec", service = "exec"),
    (name = "exec_control", service = "exec", control = true),
    (name = "log", service = "log"),
    (name = "log_control", service = "log", control = true),
    (name = "metrics", service = "metrics"),
    (name = "policy", service = "policy"),
    (name = "policy_control", service = "policy", control = true),
    (name = "random", service = "random"),
    (name = "random_control", service = "random", control = true),
    (name = "registry", service = "registry"),
    (name = "registry_control", service = "registry", control = true),
    (name = "time", service = "time"),
    (name = "time_control", service = "time", control = true),
    (name = "supervisor", supervisor = void),
    (name = "supervisor_control", supervisor = void, control = true),
  ],
);

const system :Manifest.System = (
  name = "contracts",
  services = [Tessera.samgrd, Tessera.logd, Tessera.metricsd, Tessera.policyd, Tessera.rngd, Tessera.keystored, Tessera.identityd, Tessera.configd, Tessera.timed, Tessera.consoled, Tessera.execd, .suite],
  programs = [Tessera.hello],
  operations = Tessera.operations,
);
