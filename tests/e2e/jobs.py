"""Jobs: programs in the background, waited for, brought back and ended by their numbers; and what becomes of them when the shell ends."""

import functools
import re
import time

from session import ANSWER_S, Session
from testing import check

CTRL_C = "\x03"


def prompt_after_interrupt(session, line, shown):
    """Types a line that waits, and Ctrl-C once it has said so."""
    session.keys(line + "\r")
    session.guest.expect(shown, ANSWER_S)
    session.keys(CTRL_C)
    session.guest.prompt(ANSWER_S)


def told(session, line, pattern):
    """Types a line that ends a job; the shell says so at this prompt, or one of the next."""
    said = session.do(line)
    limit = time.monotonic() + ANSWER_S
    while not re.search(pattern, said, re.MULTILINE) and time.monotonic() < limit:
        said += session.do("true")
    check(re.search(pattern, said, re.MULTILINE), f"what is said after '{line}'", f"/{pattern}/", said)
    return said


def numbers(session):
    session.expect_in("endless_loop &", r"^endless_loop\.\d+ runs in the background as %1$")
    session.expect_in("run endless_loop &", r"^endless_loop\.\d+ runs in the background as %2$")
    session.expect_in("jobs", r"endless_loop +running .* %1\b", r"endless_loop +running .* %2\b")
    session.expect_in("kill %3; kill %x", r"^kill: there is no job `%3`; `jobs` lists them$", r"`%x`")
    told(session, "kill %", r"^endless_loop\.\d+: killed$")  # the youngest, %2
    session.expect_in("jobs", r"endless_loop +running .* %1\b", r"endless_loop +ended .* - ")
    session.expect_in("fg %2; fg nosuch; wait 4711", r"^fg: there is no job `%2`", r"^fg: there is no job `nosuch`", r"job 4711")


def foreground(session):
    prompt_after_interrupt(session, "wait; echo never $?", r"never \$\?\n")  # leaves it alone
    session.expect_in("echo $?; jobs", r"^130$", r"endless_loop +running .* %1\b")
    prompt_after_interrupt(session, "fg", r"^waiting for job \d+; Ctrl-C ends it\n")  # ends it
    session.expect_in("echo $?; fg", r"^130$", r"^fg: nothing runs in the background$")
    session.until("jobs", r"(?s)\A(?!.*running)")
    session.expect_in("wait; echo $?", r"^0$")


def statuses(session):
    said = session.do("null_read & wait %1; echo $?")
    check(re.search(r"^139$", said, re.MULTILINE) and said.count("read of") == 1, "wait has the job's status, and tells its end once", 139, said)
    said = session.do("hello & wait; echo $?; jobs")
    check(re.search(r"^0$", said, re.MULTILINE), "wait for all succeeds", 0, said)


def the_shell_ends(session):
    """Its jobs are execd's: they go on, and the next shell has them, is told of their ends, and can end them."""
    session.do("endless_loop &")
    session.do("endless_loop &")
    session.keys("kill shell\r")
    session.guest.expect(r"^Jobs go on that were started before: 2; `jobs` lists them\.$", 30)
    session.guest.prompt(ANSWER_S)
    session.expect_in("jobs", r"endless_loop +running .* %1\b", r"endless_loop +running .* %2\b")
    told(session, "kill %1", r"^endless_loop\.\d+: killed$")
    told(session, "kill %2; wait", r"^endless_loop\.\d+: killed$")
    session.until("jobs", r"(?s)\A(?!.*running)")
    session.expect_in("logout", r"^There is nowhere to log out to")


def execd_ends(session):
    """Nobody signals the ends of its jobs then; the shell says them all the same, whatever it does, and has the status."""
    session.do("endless_loop &")
    session.do("endless_loop &")
    ended = r"^endless_loop\.\d+: it ended with execd, which ran it$"
    said = told(session, "kill execd", ended + r"(?s:.*?)" + ended)
    check(said.count("ended with execd") == 2, "the ends of both, once each", 2, said)
    session.expect_in("jobs", r"(?s)\A(?!.*running)")
    session.expect_in("endless_loop & kill execd; wait %; echo $?", r"^137$")


def jobs(ctx):
    session = Session(ctx, system="test")
    for part in (numbers, foreground, statuses, execd_ends, the_shell_ends):
        part(session)
    session.poweroff()


def cases(ctx):
    return [("jobs", functools.partial(jobs, ctx))]
