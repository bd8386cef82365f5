"""Suite "gdb": the debugger's commands on the shipped system (docs/howto/debug.md)."""

import functools
import re
import socket

from testing import check, deadline, expect_match

ANSWER_S = 30


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def gdb(ctx, port, *commands):
    """What gdb prints; the machine stands still meanwhile, and goes on."""
    line = ["gdb-multiarch", "-q", "-batch", "-nx", ctx.build / "boot" / "kernel.debug",
            "-ex", f"target remote 127.0.0.1:{port}", "-x", "tools/gdb/tessera.py"]
    for command in commands:
        line += ["-ex", command]
    return ctx.run([*line, "-ex", "detach"], timeout=60, status=0).stdout


def shows_what_there_is(ctx):
    port = free_port()
    guest = ctx.guest(direct=True, system="test", cpus=2, qemu_args=["-S", "-gdb", f"tcp:127.0.0.1:{port}"])
    check("the kernel does not run yet" in gdb(ctx, port, "tessera threads"), "it is too early")
    guest.prompt(60)
    guest.command_output("run endless_loop &", ANSWER_S)
    output = gdb(ctx, port, "tessera processes", "tessera threads", "tessera handles logd", "tessera nonsense")
    for pattern in (r"(?m)^ +\d+ logd +running +\d+ +\d+$", r"(?m)^ +\d+ logd +receiving .* object \d+$",
                    r"(?m)^ +0x\w+ process +\d+ ", r"(?m)^ +0x\w+ endpoint ", "every process: koid"):
        expect_match(output, pattern, "gdb's output")
    # Each has its stack at the same addresses of another address space.
    threads = {name: re.search(rf"(?m)^ +(\d+) {name}[.\d]* +\w", output.split("WAITS ON")[1])[1]
               for name in ("logd", "consoled", "shell", "endless_loop")}
    output = gdb(ctx, port, *(f"tessera backtrace {thread}" for thread in threads.values()), "tessera backtrace 999999")
    for name in threads:
        expect_match(output, rf"(?m)^#\d+ .*\bmain \(.* at .*/{name}[/.]", "the thread's calls lead to main")
    check("Backtrace stopped" not in output, "no call is lost", saw=output)
    check("there is no thread 999999" in output, "an unknown thread is named", saw=output)
    guest.command_output("echo still here", ANSWER_S)


def prints_how_to_connect(ctx):
    line = ctx.run(["tools/qemu", "--gdb", "4321", "--print"], status=0).stdout
    check("-S -gdb tcp:127.0.0.1:4321" in line, "tools/qemu --gdb starts the machine stopped", saw=line)


def cases(ctx):
    return [(function.__name__, deadline(120)(functools.partial(function, ctx)))
            for function in (prints_how_to_connect, shows_what_there_is)]
