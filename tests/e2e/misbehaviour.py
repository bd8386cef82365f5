"""Programs that misbehave (tests/programs), run beside the shell: it stays responsive, the log says why
each ended, and memory is the same before and after."""

import functools
import re

from session import ANSWER_S, Session, settled_memory
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


def job_id(session, program):
    """The id that `ps` shows for the newest job of that program."""
    rows = [row for row in session.rows("ps") if any(word == program or word.startswith(program + ".") for word in row)]
    check(rows, "ps shows the program", program, session.guest.transcript[-1500:])
    return next(word for word in rows[-1] if re.fullmatch(rf"{program}(\.\d+)?", word)), rows[-1]


def run_once(session, program, arguments, reason):
    seen = len(re.findall(rf"{program}(\.\d+)? ended: ", session.do("logs -n 200")))
    session.do(f"run {name_of(program, arguments)} &")
    # Responsive beside it.
    for _ in range(3):
        check(re.search(r"\d", session.do("uptime", ANSWER_S)), "uptime beside it", "an answer", session.guest.transcript[-800:])
    if reason is None:
        name, _row = job_id(session, program)
        session.do(f"kill {name}", ANSWER_S)
        reason = r"killed"
    # The newest record of its end; earlier ones do not count.
    ended = rf"(?s)(?:{program}(?:\.\d+)? ended: .*){{{seen}}}{program}(?:\.\d+)? ended: {reason}"
    session.until("logs -n 200", ended, 60)


def misbehaves(ctx, program, arguments, reason):
    session = Session(ctx, system="test")
    run_once(session, program, arguments, reason)  # the first run may grow tables that stay
    before = settled_memory(session)
    run_once(session, program, arguments, reason)
    after = settled_memory(session, before)
    check(after == before, "mem reads the same before and after", before, after)
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
    """The test system runs the shipped services with the shipped grants: its manifest begins with them."""
    def blocks(name):
        text = (ctx.root / "system" / f"{name}.system").read_text()
        lines = [" ".join(line.split("#")[0].split()) for line in text.splitlines()]
        return re.findall(r"^service .*?^\}", "\n".join(line for line in lines if line), re.MULTILINE | re.DOTALL)

    check(blocks("test") == blocks("tessera"), "the services of test.system and tessera.system", blocks("tessera"), blocks("test"))


def cases(ctx):
    found = [("test_system_has_the_shipped_services", functools.partial(same_services, ctx))]
    for program, arguments, reason in PROGRAMS:
        found.append((f"misbehaves: {name_of(program, arguments)}" + ("" if reason else " (killed)"),
                      functools.partial(misbehaves, ctx, program, arguments, reason)))
    found.append(("random_calls_hurt_nobody_else", deadline(240)(functools.partial(fuzz, ctx))))
    found.append(("ctrl_c_ends_what_runs_in_front", functools.partial(interrupted, ctx)))
    return found
