"""The registry: what it gives by a name, takes back, and says of changes (tests/programs/resolver.c)."""

import functools
import re

from session import ANSWER_S, Session


def in_background(session, words, says):
    """Starts the program, and waits until it has come so far."""
    session.keys(f"run resolver {words} &\r")
    session.guest.expect(rf"resolver: {says}$", ANSWER_S)
    session.keys("\r")
    session.guest.prompt(ANSWER_S)


def watched(session):
    """Whoever watches a name hears that its service was started again."""
    for line in ("restart logd", "kill logd", "restart samgrd", "kill samgrd"):
        in_background(session, "watch", "watches")
        session.keys(f"{line}\r")
        session.guest.expect(r"resolver: it is another$", ANSWER_S)
        session.keys("\r")
        session.guest.prompt(ANSWER_S)


def taken_back(session):
    """A capability that was resolved goes with the rule that allowed it, and so does what was made of it."""
    in_background(session, "until log", "uses it")
    session.keys("policy revoke resolver use log\r")
    session.guest.expect(r"resolver: taken back: 2 and 2, then not allowed$", ANSWER_S)
    session.keys("\r")
    session.guest.prompt(ANSWER_S)
    session.expect_in("run resolver rights", r"^resolver: log: outcome 2, rights 0$")
    session.do("policy restore resolver use log")
    session.expect_in("run resolver rights", r"^resolver: as it should be$")


def without_policy(session):
    """Each of the two is killed in turn, and look-ups go on as before."""
    for name in ("policyd", "samgrd", "policyd"):
        before = int(re.search(r"restarts\s+(\d+)", session.do(f"service {name}")).group(1))
        session.do(f"kill {name}")
        session.until(f"service {name}", rf"(?s)running.*restarts\s+{before + 1}\b", 20)
        session.expect_in("run resolver rights", r"^resolver: as it should be$")
    # policyd is another process now, and the registry hears of what that one revokes.
    in_background(session, "until log", "uses it")
    session.do("kill policyd")
    session.until("service policyd", r"(?s)running.*restarts\s+3\b", 20)
    session.keys("policy revoke resolver use log\r")
    session.guest.expect(r"resolver: taken back: 2 and 2, then not allowed$", ANSWER_S)
    session.keys("\r")
    session.guest.prompt(ANSWER_S)


def one_boot(ctx):
    session = Session(ctx, system="test")
    session.expect_in("run resolver rights", r"^resolver: as it should be$")
    for part in (watched, taken_back, without_policy):
        part(session)
    session.poweroff()


def cases(ctx):
    return [("names_are_resolved", functools.partial(one_boot, ctx))]
