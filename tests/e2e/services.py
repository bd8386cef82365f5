"""Services, used as their clients use them: programs of tests/programs, and the shell."""

import functools

from session import Session

# A processor without a source of entropy. Its clock is all that the boot code has.
WITHOUT_ENTROPY = ("-cpu", "max,-rdrand,-rdseed")


def random_numbers(ctx):
    """rngd draws, refuses what it must, and does so again after it was killed."""
    session = Session(ctx, system="test")
    session.expect_in("run random_client", r"^random_client: as it should be$")
    session.do("kill rngd")
    session.until("service rngd", r"(?s)running.*restarts\s+1\b", 20)
    session.expect_in("run random_client", r"^random_client: as it should be$")
    session.poweroff()


def random_numbers_want_a_seed(ctx):
    """Without a source of entropy nothing is drawn, until a driver brings some."""
    session = Session(ctx, system="test", qemu_args=WITHOUT_ENTROPY)
    session.expect_in("run random_client", r"^random_client: draw: the service is busy")
    session.expect_in("keys new early", r"^keys: there are no random numbers: the service is busy")
    session.expect_in("keys device", r"^keys: there are no random numbers: the service is busy")
    session.expect_in("run random_client unseeded", r"^random_client: as it should be$")
    session.expect_in("run random_client", r"^random_client: as it should be$")
    session.poweroff()


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx)) for function in (random_numbers, random_numbers_want_a_seed)]
