"""Services that crash leave a record like programs do, whoever runs meanwhile (system/sick.capnp)."""

import functools
import re

from session import Session
from testing import check


def records(session):
    """The records that there are: number -> (name, function)."""
    return {int(number): (name, function)
            for number, name, function in re.findall(r"^ *(\d+) +(\S+) +(\S+?)\+\w+ ", session.do("crashes"), re.MULTILINE)}


def number_of(session, name):
    session.until("crashes", rf"^ *\d+ +{name} ", 30)
    return max(number for number, (crashed, _function) in records(session).items() if crashed == name)


def a_fault_is_explained(ctx, session):
    """Registers, calls, what it was granted and what was mapped; tools/minidump finds the same calls, and the line."""
    number = number_of(session, "faults")
    dump = session.do(f"crash -d {number}")
    calls = re.findall(r"^frame \d+ (0x[0-9a-f]+) (\w+)\+", dump, re.MULTILINE)
    check([name for _address, name in calls][:4] == ["stumble", "fall_ill", "main", "tess_start"], "the calls in the record", "stumble, ...", dump)
    for pattern in (r"^why page fault: read of 0x8 at patient\+0x", r"^handle 0x[0-9a-f]+ endpoint 0 0x[0-9a-f]+ lifecycle INSPECT\|RECEIVE",
                    r"^handle 0x[0-9a-f]+ endpoint 0 0x[0-9a-f]+ faults INSPECT\|RECEIVE", r"^handle 0x[0-9a-f]+ process 0 0 process ",
                    r"^mapping 0x100000 0x", r"^mapping 0x[0-9a-f]+ 0x[0-9a-f]+ r-x code$",
                    r"^mapping 0x[0-9a-f]+ 0xf0000 rw- stack$", r"^memory 0x[0-9a-f]+ "):
        check(re.search(pattern, dump, re.MULTILINE), "the record", pattern, dump)
    found = ctx.run([ctx.root / "tools" / "minidump", "--arch", ctx.arch], stdin=dump, status=0).stdout
    check(re.findall(r"^#\d+ +(0x[0-9a-f]+) ", found, re.MULTILINE) == [address for address, _name in calls],
          "tools/minidump finds the same calls", calls, found)
    for pattern in (r"^#0 .* stumble tests/programs/patient\.c:\d+$", r"^handles it was granted:$", r"\blifecycle\b.*\bRECEIVE\b", r"\bstack\b"):
        check(re.search(pattern, found, re.MULTILINE), "tools/minidump", pattern, found)
    session.until("logs -c", r"faults crashed in stumble\+\w+ < fall_ill\+.* < main\+.*; `crash \d+` shows more", 10)


def what_is_secret_is_not_kept(session):
    """Where it was is known, what it had in hand is not."""
    dump = session.do(f"crash -d {number_of(session, 'panics')}")
    check(re.search(r"^frame 0 0x[0-9a-f]+ fall_ill\+", dump, re.MULTILINE) and re.search(r"^withheld$", dump, re.MULTILINE),
          "the record", "fall_ill, withheld", dump)
    check(not re.search(r"^memory |r12|\ba0\b", dump, re.MULTILINE), "the record", "no memory, no registers", dump)
    session.until("logs -c", r"panics ended: exit code 134", 10)


def a_kill_is_no_crash(session):
    before = records(session)
    session.do("kill well")
    session.until("service well", r"(?s)^state +running .*^restarts +1$", 20)
    check(records(session) == before, "the records after a kill", before, records(session))


def each_crash_has_its_record(session):
    last = max(records(session))
    session.do("restart faults")
    session.until("crashes", rf"^ *{last + 1} +faults ", 20)


def they_outlive_execd(session):
    """They are there when it is back, each once, and what crashed while it was away."""
    before, last = records(session), max(records(session))
    dump = session.do(f"crash -d {last}")
    session.do("kill execd; restart faults")
    session.until("crashes", rf"^ *{last + 1} +faults ", 20)
    check({number: name for number, name in records(session).items() if number <= last} == before, "the records that there were", before,
          records(session))
    check(session.do(f"crash -d {last}") == dump, f"record {last}", dump, session.guest.transcript[-2000:])
    told = session.do("logs -c -n 100")
    check(len(re.findall(rf"crashed .*; `crash {last}` shows more", told)) == 1, "the log tells of each once", 1, told)


def services_leave_records(ctx):
    session = Session(ctx, system="sick")
    a_fault_is_explained(ctx, session)
    what_is_secret_is_not_kept(session)
    a_kill_is_no_crash(session)
    each_crash_has_its_record(session)
    they_outlive_execd(session)
    session.poweroff()


def cases(ctx):
    return [("services_leave_crash_records", functools.partial(services_leave_records, ctx))]
