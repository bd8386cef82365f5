@0xe4508b3ac6d1f97a;
# The shipped system, and beside it one program for each way to misbehave.

using Manifest = import "../idl/manifest.capnp";
using Tessera = import "tessera.capnp";

const console :Manifest.Grant = (name = "console", service = "console");
const log :Manifest.Grant = (name = "log", service = "log");

const system :Manifest.System = (
  name = "test",
  services = Tessera.services,
  programs = [
    Tessera.hello,
    # These cannot be run on any machine that tests are run on.
    (name = "greedy", program = "hello", memoryKib = 268435456),
    (name = "wanting", program = "hello", memoryKib = 256, grants = [.console, (name = "more", accountKib = 268435456)]),
    (name = "null_read", memoryKib = 256),
    (name = "bad_instruction", memoryKib = 256),
    (name = "divide_zero", memoryKib = 256),
    (name = "execute_data", memoryKib = 256),
    (name = "write_text", memoryKib = 256),
    (name = "stack_smash", memoryKib = 256),
    (name = "stack_overflow", memoryKib = 256),
    (name = "privileged", memoryKib = 256),
    (name = "endless_loop", memoryKib = 256),
    (name = "bad_syscalls", memoryKib = 256, grants = [.console]),
    (name = "kernel_pointers", memoryKib = 512, grants = [.console]),
    (name = "bad_handles", memoryKib = 256, grants = [.console]),
    (name = "handle_exhaustion", memoryKib = 1024, grants = [.console]),
    (name = "memory_exhaustion", memoryKib = 4096, grants = [.console]),
    (name = "object_exhaustion", memoryKib = 1024, grants = [.console]),
    (name = "process_flood", memoryKib = 2048, grants = [.console]),
    (name = "message_flood", memoryKib = 256, grants = [.console, .log]),
    (name = "handle_flood", memoryKib = 256, grants = [.console, (name = "random", service = "random")]),
    (name = "console_flood", memoryKib = 256, grants = [.console]),
    (name = "random_calls", memoryKib = 512, grants = [.console]),
    (name = "bad_pipe", memoryKib = 256, grants = [.console]),
    (name = "capitals", memoryKib = 256, grants = [.console]),
    (name = "log_client", memoryKib = 256, grants = [.console, .log, (name = "nobody", endpoint = void)]),
    (
      name = "denied",
      memoryKib = 256,
      grants = [.console, .log, (name = "settings", file = "settings"), (name = "bell", notification = void)],
    ),
    (name = "ungranted", program = "denied", memoryKib = 256, grants = [.console]),
    (name = "promises", memoryKib = 1024, grants = [.console, (name = "link", endpoint = void)]),
    (
      name = "config_client",
      memoryKib = 256,
      grants = [
        .console,
        (name = "config", service = "config"),
        (name = "control", service = "config", control = true),
      ],
    ),
    (
      name = "resolver",
      memoryKib = 256,
      grants = [.console, (name = "registry", service = "registry")],
      resolve = [(name = "log", share = true), (name = "random")],
    ),
    (
      name = "time_client",
      memoryKib = 256,
      grants = [
        .console,
        (name = "time", service = "time"),
        (name = "control", service = "time", control = true),
      ],
    ),
    # What `replace rngd` is tried with.
    (name = "random_next", memoryKib = 256),
    (name = "random_refuses", memoryKib = 256),
    (name = "random_hangs", memoryKib = 256),
    (name = "random_dies", memoryKib = 256),
    (name = "random_load", memoryKib = 256, grants = [.console, (name = "random", service = "random")]),
    (
      name = "random_client",
      memoryKib = 256,
      grants = [
        .console,
        (name = "random", service = "random"),
        (name = "control", service = "random", control = true),
      ],
    ),
  ],
  operations = Tessera.operations,
);
