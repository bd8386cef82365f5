"""The shell's language on the target: pipes, files, variables, conditions, loops, scripts. The language itself is tested on the host
(lib/shell); these cases are about what it is made of here."""

import functools
import re
import subprocess
import sys

from session import ANSWER_S, Session
from testing import check, patience

CTRL_C = "\x03"


def says(session, line, *expected):
    output = session.do(line)
    check(output.splitlines() == list(expected), f"output of '{line}'", list(expected), output)


def more(session, line):
    """Types a line that is not the last of what belongs together."""
    session.keys(line + "\r")
    session.guest.expect(r"^> ", ANSWER_S)


def pipes(session):
    says(session, "services | field 1 2 | head -n 1", "NAME ID")
    says(session, "services | field 1 | grep d | sort -r | grep log | tail -n 1", "logd")
    says(session, "echo one two | tee f | wc -w; cat < f", "2", "one two")
    says(session, "while true; do echo y; done | head -n 2; echo $?", "y", "y", "0")
    says(session, "services | grep -i nosuch; echo $?", "1")
    says(session, "services | nosuch x", "nosuch: unknown command; `help` lists the commands, `run NAME` runs a program")
    says(session, "echo a | services", "services: it reads no input")
    says(session, "grep x", "grep: nothing comes in; put `COMMAND |` before it, or `< FILE` behind it")
    says(session, "echo a | head -n x", "head: `x` is no number")
    says(session, "service nosuch | wc -l", "service: there is no service `nosuch`; `services` lists them", "0")  # a message is no output
    says(session, "echo a | grep a &", "echo: the shell carries it out itself, one thing at a time; in the background work programs, and filters behind a program or `< FILE`")


def broken_off(session, line, goes_on=r"done.*\n"):
    """A line that Ctrl-C ends when this was printed."""
    session.keys(line + "\r")
    session.guest.expect(goes_on, ANSWER_S)
    session.keys(CTRL_C)
    session.guest.prompt(ANSWER_S)


def files(session):
    says(session, "echo b > f; echo a >> f; sort f", "sort: nothing comes in; put `COMMAND |` before it, or `< FILE` behind it")
    says(session, "sort < f > f; cat f", "a", "b")
    says(session, "for x in 1 2; do cat f; done > g; wc -l < g; rm g; cat g", "4", "cat: there is no file `g`; `files` lists them")
    says(session, "cat < nosuch; echo $?", "cat: there is no file `nosuch`; `files` lists them", "1")
    says(session, "echo a > 'a b'; echo $?", "`a b` cannot be written: a name has no blanks and no `/`, and 63 bytes at most", "1")
    session.do("x=0123456789; x=$x$x$x$x$x$x$x$x")
    full = "the files of a session have no room for it, 64 KiB all together; `rm` makes some"
    says(session, "while true; do echo $x; done > f; echo $?", f"f: {full}", "1")
    says(session, "while true; do echo $x; done | tee f | tail -n 1; echo $?", f"tee: {full}", "0123456789" * 8, "0")
    says(session, "cat f; echo room > f; cat f", "a", "b", "room")
    session.do("echo x | tee f | nosuch")
    says(session, "cat f", "room")
    broken_off(session, "while true; do true; done > f")
    says(session, "echo $?; cat f", "130", "room")
    broken_off(session, "{ echo some; cat nosuch; alarm 60s; } > f", r"^cat: there is no file `nosuch`.*\n")
    says(session, "echo $?; cat f", "130", "some")


def programs(session):
    says(session, "hello you; echo $?", "Hello, you.", "0")
    says(session, "hello | cat; x=$(hello); hello you > f; echo \"[$x]\"; cat f", "Hello from Tessera.", "[Hello from Tessera.]", "Hello, you.")
    says(session, "run nosuch; echo $?", "run: there is no program `nosuch`; press Tab after `run ` to see which there are", "127")
    says(session, "if run hello; then echo good; fi", "Hello from Tessera.", "good")
    says(session, "x=$(services | grep consoled | wc -l); echo \"[$x]\"", "[1]")


def several_lines(session):
    more(session, "for x in a b")
    more(session, "do echo $x")
    says(session, "done", "a", "b")
    more(session, "if true; then")
    session.keys(CTRL_C)
    session.guest.prompt(ANSWER_S)
    says(session, "echo a", "a")
    broken_off(session, "while true; do true; done")
    says(session, "echo goes on", "goes on")
    broken_off(session, "x=$(while true; do true; done); echo never")
    says(session, "echo $?", "130")
    session.keys("services | gre\t-v d | field 1\r")
    session.guest.expect(r"\nNAME\nshell\n", ANSWER_S)
    session.guest.prompt(ANSWER_S)


def scripts(session):
    session.do("echo 'for x in \"$@\"; do echo \"<$x>\"; done; exit 4' > s")
    says(session, "sh s 'a b' c; echo $?", "<a b>", "<c>", "4")
    says(session, "echo 'sh s' > s; sh s; echo $?",
         "script: functions, scripts and $(...) may not be in each other deeper than 8", "1")
    says(session, "f() { echo \"$1!\"; }; f hey | cat", "hey!")


def package_scripts(session):
    says(session, "sh healthy; echo $?; files | grep healthy | wc -l", "ok", "0", "1")
    says(session, "rm healthy; cat healthy | head -n 1 | wc -l", "rm: `healthy` belongs to the system", "1")
    says(session, "echo 'echo mine' > healthy; sh healthy; rm healthy; sh healthy", "mine", "ok")


def language(ctx):
    """All of it in one boot."""
    session = Session(ctx)
    for part in (pipes, files, programs, several_lines, scripts, package_scripts):
        part(session)
    session.poweroff()


def programs_in_pipes(ctx):
    """A program is handed a console that is the pipe, and what comes in as `input`; capitals (tests/programs) reads it."""
    session = Session(ctx, system="test")
    says(session, "hello a b | grep b", "Hello, b.")
    says(session, "hello x > f; cat f; x=$(hello y); echo \"[$x]\"", "Hello, x.", "[Hello, y.]")
    says(session, "echo abc | capitals; capitals < f | capitals | wc -c", "ABC", "10")
    says(session, "console_flood 3000 | capitals | grep FLOOD | wc -l; echo $?", "3000", "0")  # more than there is room for on the way
    says(session, "console_flood | head -n 2; echo $?", "console_flood: line 0", "console_flood: line 1", "0")  # ended by who has enough
    says(session, "while true; do echo x; done | capitals 4; echo $?", "X", "X", "0")
    says(session, "console_flood | capitals 10 | wc -c", "10")
    says(session, "for i in 1 2; do hello $i | capitals; done | capitals | sort -r", "HELLO, 2.", "HELLO, 1.")
    session.expect_in("null_read | cat; echo $?", r"^null_read\.\d+: .*read of", r"^0$")
    session.keys("console_flood | capitals | grep nothing; echo never\r")
    session.guest.expect(r"never\n", ANSWER_S)
    session.keys(CTRL_C)
    session.guest.prompt(ANSWER_S)
    session.until("jobs", r"(?s)\A(?!.*running)")
    before = session.do("caps shell | wc -l").strip()
    says(session, "for i in 1 2 3; do hello | capitals; done | wc -l; caps shell | wc -l", "3", before)  # nothing is left
    session.keys("logs -f | capitals | grep NOTHING; echo never\r")  # a command that waits, and programs that wait for it
    session.guest.expect(r"never\n", ANSWER_S)
    session.keys(CTRL_C)
    session.guest.prompt(ANSWER_S)
    says(session, "logs -f | head -n 1 | wc -l; config watch | head -n 1", "1", "Ctrl-C ends it.")
    says(session, "services | capitals | grep LOGD | wc -l; services | capitals 5 | wc -c", "1", "5")
    session.poweroff()


def boot_script(ctx):
    """A machine that is started for one script says its exit status, and tools/run-script ends with it."""
    def run(script, *options):
        return subprocess.run([sys.executable, ctx.root / "tools" / "run-script", "--arch", ctx.arch, *options, script],
                              stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience(120))

    ended = run("services | grep d; set -e; [ $(services | wc -l) -gt 3 ]; echo good; false; echo never")
    check(ended.returncode == 1, "the exit status of the failing command", 1, ended.returncode)
    check(re.search(r"^good\n.*^script: exit status 1$", ended.stdout, re.MULTILINE | re.DOTALL) and "never" not in ended.stdout,
          "what it prints", "good, and its status", ended.stdout)
    ended = run("kill shell")
    check(ended.returncode == 125 and "the shell ended while it carried it out" in ended.stdout, "a script that ends its shell", 125,
          ended.stdout)
    ended = run("healthy")
    check(ended.returncode == 0 and re.search(r"^ok$", ended.stdout, re.MULTILINE), "a script of the package", "ok, and status 0", ended.stdout)
    ended = run("x=$(hello); echo \"<$x>\" | cat; sh healthy; su nobody; exit 7", "--system", "unattended")
    check(ended.returncode == 7 and re.search(r"^<Hello from Tessera\.>$.*^ok$", ended.stdout, re.MULTILINE | re.DOTALL),
          "a script where there is nobody to ask", "what it prints, and status 7", ended.stdout)
    ended = run("x" * 300)
    check(ended.returncode == 1 and "at most 255 bytes" in ended.stderr, "a script that is too long", "refused", ended.stderr)


def cases(ctx):
    return [("shell_language", functools.partial(language, ctx)), ("programs_in_pipes", functools.partial(programs_in_pipes, ctx)),
            ("script_on_the_boot_line", functools.partial(boot_script, ctx))]
