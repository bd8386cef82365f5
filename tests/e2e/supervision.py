"""What init does about services that are sick (system/sick.capnp), the modes of a system, and how it goes down."""

import functools
import re

from session import Session
from testing import check


def states(session):
    return {row[0]: row[2] for row in session.rows("services")}


def the_sick_are_treated(ctx):
    """Each illness has its remedy and its reason, and the rest of the system works meanwhile."""
    session = Session(ctx, system="sick")
    for name in ("unready", "hangs", "crashes", "refuses"):
        session.until("services", rf"^{name} +\d+ +failed", 60)
    session.expect_in("service unready", r"last end .*: it was not ready within 150 ms$")
    session.expect_in("service hangs", r"last end .*: it did not say that it is well within 150 ms$")
    session.expect_in("service refuses", r"last end .*: it refused to begin: it does not understand what it kept$")
    session.expect_in("service crashes", r"last end .*: exit code 3$")
    session.expect_in("logs -s hangs -n 50", r"hangs did not say that it is well within 150 ms; it is ended$")
    log = session.expect_in("logs -s crashes -n 50", r"crashes ended 2 times in a row; it is started again with all that need it$",
                            r"crashes is given up \(exit code 3\), and what needs it runs without it; `restart crashes` tries again$")
    check(len(re.findall(r"crashes ended: exit code 3", log)) == 4, "failures before it was given up", 4, log)
    session.until("services", r"^needy +\d+ +degraded", 20)
    session.expect_in("service needy", r"^state +running for .*, ready \d+ us after its start, degraded: without `crashes`$")
    found = states(session)
    for name in ("well", "logd", "shell", "consoled", "keystored"):
        check(found[name] == "running", f"the state of {name}", "running", found)
    # What is started again by hand has all its chances back.
    session.do("restart crashes")
    session.until("logs -s crashes -n 50", r"(?s)is given up.*started again with all.*is given up", 30)
    session.keys("poweroff\r")
    session.guest.expect(r"needy was stopped in order", 20)  # before what it needs
    session.guest.expect(r"well was stopped in order", 20)
    session.guest.expect_power_off()


def modes_leave_services_out(ctx):
    for mode, running in (("reduced", {"well"}), ("safe", set())):
        session = Session(ctx, system="sick", cmdline=f"mode={mode}")
        found = states(session)
        for name in ("needy", "crashes", "hangs", "unready", "well"):
            check(found[name] == ("running" if name in running else "stopped"), f"{name} in mode {mode}", running, found)
        session.expect_in("logs -n 50", rf"init +mode {mode}: not everything runs$")
        session.poweroff()


def a_mode_that_there_is_not_is_refused(ctx):
    guest = ctx.guest(system="sick", direct=True, cmdline="mode=slow")
    guest.expect(r"init: there is no such mode; the boot command line may say mode=full, reduced, safe or recovery", 60)


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx))
            for function in (the_sick_are_treated, modes_leave_services_out, a_mode_that_there_is_not_is_refused)]
