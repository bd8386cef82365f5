"""The log, as programs and people use it: fields, followers, floods, crashes."""

import functools
import re
import time

from session import ANSWER_S, Session
from testing import check, patience

FLOOD = 20000


def records_have_fields(session):
    session.expect_in("run log_client", r"^log_client: as it should be$")
    session.expect_in("logs --cause 4711",
                      r'^ +\d+\.\d{3}  warning  log_client\.\d+ +\[client\] the link is down  port=3  why="no cable"  cause=4711$')
    session.expect_in("logs -d client --field port=3", r"the link is down")
    session.expect_in("logs -d client --field port=4", r"^logs: there is nothing$")
    session.expect_in("logs --grep 'link is'", r"the link is down")
    session.expect_in("logs -l warning", r"the link is down")
    quiet = session.do("logs -l warning")
    check(" info " not in quiet, "logs -l warning", "no record of info", quiet)
    session.expect_in("logs --since @0", r"system test")
    session.expect_in("logs --since 1h", r"system test")
    for mistake in ("-l loud", "--since 5x", "--cause 0", "--cause", "--nothing", "-n"):
        check(session.do(f"logs {mistake}").startswith("logs: "), f"logs {mistake}", "what is wrong", session.guest.transcript[-300:])


def dead_followers_are_forgotten(session):
    session.do("run log_client leave")
    session.until("logs --stats", r"; 0 follow$")


def floods_are_told(session):
    """What was too much is counted, and said; and nobody else loses anything by it."""
    session.expect_in(f"run log_client flood {FLOOD}", rf"^log_client: {FLOOD} sent$")
    found = session.until("logs -l warning", r"^ +[\d.]+ +warning +(log_client\.\d+) +\[log\] \d+ records of \1 were dropped")
    told = rf"\[log\] (\d+) records of {re.escape(found[1])} were"
    limit = time.monotonic() + patience(ANSWER_S)
    while True:  # the last of them is told when the log takes more of it
        row = next(row for row in session.rows("logs --stats") if row[:1] == [found[1]])
        limited, said = int(row[-1]), sum(map(int, re.findall(told, session.do("logs -l warning -n 200"))))
        if said == limited > 0:
            break
        check(time.monotonic() < limit, "the records that were told to be dropped", limited, said)
    # So each that was sent is here, or was told to be gone.
    taken = session.do(f"logs -s {found[1]} -v -n 20000").count("one of very many")
    check(taken + int(row[-2]) + limited == FLOOD, "records that are there, gone or kept out", FLOOD, (taken, row))
    session.expect_in("logs -s init", r"system test")


def crashes_are_found(session):
    session.do("run null_read")
    session.until("logs -c", r"^.* warning +null_read\.\d+ +null_read\.\d+ ended: page fault")
    only = session.do("logs -c").strip().splitlines()
    check(all("null_read" in line for line in only), "logs -c", "crashes only", only)


def last_crash(session):
    """Its record, without what the shell says between commands, such as that a job has ended."""
    return [line for line in session.do("logs -c").splitlines() if "null_read" in line][-1:]


def goes_on(session):
    """logs -f shows what comes, also from a log that is started anew, until Ctrl-C."""
    session.do("run log_client flood 0 &")  # somebody logs all the time
    session.keys("logs -f -l warning -n 1\r")
    for _ in range(3):  # a second and more apart: what comes is shown when it comes
        session.guest.expect(r"^ +[\d.]+ +warning +log_client\.\d+ +\[log\] \d+ records of ", ANSWER_S)
    session.keys("\x03")
    session.guest.prompt(ANSWER_S)
    session.do("kill log_client")
    session.keys("logs -f -s shell\r")
    session.guest.expect(r"logs -f -s shell\n", ANSWER_S)
    session.keys("\x03")
    session.guest.prompt(ANSWER_S)
    # What was in the log is there whoever was killed.
    before = last_crash(session)
    check(before, "a crash of null_read", "one", before)
    for restarts in (1, 2):
        session.do("kill logd")
        session.until("service logd", rf"(?s)running.*restarts\s+{restarts}\b", 20)
        after = last_crash(session)
        check(after == before, "the same record afterwards", before, after)
    session.until("logs", r"logd started again")


def log_is_used(ctx):
    session = Session(ctx, system="test")
    records_have_fields(session)
    dead_followers_are_forgotten(session)
    floods_are_told(session)
    crashes_are_found(session)
    goes_on(session)
    session.poweroff()


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx)) for function in (log_is_used,)]
