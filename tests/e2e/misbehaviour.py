"""Programs that misbehave (tests/programs), run beside the shell: it stays responsive, the log says why
each ended, and memory is the same before and after."""

import functools
import re

from session import ANSWER_S, Session, leaves_nothing
from testing import check, deadline

FINE = r"exit code 0$"

# Program, arguments, and the end that the log must show. None: it never ends by itself and is killed.
PROGRAMS = [
    ("null_read", "", r"page fault: read of 0x8 at null_read\+0x[0-9a-f]+"),
    ("bad_instruction", "", r"illegal instruction at bad_instruction\+0x"),
    ("divide_zero", "", r"division by zero.* at divide_zero\+0x"),
    ("execute_data", "", r"protection fault: execution of execute_data\+0x"),
    ("write_text", "", r"protection fault: write of write_text\+0x"),
    ("stack_overflow", "", r"stack overflow: write of 0x[0-9a-f]+ at stack_overflow\+0x"),
    ("stack_smash", "", r"exit code 135: a stack frame was overwritten"),
    ("memory_exhaustion", "", r"out of memory: its account cannot pay"),
    ("bad_syscalls", "", FINE),
    ("kernel_pointers", "", FINE),
    ("bad_handles", "", FINE),
    ("handle_exhaustion", "", FINE),
    ("object_exhaustion", "", FINE),
    ("process_flood", "", FINE),
    ("process_flood", "1", FINE),  # its children are left to run, and end with its account
    ("message_flood", "20000", FINE),
    ("handle_flood", "20000", FINE),
    ("endless_loop", "", None),
    ("message_flood", "0", None),
    ("handle_flood", "0", None),
    ("console_flood", "0", None),
]
PROGRAMS += [("privileged", str(which), r"(privileged instruction|illegal instruction).* at privileged\+0x")
             for which in (0, 2, 4, 5, 8, 12)]


def name_of(program, arguments):
    return program + (f" {arguments}" if arguments else "")


def run_once(session, program, arguments, reason):
    started = session.do(f"run {name_of(program, arguments)} &")
    job = re.search(rf"{program}\.\d+(?= runs in the background)", started)
    check(job, "the shell names the job", f"{program}.N runs in the background", started)
    # Responsive beside it.
    for _ in range(3):
        check(re.search(r"\d", session.do("uptime", ANSWER_S)), "uptime beside it", "an answer", session.guest.transcript[-800:])
    if reason is None:
        session.do(f"kill {job[0]}", ANSWER_S)
        reason = r"killed"
    # By its number: a flood may have pushed what was said of an earlier run out of the log.
    session.until("logs -n 200", rf"{re.escape(job[0])} ended: {reason}", 60)


# What crashes, and the calls that its record must show, the innermost first.
CRASHES = {
    "null_read": ["main", "tess_start"],
    "bad_instruction": ["main", "tess_start"],
    "divide_zero": ["main", "tess_start"],
    "write_text": ["main", "tess_start"],
    "execute_data": [None, "main", "tess_start"],
    "stack_overflow": ["deeper", "deeper", "deeper"],
    "stack_smash": ["overrun"],  # what is above is gone
    "memory_exhaustion": ["main", "tess_start"],
    "privileged": ["main", "tess_start"],
}


def explained(ctx, session, program):
    """The crash is in the log and in a record, whose calls tools/minidump finds on its own, in this build of the program only."""
    session.until("logs -c", rf"{program}\.\d+ crashed (in|at) ")
    number = re.search(rf"^ *(\d+) +{program}\.\d+ ", session.do("crashes"), re.MULTILINE)
    check(number, "`crashes` lists it", program, session.guest.transcript[-800:])
    dump = session.do(f"crash -d {number[1]}")
    shown = re.findall(r"^frame \d+ (0x[0-9a-f]+)(?: (\w+)\+)?", dump, re.MULTILINE)
    wanted = CRASHES[program]
    check([name or None for _address, name in shown][:len(wanted)] == wanted, "the calls in the record", wanted, dump)
    found = ctx.run([ctx.root / "tools" / "minidump", "--arch", ctx.arch], stdin=dump, status=0).stdout
    again = re.findall(r"^#\d+ +(0x[0-9a-f]+) ", found, re.MULTILINE)
    # As far as the memory goes that is in the record.
    check(len(again) >= min(4, len(shown)) and again == [address for address, _name in shown][:len(again)],
          "tools/minidump finds the same calls", shown, found)
    check(wanted[0] is None or re.search(rf"^#0 .* tests/programs/{program}\.c:\d+$|^ +\w+ tests/programs/{program}\.c:\d+$", found, re.MULTILINE),
          "tools/minidump names the line", f"{program}.c:LINE", found)


def misbehaves(ctx, program, arguments, reason):
    session = Session(ctx, system="test")
    leaves_nothing(session, functools.partial(run_once, session, program, arguments, reason))
    if program in CRASHES:
        explained(ctx, session, program)
    states = session.do("services")
    check("failed" not in states and len(re.findall(r"\brunning\b", states)) >= 4, "all services run", "4 running", states)


def fuzz(ctx):
    """Random system calls from many seeds: the program may end as it likes, the system goes on."""
    session = Session(ctx, system="test")
    for seed in range(1, 41):
        session.do(f"run random_calls {seed} 5000 &")
        session.do("uptime")
    session.until("ps", r"(?s)^(?!.*random_calls.*running)", 60)
    session.do("services")
    session.poweroff()


def interrupted(ctx):
    """Ctrl-C ends a program that runs in the foreground and never asks."""
    session = Session(ctx, system="test")
    for program in ("endless_loop", "console_flood 0", "message_flood 0"):
        session.keys(f"run {program}\r")
        session.guest.expect(re.escape(f"run {program}") + r"\n", ANSWER_S)
        session.keys("\x03")
        session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.expect_in("uptime", r"\d")


def same_services(ctx):
    """The test system runs the shipped services with the shipped grants."""
    shipped, tested = (ctx.run(["capnp", "eval", ctx.root / "system" / f"{name}.capnp", "system.services"], status=0).stdout
                       for name in ("tessera", "test"))
    check("consoled" in shipped and tested == shipped, "the services of test.capnp and tessera.capnp", shipped, tested)


def cases(ctx):
    found = [("test_system_has_the_shipped_services", functools.partial(same_services, ctx))]
    for program, arguments, reason in PROGRAMS:
        found.append((f"misbehaves: {name_of(program, arguments)}" + ("" if reason else " (killed)"),
                      functools.partial(misbehaves, ctx, program, arguments, reason)))
    found.append(("random_calls_hurt_nobody_else", deadline(240)(functools.partial(fuzz, ctx))))
    found.append(("ctrl_c_ends_what_runs_in_front", functools.partial(interrupted, ctx)))
    return found
