"""Cases about machines with several processors."""

import functools
import re
import time

from machine import monitor, with_monitor
from session import Session
from testing import check


def starts_all(ctx, cpus, direct):
    """Each processor that the machine has runs, and the system says so."""
    session = Session(ctx, direct=direct, cpus=cpus)
    check(f"tessera: {cpus} processors\n" in session.guest.transcript, "the kernel says how many processors run",
          f"tessera: {cpus} processors", session.guest.transcript)
    check("left out" not in session.guest.transcript, "none is left out", "nothing", session.guest.transcript)
    session.expect_in("uptime", rf"\b{cpus} processors\b")
    session.poweroff()


def as_many_as_asked_for(ctx):
    """The command line's maxcpus keeps the others asleep."""
    session = Session(ctx, cpus=4, cmdline="maxcpus=2")
    session.expect_in("uptime", r"\b2 processors\b")
    session.poweroff()
    session = Session(ctx, cpus=4, cmdline="maxcpus=1")
    session.expect_in("uptime", r"\b1 processor\b")
    session.poweroff()


def processor_times(session, program):
    """What ps shows for each process of that program, in seconds."""
    units = {"ns": 1e-9, "us": 1e-6, "ms": 1e-3, "s": 1}
    rows = [row for row in session.rows("ps") if row[1].split(".")[0] == program]
    return [float(row[-2]) * units[row[-1]] for row in rows]


def each_its_own(ctx):
    """Four programs that never rest, on four processors: each gets all of one, and the shell answers beside them."""
    session = Session(ctx, system="test", cpus=4)
    for _ in range(4):
        session.do("run endless_loop &")
    before, started = processor_times(session, "endless_loop"), time.monotonic()
    check(len(before) == 4, "programs in ps", 4, session.guest.transcript[-1500:])
    while time.monotonic() < started + 4:
        session.do("echo here")
        time.sleep(0.2)
    passed = time.monotonic() - started
    used = [after - first for first, after in zip(before, processor_times(session, "endless_loop"))]
    # One alone would get a quarter.
    check(min(used) > 0.5 * passed, "processor time of each", f"more than half of {passed:.1f} s", used)


def one_report(ctx):
    """The emulator's NMI comes to all processors at once: one of them reports, the others stop."""
    session, path = with_monitor(ctx, cpus=4)
    monitor(session, path, "nmi")
    guest = session.guest
    guest.expect(r"^The machine is stopped\.$", 20)
    for line in (r"^Tessera kernel panic: ", r"^backtrace", r"^kernel build ", r"^The machine is stopped\.$"):
        found = len(re.findall(line, guest.transcript, re.MULTILINE))
        check(found == 1, f"times that /{line}/ is in the report", 1, guest.transcript)
    check("another panic" not in guest.transcript, "no panic in the panic", "none", guest.transcript)


def cases(ctx):
    found = [(f"starts_{cpus}_processors{'' if direct else '_through_uefi'}", functools.partial(starts_all, ctx, cpus, direct))
             for cpus, direct in ((2, True), (4, True), (64, True), (4, False))]
    return found + [(function.__name__, functools.partial(function, ctx))
                    for function in (as_many_as_asked_for, each_its_own, one_report)]
