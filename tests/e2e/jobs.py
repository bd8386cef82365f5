"""Jobs: programs in the background, waited for, brought back and ended by their numbers; and what becomes of them when the shell ends."""

import functools
import re
import time

from session import ANSWER_S, Session
from testing import check, patience

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
    limit = time.monotonic() + patience(ANSWER_S)
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


def bad_programs_in_pipes(session):
    """Whatever a program asks of its ends of a pipe, the shell answers, and the pipe goes on."""
    before = session.do("caps shell | wc -l").strip()
    session.expect_in("echo abc | bad_pipe | grep -v nothing | grep answered", r"^bad_pipe: 0 unanswered: as it should be$")
    session.expect_in("bad_pipe | capitals | grep UNANSWERED; echo $?", r"^BAD_PIPE: 0 UNANSWERED", r"^0$")
    ends(session, "bad_pipe | grep unanswered > f &", 0)
    session.expect_in("cat f; rm f", r"^bad_pipe: 0 unanswered")
    session.expect_in("hello well | capitals", r"^HELLO, WELL\.$")
    after = session.do("caps shell | wc -l").strip()
    check(after == before, "handles of the shell", before, after)


def a_pipe_loses_its_shell(session):
    """What its programs read ends and what they write reaches nobody, which they are told. One that does not care is a job as before."""
    session.do("console_flood | capitals > f &")
    session.do("endless_loop | capitals > g &")
    session.keys("console_flood | capitals | grep NOTHING\r")
    session.guest.expect(r"NOTHING\n", ANSWER_S)
    session.keys(CTRL_C)
    session.guest.prompt(ANSWER_S)
    session.keys("kill shell\r")
    session.guest.expect(r"^Tessera\. `help` lists", 30)
    session.guest.prompt(ANSWER_S)
    session.until("jobs", r"(?s)\A(?!.*capitals +running).*console_flood +running.*endless_loop +running")  # which look at no status
    session.do("kill console_flood; kill endless_loop")
    session.until("jobs", r"(?s)\A(?!.*running)")
    session.expect_in("hello well | capitals", r"^HELLO, WELL\.$")


def execd_ends(session):
    """Nobody signals the ends of its jobs then; the shell says them all the same, whatever it does, and has the status."""
    session.do("endless_loop &")
    session.do("endless_loop &")
    ended = r"^endless_loop\.\d+: it ended with execd, which ran it$"
    said = told(session, "kill execd", ended + r"(?s:.*?)" + ended)
    check(said.count("ended with execd") == 2, "the ends of both, once each", 2, said)
    session.expect_in("jobs", r"(?s)\A(?!.*running)")
    session.expect_in("endless_loop & kill execd; wait %; echo $?", r"^137$")


def ends(session, line, status, number=1):
    """Types a line that starts or ends a pipe in the background; that it has ended is said at this prompt or one of the next."""
    said = session.do(line)
    limit = time.monotonic() + patience(ANSWER_S)
    while f"%{number} `" not in said:
        said += session.do("true")
        check(time.monotonic() < limit, f"pipe %{number} ends", "said at a prompt", said)
    check(re.search(rf"^%{number} `.*` ended with status {status}$", said, re.MULTILINE), f"the end of pipe %{number}", f"status {status}", said)
    return said


def pipes_beside(session):
    """Pipes of programs, filters and files go on while lines are typed."""
    session.do("hello | capitals")  # makes what all pipes share
    before = session.do("caps shell | wc -l").strip()
    said = ends(session, "hello a b | grep b > f &", 0)
    check(said.startswith("`hello a b | grep b > f` runs in the background as %1\n"), "what is said of its start", "its number", said)
    session.expect_in("cat f; rm f", r"\A.*b\.\n\Z")
    ends(session, "console_flood 3000 | capitals | grep FLOOD | wc -l > n &", 0)  # more than there is room for on the way
    session.expect_in("cat n; rm n", r"^3000$")
    ends(session, "console_flood 2000 | sort -r | capitals | head -n 1 > n &", 0)  # what sort has is more than a program takes at once
    session.expect_in("cat n", r"^CONSOLE_FLOOD: LINE \d+$")
    ends(session, "capitals < n | wc -c > m &", 0)
    session.expect_in("cat m; rm n m", r"^\d\d$")
    session.expect_in("hello x | nosuch > f &", r"^nosuch: unknown command")
    ends(session, "hello x | grep y &", 1)
    session.keys("hello loud | capitals &\r")  # to the terminal, and without a key
    session.guest.expect(r"HELLO, LOUD\.", ANSWER_S)
    ends(session, "true", 0)
    said = ends(session, "null_read | wc -c > n &", 0)
    check(re.search(r"(?s)null_read\.\d+: .*read of.*%1 `", said), "a crash in a pipe in the background", "why it ended, with the pipe's end", said)
    session.expect_in("rm n; services | wc -l &", r"^services: the shell carries it out itself, one thing at a time")
    session.expect_in("x=$(hello | cat &)", r"stands by itself")
    after = session.do("caps shell | wc -l").strip()
    check(after == before, "handles of the shell", before, after)


def pipes_are_jobs(session):
    """jobs, fg, wait, kill and Tab know them; one whose program reads nothing holds up nobody."""
    session.do("console_flood | endless_loop &")
    session.do("endless_loop | capitals > f &")
    session.expect_in("jobs", r"console_flood +running .* %1\b", r"endless_loop +running .* %1\b", r"endless_loop +running .* %2\b",
                      r"^%1 is `console_flood \| endless_loop`$", r"^%2 is `endless_loop \| capitals > f`$")
    session.expect_in("hello beside | capitals", r"^HELLO, BESIDE\.$")
    for line in ("wait %1", "wait"):
        prompt_after_interrupt(session, f"{line}; echo never", r"echo never\n")  # leaves them alone
        session.expect_in("echo $?; jobs", r"^130$", r"console_flood +running .* %1\b", r"endless_loop +running .* %2\b")
    prompt_after_interrupt(session, "logs -f | capitals | grep NOTHING", r"NOTHING\n")  # so does a Ctrl-C for what is in front
    session.expect_in("jobs", r"console_flood +running .* %1\b", r"endless_loop +running .* %2\b")
    session.keys("kill %\t")
    session.guest.expect(r"%1 +%2\ntessera\$ kill %", ANSWER_S)  # the line goes on
    session.keys(CTRL_C)
    session.guest.prompt(ANSWER_S)
    ends(session, "kill %2", 137, 2)
    session.expect_in("cat f", r"\A\Z")
    prompt_after_interrupt(session, "fg %1", r"^waiting for `console_flood \| endless_loop`; Ctrl-C ends it\n")
    session.expect_in("echo $?; rm f; jobs", r"^130$")
    session.until("jobs", r"(?s)\A(?!.*running)")
    session.do("hello w | grep w > f &")
    session.expect_in("wait %1; echo $?; cat f; rm f", r"^0$", r"^Hello, w\.$")
    session.do("hello w | grep x > f &")
    session.expect_in("fg; echo $?; rm f", r"^1$")


def jobs(ctx):
    session = Session(ctx, system="test")
    for part in (numbers, foreground, statuses, pipes_beside, pipes_are_jobs, bad_programs_in_pipes, execd_ends, a_pipe_loses_its_shell, the_shell_ends):
        part(session)
    session.poweroff()


def cases(ctx):
    return [("jobs", functools.partial(jobs, ctx))]
