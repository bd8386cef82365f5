"""What only the machine's own controls can show: the emulator's monitor beside the serial line."""

import functools
import re
import socket
import time

from session import Session
from testing import check, patience


def monitor(session, path, command):
    """Says one thing to the emulator's monitor."""
    with socket.socket(socket.AF_UNIX) as control:
        control.settimeout(patience(10))
        control.connect(str(path))
        answer = b""
        while b"(qemu)" not in answer:
            answer += control.recv(4096)
        control.sendall(command.encode() + b"\n")
        answer = b""
        while answer.count(b"(qemu)") < 1 or not answer.endswith(b"(qemu) "):
            answer += control.recv(4096)
    return answer.decode(errors="replace")


def with_monitor(ctx, **options):
    path = ctx.scratch / "monitor"
    session = Session(ctx, qemu_args=("-monitor", f"unix:{path},server,nowait"), **options)
    return session, path


def local_timer(session, path):
    """(initial count, current count) of the local timer, which must be a one-shot."""
    text = monitor(session, path, "info lapic")
    check(re.search(r"LVTT.*one-shot", text), "the local timer's mode", "one-shot", text)
    return tuple(int(value) for value in re.search(r"initial_count = (\d+) current_count = (\d+)", text).groups())


def panic_explains_itself(ctx, **options):
    """A non-maskable interrupt is the operator's way to stop a machine: the one panic path of the kernel."""
    session, path = with_monitor(ctx, **options)
    limit = time.monotonic() + patience(15)
    # Idle, and still so when the interrupt comes, however long that takes: the machine stands still meanwhile.
    monitor(session, path, "stop")
    while "HLT=1" not in monitor(session, path, "info registers"):
        monitor(session, path, "cont")
        check(time.monotonic() < limit, "the processor does not come to rest at the prompt")
        time.sleep(0.05)
        monitor(session, path, "stop")
    monitor(session, path, "nmi")
    monitor(session, path, "cont")
    guest = session.guest
    guest.expect(r"^Tessera kernel panic: non-maskable interrupt$", 20)
    guest.expect(r"^  (r)?ip +[0-9a-f]{16} ", 20)
    guest.expect(r"^  rax [0-9a-f]{16} ", 20)
    guest.expect(r"^backtrace", 20)
    guest.expect(r"^    [0-9a-f]{16}  (?:sched|switch|idle)_\w+\+0x[0-9a-f]+$", 20)  # it was idle
    found = guest.expect(r"^kernel build ([0-9a-f]{40}) at 0x([0-9a-f]{16}), after \d+ us$", 20)
    start = re.search(r"^Tessera ([0-9a-f]{8}) ", guest.transcript, re.MULTILINE)
    check(found.group(1).startswith(start.group(1)), "the panic names the build that booted", start.group(1), found.group(1))
    guest.expect(r"^The machine is stopped\.$", 20)
    return int(found.group(2), 16)


def addresses_are_random(ctx):
    """The image lies elsewhere with each boot, where a panic says; and where it was linked on request."""
    linked = 0xffffffff80000000
    check(panic_explains_itself(ctx, cmdline="nokaslr") == linked, "the image with nokaslr", hex(linked))
    places = [panic_explains_itself(ctx) for _ in range(3)]
    check(len(set(places)) > 1 and all(place >= linked and place % (2 << 20) == 0 for place in places),
          "where the image lay in three boots", "2 MiB steps of the top 2 GiB, not all the same", [hex(place) for place in places])


def idle_without_a_tick(ctx):
    """At the prompt only services' own deadlines are due, a few in a second: no tick. The timer is off, or set for one of those."""
    WINDOW_S, MOST = 4, 20
    session, path = with_monitor(ctx)
    limit = time.monotonic() + patience(30)
    since, last, times = time.monotonic(), local_timer(session, path), 0
    while time.monotonic() < since + WINDOW_S:
        now = local_timer(session, path)
        times += now[0] != last[0] or now[1] > last[1]
        last = now
        if times > MOST:  # start-up is not over
            since, times = time.monotonic(), 0
        check(time.monotonic() < limit, "the local timer is set again and again at an idle prompt",
              f"at most {MOST} times in {WINDOW_S} seconds", now)
        time.sleep(0.02)
    session.poweroff()


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx)) for function in (panic_explains_itself, addresses_are_random, idle_without_a_tick)]
