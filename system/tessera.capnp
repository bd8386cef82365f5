@0xb1f4c60d8e3a9752;
# The shipped system. A service that says nothing of modes runs in all of them: the console, the log and the shell, which is what
# recovery comes to. Nobody has to log in there, for whoever chose it stands at the machine, and identityd may be what is broken.

using Manifest = import "../idl/manifest.capnp";

# Safe mode has what it takes to log in, to look, to set things right and to run a program.
const mending :List(Manifest.Mode) = [full, reduced, safe];

const samgrd :Manifest.Service = (
  name = "samgrd",
  memoryKib = 256,
  band = interactive,
  provides = ["registry"],
  modes = .mending,
  grants = [
    (name = "policy", service = "policy", control = true),
    (name = "roster", roster = void),
    (name = "log", service = "log", weak = true),
  ],
);

const logd :Manifest.Service = (
  name = "logd",
  memoryKib = 512,
  band = interactive,
  provides = ["log"],
  grants = [(name = "roster", roster = void), (name = "journal", keepKib = 96)],
);

const rngd :Manifest.Service = (
  name = "rngd",
  memoryKib = 256,
  band = interactive,
  secret = true,
  provides = ["random"],
  modes = .mending,
  grants = [
    (name = "metrics", service = "metrics", weak = true),
    (name = "roster", roster = void),
    (name = "log", service = "log", weak = true),
  ],
);

const policyd :Manifest.Service = (
  name = "policyd",
  memoryKib = 256,
  band = interactive,
  provides = ["policy"],
  modes = .mending,
  grants = [
    (name = "manifest", manifest = void),
    (name = "identity", service = "identity", weak = true),
    (name = "log", service = "log", weak = true),
    (name = "roster", roster = void),
    (name = "state", keepKib = 8),
    (name = "supervisor", supervisor = void, unshared = true), # to be told what is not to be granted
  ],
);

const keystored :Manifest.Service = (
  name = "keystored",
  memoryKib = 256,
  band = interactive,
  secret = true,
  provides = ["keys"],
  modes = [full, reduced],
  mints = true,
  grants = [(name = "random", service = "random"), (name = "roster", roster = void), (name = "state", keepKib = 28)],
);

const identityd :Manifest.Service = (
  name = "identityd",
  memoryKib = 4736, # 4 MiB of it only while a password is looked at
  band = interactive,
  secret = true,
  provides = ["identity"],
  modes = .mending,
  mints = true,
  grants = [
    (name = "random", service = "random"),
    (name = "roster", roster = void),
    (name = "log", service = "log", weak = true),
    (name = "state", keepKib = 20),
  ],
);

const metricsd :Manifest.Service = (
  name = "metricsd",
  memoryKib = 512,
  provides = ["metrics"],
  modes = [full],
  grants = [
    (name = "inspector", inspector = void, unshared = true),
    (name = "log", service = "log", weak = true),
    (name = "roster", roster = void),
    (name = "supervisor", supervisor = void),
  ],
);

const configd :Manifest.Service = (
  name = "configd",
  memoryKib = 384,
  band = interactive,
  provides = ["config"],
  modes = .mending,
  grants = [
    (name = "settings", file = "settings"),
    (name = "roster", roster = void),
    (name = "log", service = "log", weak = true),
    (name = "state", keepKib = 32),
  ],
);

const timed :Manifest.Service = (
  name = "timed",
  memoryKib = 256,
  band = interactive,
  provides = ["time"],
  modes = [full, reduced],
  grants = [
    (name = "rtc", realTimeClock = void),
    (name = "state", keepKib = 8),
    (name = "zones", file = "zones"),
    (name = "config", service = "config"),
    (name = "roster", roster = void),
    (name = "log", service = "log", weak = true),
  ],
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
    (name = "log", service = "log", weak = true),
    (name = "roster", roster = void),
  ],
);

const execd :Manifest.Service = (
  name = "execd",
  memoryKib = 512,
  band = interactive,
  args = [(bootCommandLine = void)],
  provides = ["exec"],
  modes = .mending,
  grants = [
    (name = "programs", programs = void),
    (name = "supervisor", supervisor = void, control = true),
    (name = "log", service = "log", control = true, weak = true),
    (name = "symbols", file = "symbols"),
    (name = "roster", roster = void),
    (name = "crashes", crashes = void),
    (name = "records", keepKib = 152),
  ],
);

const shell :Manifest.Service = (
  name = "shell",
  args = [(bootCommandLine = void)],
  memoryKib = 1024,
  band = interactive,
  essential = true,
  grants = [
    (name = "console", service = "console", control = true),
    (name = "log", service = "log", weak = true),
    (name = "policy", service = "policy", control = true, weak = true),
    (name = "registry", service = "registry", weak = true),
    (name = "supervisor", supervisor = void, control = true),
    (name = "exec", service = "exec", control = true, weak = true),
    (name = "inspector", inspector = void, unshared = true),
    (name = "trace", trace = void, unshared = true),
    (name = "manual", file = "manual"),
    (name = "manifest_source", file = "manifest-source"),
    (name = "script-healthy", file = "healthy"),
    (name = "keys", service = "keys", weak = true),
    (name = "identity", service = "identity", control = true, weak = true),
    (name = "metrics", service = "metrics", weak = true),
    (name = "config", service = "config", control = true, weak = true),
    (name = "time", service = "time", control = true, weak = true),
  ],
  resolve = [(name = "log"), (name = "console"), (name = "random")],
);

const services :List(Manifest.Service) = [.samgrd, .logd, .metricsd, .policyd, .rngd, .keystored, .identityd, .configd, .timed, .consoled, .execd, .shell];

# What people may have the shell do, and in which role. `withoutLogin`: switching off must be possible when nobody can log in.
const operations :List(Manifest.Operation) = [
  (name = "run", role = user),
  (name = "keys", role = user),
  (name = "accounts", role = administrator),
  (name = "call", role = administrator),
  (name = "dumps", role = administrator),
  (name = "end", role = administrator),
  (name = "policy", role = administrator),
  (name = "replace", role = administrator),
  (name = "restart", role = administrator),
  (name = "revoke", role = administrator),
  (name = "settings", role = administrator),
  (name = "time", role = administrator),
  (name = "trace", role = administrator),
  (name = "power", role = administrator, withoutLogin = true),
];

# What execd runs.
const hello :Manifest.Program = (
  name = "hello",
  memoryKib = 256,
  grants = [(name = "console", service = "console")],
);

const system :Manifest.System = (
  name = "tessera",
  services = .services,
  programs = [.hello],
  operations = .operations,
);
