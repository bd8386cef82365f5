"""A service stands in for an object of the kernel (tests/programs/stand_in.c), and who uses it cannot tell (kernel_client.c)."""

import functools
import re

from session import Session, leaves_nothing
from testing import check

# What the client sees of either: one number a status or result. VMO: two refusals, made, pages committed, one refusal, info.
# Timer: set, fired, info, three refusals, cancelled twice. Ring: made, info of what is promised, a broken promise and why, a call
# of nothing, one too many, what was promised, and kept.
BAD_ARGUMENT, BAD_HANDLE, WRONG_TYPE, NO_MEMORY, PROMISE_BROKEN = 6, 2, 3, 8, 22
SEEN = [BAD_ARGUMENT, 1, 0, 0, BAD_ARGUMENT, 0, 12288, 4096,
        0, 0, 0, 0, 0x50, 0, 3_600_000_000_000, 1, BAD_ARGUMENT, BAD_HANDLE, WRONG_TYPE, 0, 1, 0, 0,
        0, 0, 12288, PROMISE_BROKEN, BAD_ARGUMENT, BAD_HANDLE, NO_MEMORY, 0, 0, 12288]


def run_client(session):
    session.expect_in("run kernel_client", rf"^kernel_client: {len(SEEN)} results, 0 differ; the service lets less through$",
                      rf"^{' '.join(map(str, SEEN))}$")


def nobody_can_tell(ctx):
    session = Session(ctx, system="standin")
    run_client(session)
    # It was the service, which has written down what it was asked.
    log = session.do("logs -s stand_in -n 100")
    for line in ("create_vmo: BAD_ARGUMENT", "create_vmo: NOT_ALLOWED", "create_vmo: done", "create_notification: done", "create_timer: done",
                 "timer.set: done", "timer.set: BAD_ARGUMENT", "timer.set: BAD_HANDLE", "timer.set: WRONG_TYPE", "timer.info: done",
                 "timer.cancel: done", "timer: OBJECT_DEAD"):
        check(re.search(rf"\b{re.escape(line)}$", log, re.MULTILINE), "the service's log", line, log)
    session.until("logs -n 200", r"kernel_client\.\d+ ended: exit code 0$")


def nothing_is_left(ctx):
    """Neither side keeps a handle or memory of what it made for the other."""
    session = Session(ctx, system="standin")
    leaves_nothing(session, functools.partial(run_client, session))


def successor(ctx):
    """The capability outlives the service, as of any service."""
    session = Session(ctx, system="standin")
    run_client(session)
    session.do("kill stand_in")
    session.until("services", r"stand_in +\d+ +running")
    run_client(session)
    session.poweroff()


def cases(ctx):
    return [("who_uses_an_object_cannot_tell_that_a_service_stands_in", functools.partial(nobody_can_tell, ctx)),
            ("a_stand_in_leaves_nothing_behind", functools.partial(nothing_is_left, ctx)),
            ("a_stand_in_has_a_successor", functools.partial(successor, ctx))]
