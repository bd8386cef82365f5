"""Suite "hardening": what docs/concepts/hardening.md promises, provoked on the shipped kernel from outside.

The debugger's stub stops the machine in the kernel, and changes a register or a word of memory as a mistake or an attack
would have; the kernel has to notice, and say which of its checks did.
"""

import functools
import socket

from testing import deadline

BOOT_S = 60
# Where the kernel comes by on its own stack, once nothing final changes any more.
PLACE = "kernel_leave"
# By number of type: all that take an object apart.
CLASSES = range(1, 16)

ATTACKS = {
    "write_to_what_is_final": (
        PLACE, ["set $rdi = (long)&idt", "set $rsi = 0", "set $rdx = 8", "set $rip = (long)&memset"], "page fault"),
    "write_to_the_kernels_text": (
        PLACE, [f"set $rdi = (long)&{PLACE}", "set $rsi = 0", "set $rdx = 8", "set $rip = (long)&memset"], "page fault"),
    "run_what_is_data": (PLACE, ["set $rip = (long)&boot_percpu"], "page fault"),
    "call_another_type": (
        PLACE, [f"set var *(long *)&(*$classes)[{number}].destroy_step = (long)&{PLACE}" for number in CLASSES],
        "call through a pointer to a function of another type"), # init gives objects up while it starts the services
    "overwrite_the_frame": ("frame_alloc", ["set var __stack_chk_guard = 12345"], "a stack frame was overwritten"),
    "leave_the_stack": (PLACE, ["set $rsp = boot_percpu.kernel_stack_top - 2 * 4096"], "kernel stack overflow"),
}


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def is_noticed(ctx, place, changes, said):
    port = free_port()
    guest = ctx.guest(direct=True, system="test", cmdline="nokaslr", qemu_args=["-S", "-gdb", f"tcp:127.0.0.1:{port}"])
    line = ["gdb-multiarch", "-q", "-batch", "-nx", ctx.build / "boot" / "kernel.debug",
            "-ex", "set $classes = &'object.c'::classes",
            "-ex", f"target remote 127.0.0.1:{port}", "-ex", f"hbreak {place}", "-ex", "continue", "-ex", "delete"]
    for change in changes:
        line += ["-ex", change]
    ctx.run([*line, "-ex", "detach"], timeout=BOOT_S, status=0)
    guest.expect(rf"(?m)^Tessera kernel panic: {said}", BOOT_S)
    guest.expect(r"(?m)^The machine is stopped\.$", BOOT_S)


def cases(ctx):
    return [(name, deadline(180)(functools.partial(is_noticed, ctx, *attack))) for name, attack in ATTACKS.items()]
