"""One process of a service takes the place of another while programs use it (`replace`)."""

import functools
import re

from session import Session
from testing import check

LOGINS_S = 60
LOAD_SERVED = r"random_load: many drawn, 0 failed, 0 repeated, at most \d+ us for one$"
FIRST, NEXT = r"wantedBits = 128\b", r"wantedBits = 512\b"
STEPS = (r"^rngd: a process of `{0}` sets itself up beside the one that serves$",
         r"^rngd: ready to begin after \d+ us; the one that serves hands its state over$",
         r"^rngd: handed over after \d+ us, 36 bytes beside what is kept for it$",
         r"^rngd: replaced after \d+ us; who called meanwhile waited for at most \d+ us$",
         r"^rngd: the one that served has finished, after \d+ us$")


def the_new_version_answers(ctx):
    """With what the old one handed over; and is what is started again when it is killed."""
    session = Session(ctx, system="test")
    session.expect_in("replace", r"^Nothing has been replaced yet\.$")
    session.expect_in("call random.stats", FIRST)
    session.expect_in("replace rngd random_next", *(step.format("random_next") for step in STEPS))
    session.expect_in("call random.stats", NEXT, r"seeded = true")
    session.expect_in("service rngd", r"^restarts +0$", r"^replaced +1 time$", r"^program +random_next$")
    session.expect_in("replace", STEPS[3])
    session.do("kill rngd")
    session.expect_in("call random.stats", NEXT)
    session.expect_in("replace rngd rngd", *(step.format("rngd") for step in STEPS))
    session.expect_in("call random.stats", FIRST)
    session.expect_in("run random_client", r"^random_client: as it should be$")
    session.expect_in("logs -s rngd", r"rngd was replaced by a process of `random_next`: its clients waited \d+ us")
    session.poweroff()


def load_was_served(session):
    """It says so when its time is over, whatever is typed just then."""
    if not re.search(LOAD_SERVED, session.guest.transcript, re.MULTILINE):
        session.guest.expect(LOAD_SERVED, 30)


def nobody_notices(ctx):
    """Under load nothing is lost, again and again."""
    session = Session(ctx, system="test", cpus=2)
    session.do("run random_load 6000 &")
    for program in ("random_next", "rngd", "random_next", "rngd", "rngd", "random_next", "rngd", "rngd"):
        session.expect_in(f"replace rngd {program}", STEPS[4])
    load_was_served(session)
    session.poweroff()


def a_login_gets_its_session(ctx):
    """A password is looked at while the process that does so is replaced."""
    guest = ctx.guest(system="handover", direct=True)
    said = guest.expect(r"identity_client: (.+)\n", LOGINS_S).group(1)
    check(said == "as it should be", "logins during replacements", "as it should be", guest.transcript)


def what_is_kept_stays(ctx):
    session = Session(ctx, system="test")
    session.do("config set time.zone Asia/Tokyo")
    session.do("keys new signing")
    key = re.search(r"[0-9a-f]{64}", session.do("keys")).group(0)
    for name in ("configd", "keystored", "policyd", "identityd", "logd"):
        session.expect_in(f"replace {name}", rf"^{name}: replaced after")
    session.expect_in("config get time.zone", r"Asia/Tokyo")
    session.expect_in("keys", rf"^signing .*{key}$")
    session.expect_in("replace --lose-state samgrd", r"^samgrd: replaced after")
    session.expect_in("run resolver rights", r"^resolver: as it should be$")
    session.poweroff()


def one_that_fails_changes_nothing(ctx):
    """Wherever the successor fails: the one that served goes on, and it is said why."""
    session = Session(ctx, system="test")
    session.do("run random_load 8000 &")
    before = re.search(r"process +koid (\d+)", session.do("service rngd")).group(1)
    for program, reason in (("null_read", r"the successor ended: page fault: read of 0x8 at null_read"),
                            ("random_refuses", r"the successor refused to begin: this version does not understand the state"),
                            ("random_dies", r"the successor ended: exit code 4"),
                            ("random_hangs", r"the successor did not begin in time \(answerMs\)")):
        session.expect_in(f"replace rngd {program}", rf"^replace: rngd was not replaced: {reason}")
        session.expect_in("call random.stats", FIRST)
    after = re.search(r"process +koid (\d+)", session.do("service rngd")).group(1)
    check(before == after, "the process of rngd", before, after)
    session.expect_in("service rngd", r"^restarts +0$", r"^program +rngd$")
    load_was_served(session)
    session.expect_in("logs -s rngd", r"rngd was not replaced: the successor did not begin in time")
    session.poweroff()


def what_cannot_be_replaced_says_why(ctx):
    session = Session(ctx, system="test")
    for line, reason in (
            ("replace consoled", r"consoled cannot be replaced: its grant `uart` \(system/tessera\.capnp:\d+\) is a device, "
                                 r"which one process at a time has; `restart consoled` ends it first"),
            ("replace timed", r"timed cannot be replaced: its grant `rtc` \(system/tessera\.capnp:\d+\) is a device"),
            ("replace shell", r"shell cannot be replaced: it provides nothing, or does not say when it is ready \(system/tessera\.capnp:\d+\)"),
            ("replace nobody", r"there is no service `nobody`"),
            ("replace rngd nothing", r"the boot package has no program `nothing`"),
            ("replace metricsd", r"metricsd was not replaced: the process that serves goes on: all that it knows would be lost without --lose-state"),
            ("replace -x rngd", r"there is no option -x"),
            ("replace a b c", r"usage: replace")):
        session.expect_in(line, rf"^(replace: )?{reason}")
    session.expect_in("replace --lose-state metricsd", r"^metricsd: replaced after")
    session.poweroff()


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx))
            for function in (the_new_version_answers, nobody_notices, a_login_gets_its_session, what_is_kept_stays, one_that_fails_changes_nothing,
                             what_cannot_be_replaced_says_why)]
