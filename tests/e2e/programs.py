"""Programs that execd runs: what they hold, how many there can be, and what becomes of them when execd ends."""

import functools
import re

from session import ANSWER_S, Session, leaves_nothing
from testing import check

JOBS_MAX = 64


def start(session, line):
    said = session.do(f"run {line} &", ANSWER_S)
    job = re.search(r"^(\S+\.\d+) runs in the background", said, re.MULTILINE)
    check(job, "a job is started", "NAME.ID", said)
    return job[1]


def granted_exactly(session):
    """A job holds itself and what its lines of the manifest say; where each came from is told."""
    job = start(session, "endless_loop")
    held = session.do(f"caps {job}")
    check(not re.search(r"system/", held), "endless_loop is granted nothing", "only its own", held)
    session.do(f"kill {job}")
    job = start(session, "message_flood 0")
    session.expect_in(f"caps {job}", r"console +endpoint .*system/test\.capnp:\d+: service console$",
                      rf"log +endpoint +\S+ +{job.split('.')[1]} ")
    session.do(f"kill {job}")
    session.until("jobs", r"(?s)\A(?!.*running)", 30)


def as_many_as_there_can_be(session):
    """The last job that can be is run, the next is refused, and when they are gone all is as before."""
    session.do("run hello")
    names = [start(session, "endless_loop") for _ in range(JOBS_MAX)]
    session.expect_in("run endless_loop &", r"busy")
    session.expect_in("services", *(rf"\b{name}\b.*\brunning\b" for name in ("execd", "logd", "shell")))
    for name in names:
        session.do(f"kill {name}", ANSWER_S)
    session.until("jobs", r"(?s)\A(?!.*running)", 30)
    session.expect_in("run hello", r"Hello")


def refusals_say_why(session):
    """What cannot be granted is named with its line of the manifest, and memory that is not there with its size; the log has it, too."""
    session.expect_in("run greedy", r"^run greedy: not enough memory.*: greedy\.\d+: the 268435456 KiB that it is to have are not there$")
    session.expect_in("run wanting", r"^run wanting: not enough memory.*: wanting\.\d+: grant `more` \(system/test\.capnp:\d+\): ")
    session.until("logs -n 20", r"wanting\.\d+ +it was not started: wanting\.\d+: grant `more` \(system/test\.capnp:\d+\)", 10)
    leaves_nothing(session, lambda: [session.do(f"run {program}") for program in ("greedy", "wanting")])
    session.expect_in("run hello", r"Hello")


def end_with_execd(session):
    """Jobs end with execd, and init says which. It comes back and runs programs, under numbers that were never used before."""
    job = start(session, "endless_loop")
    session.do("kill execd")
    session.until("logs -s execd", rf"execd ran 1 job, which ended with it: {re.escape(job)}$", 10)
    session.until("ps", r"(?s)\A(?!.*endless_loop)", 30)
    session.until("services", r"execd.*running", 30)
    session.expect_in("jobs", rf"^ *{job.split('.')[1]} +endless_loop +ended .* it ended with execd, which ran it$")
    again = start(session, "endless_loop")
    check(int(again.split(".")[1]) > int(job.split(".")[1]), "a job's number is new", f"above {job}", again)
    session.expect_in(f"kill {job}", r"is not running$")
    session.do(f"kill {again}")
    session.expect_in("run hello", r"Hello")


def dumps_are_checked(ctx, session):
    """A record that was damaged on its way, and one of another build of the program, are refused."""
    session.do("run null_read")
    number = re.search(r"^ *(\d+) +null_read\.", session.do("crashes"), re.MULTILINE)[1]
    dump = session.do(f"crash -d {number}")
    def minidump(text, *options):
        done = ctx.run([ctx.root / "tools" / "minidump", "--arch", ctx.arch, *options], stdin=text)
        return done.returncode, done.stdout
    check(minidump(f"before\n{dump}\nafter\n")[0] == 0, "a record among other output is found", 0, dump)
    status, said = minidump(dump.replace("frame 0 ", "frame 0 0x1", 1))
    check(status == 1 and "is damaged" in said, "a damaged record is refused", "damaged", said)
    other = next((ctx.root / "build" / ctx.arch).glob("tests/programs/**/divide_zero"), None) or ctx.root / "build" / ctx.arch / "kernel.elf"
    status, said = minidump(dump, "--program", str(other))
    check(status == 1 and re.search(r"is of build [0-9a-f]{40}, but minidump", said), "another build is refused", "of build", said)
    status, said = minidump("nothing in it")
    check(status == 1 and "no record" in said, "no record", "no record", said)
    session.expect_in("crash 4711", r"there is no record 4711")
    session.expect_in("crash none", r"a number from `crashes` is expected")


def all_in_one(ctx):
    session = Session(ctx, system="test")
    granted_exactly(session)
    refusals_say_why(session)
    session.expect_in("crashes", r"no service and no program has crashed")
    dumps_are_checked(ctx, session)
    kept = {number: session.do(f"crash -d {number}") for number in re.findall(r"^ *(\d+) +null_read\.", session.do("crashes"), re.MULTILINE)}
    end_with_execd(session)
    for number, dump in kept.items():
        check(session.do(f"crash -d {number}") == dump, f"record {number} after execd ended", dump, session.guest.transcript[-2000:])
    as_many_as_there_can_be(session)
    session.poweroff()


def cases(ctx):
    return [("programs_are_run_by_execd", functools.partial(all_in_one, ctx))]
