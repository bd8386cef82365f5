"""Suite "e2e": the shipped image, driven over the serial line as a person would."""

import functools
import re

import authority
import identity
import clock
import config
import crashes
import denial
import jobs
import keys
import language
import log
import machine
import manual
import metrics
import misbehaviour
import policy
import registry
import replace
import processors
import programs
import services
import stand_in
import supervision
from session import ANSWER_S, Session
from testing import check, deadline

COMMANDS = ("help", "services", "service", "logs", "caps", "mem", "ps", "run", "kill", "restart", "replace", "uptime", "trace", "clear", "reboot", "poweroff",
            "whatif", "revoke", "who-can", "prove", "authority",
            "echo", "jobs", "fg", "wait", "crashes", "crash", "history", "man", "apropos", "describe", "call", "policy", "keys", "whoami", "su", "logout", "lock", "sessions", "users", "adduser", "deluser", "passwd", "why", "config", "metrics", "status",
            "grep", "head", "tail", "sort", "uniq", "wc", "field", "tee", "cat", "files", "rm", "sh", "test", "set", "unset", "exit", "date", "alarm")
SERVICES = ("samgrd", "logd", "metricsd", "policyd", "rngd", "keystored", "identityd", "configd", "timed", "consoled", "execd", "shell")
UP, DOWN, RIGHT, LEFT = "\x1b[A", "\x1b[B", "\x1b[C", "\x1b[D"
HOME, END, DELETE = "\x1b[H", "\x1b[F", "\x1b[3~"


def ctrl(letter):
    return chr(ord(letter) & 0x1F)


# ---- boot and stop -----------------------------------------------------------------------------------

def boots(ctx, direct, mem=256):
    session = Session(ctx, direct=direct, mem=mem)
    for name in SERVICES:
        session.expect_in("services", rf"^.*\b{name}\b.*\brunning\b")
    session.poweroff()


def reboots(ctx):
    session = Session(ctx, allow_reboot=True)
    session.do("echo before")
    session.keys("reboot\r")
    session.guest.expect(r"^Tessera [0-9a-f]+ ", 30)
    session.guest.prompt(30)
    session.expect_in("echo after", r"^after$")


def reset_is_seen(ctx):
    """The same without permission to boot again: the run ends, and says that it was a reset."""
    session = Session(ctx)
    session.keys("reboot\r")
    check(session.guest.wait(30) == 3, "exit status of tools/qemu after a reset", 3, session.guest.process.returncode)


# ---- commands ----------------------------------------------------------------------------------------

def help_lists_everything(session):
    session.expect_in("help", *(rf"\b{name}\b" for name in COMMANDS))
    for name in COMMANDS:
        session.expect_in(f"help {name}", rf"\b{name}\b")
    session.expect_in("help nosuch", r"nosuch")
    listed = [line for line in session.do("help").splitlines() if line.startswith("  ")]
    check(len(listed) > 60 and all(re.match(r"  \S{1,13} +(?<=^.{16})\S", line) and len(line) <= 80 for line in listed),
          "what help says of each command", "one line, all of them under each other", "\n".join(listed))


def services_and_one(session):
    output = session.expect_in("services", *(rf"^.*\b{name}\b.*\brunning\b" for name in SERVICES))
    check(re.search(r"(?i)state", output.splitlines()[0]), "services has a heading", "state", output)
    session.expect_in("service logd", r"logd", r"running", r"(?i)restarts")
    session.expect_in("service lodg", r"lodg", r"logd")


def logs_are_shown(session):
    session.until("logs", r"system tessera")  # init hands it over when the log listens
    check(len(session.do("logs -n 1").strip().splitlines()) == 1, "logs -n 1 shows one record", 1, session.guest.transcript[-500:])
    output = session.do("logs -s init")
    check(all("init" in line for line in output.strip().splitlines()), "logs -s init", "records of init only", output)
    session.expect_in("logs -n many", r"many")
    session.expect_in("logs -x", r"-x")
    session.expect_in("logs -s", r"-s")


def caps_say_where_from(session):
    session.expect_in("caps shell", r"console", r"supervisor", r"inspector", r"system/tessera\.capnp:\d+: supervisor control")
    session.expect_in("caps consoled", r"serial console registers", r"interrupt")
    session.expect_in("caps nosuch", r"nosuch")
    session.expect_in("caps", r"(?i)usage|which|caps SERVICE")


def figures_are_shown(session):
    session.expect_in("mem", r"(?i)used", r"(KiB|MiB)")
    session.expect_in("mem -a", r"LIMIT", r"RESERVED", r"init", r"  \d+ .* logd", r"  \d+ .* shell")
    session.expect_in("mem -x", r"no option")
    session.expect_in("caps shell", r"PARENT", r"0x[0-9a-f]+ of init")
    session.expect_in("ps", r"init", r"shell", r"logd")
    session.expect_in("uptime", r"\d")
    session.expect_in("echo one 'two  three' \"four\" fi\\ ve", r"^one two  three four fi ve$")


def programs_run(session):
    before = session.do("run hello")
    check(before.strip(), "hello says something", "a greeting", before)
    session.expect_in("run hello 'with arguments' more", r"\S")
    session.expect_in("jobs", r"hello.*exit code 0")
    session.expect_in("run helo", r"helo", r"hello")
    session.expect_in("run", r"(?i)usage|which|run PROGRAM")
    session.expect_in("run logd", r"logd")  # a service is no program to run
    session.expect_in("kill nosuch", r"nosuch")
    session.expect_in("kill", r"(?i)usage|which|kill ")


def lists_may_be_longer_than_a_message(ctx):
    """More jobs than one answer of execd has room for."""
    count = 40
    session = Session(ctx, system="test")
    session.do("run hello")
    for _ in range(count):
        session.expect_in("run endless_loop &", r"^endless_loop\.\d+ runs in the background as %\d+$")
    names = [f"endless_loop.{row[0]}" for row in session.rows("jobs") if row[1] == "endless_loop"]
    check(len(set(names)) == count, "each job is listed once", count, names)
    session.expect_in("kill endless_loop", r"several jobs run `endless_loop`: " + " ".join(map(re.escape, names)) + "$")
    for name in names:
        session.do(f"kill {name}")
    session.until("jobs", r"(?s)\A(?!.*running)", 30)
    session.expect_in(f"kill {names[-1]}", r"is not running$")
    session.expect_in("service logd", r"provides +log$", r"restart +always$", r"memory +.* of .*, at most .* so far$")
    session.poweroff()


def names_of_nothing_are_explained(session):
    long = "x" * 40  # longer than a name can be
    session.expect_in(f"service {long}", rf"there is no service `{long}`")
    session.expect_in(f"caps {long}", rf"there is no service or job `{long}`")
    session.expect_in(f"restart {long}", rf"there is no service `{long}`")
    session.expect_in("restart lodg", r"did you mean `logd`")
    session.expect_in(f"kill {long}", rf"there is no job or service `{long}`")
    session.expect_in("kill 4711", r"there is no job or service `4711`")
    session.expect_in("run 'no name'", r"there is no program `no name`")
    session.expect_in(f"run {long}", rf"there is no program `{long}`")


def mistakes_are_explained(session):
    session.expect_in("servces", r"servces", r"services")
    session.expect_in("echo 'open", r"(?i)quote", r"\b6\b")
    session.expect_in('echo "open', r"(?i)quote")
    session.expect_in("services extra words", r"extra|(?i:usage)")
    check(session.do("    ") == "", "a line of blanks does nothing", "no output", session.guest.transcript[-200:])
    session.keys("echo " + "x" * 3000 + "\r")
    session.guest.expect(r"(?i)too long", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.keys(ctrl("u") + ctrl("c"))
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.expect_in("echo still here", r"^still here$")


# ---- the line editor ---------------------------------------------------------------------------------

def typed(session, keys, expected):
    """Types keys and Enter; the command that results must print the line expected."""
    session.keys(keys + "\r")
    session.guest.expect(rf"^{re.escape(expected)}\n", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)


def completion(session):
    typed(session, "ec\t done", "done")
    session.keys("service lo\t\r")
    session.guest.expect(r"(?i)restarts", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.keys("run he\t")
    session.guest.expect(r"run hello", ANSWER_S)
    session.keys(ctrl("u"))
    session.keys("se\t\t")
    session.guest.expect(r"services?", ANSWER_S)
    session.keys(ctrl("c"))
    session.guest.expect(r"^tessera\$ ", ANSWER_S)


# ---- calls by name -----------------------------------------------------------------------------------

def calls(session):
    """Any method of a service by its schema: text in, text out, capabilities by name."""
    session.expect_in("call", r"^log +Log +append query stats appendRecord follow sources$", r"^supervisor +Supervisor +services ")
    session.expect_in("call log", r"^Log$", r"^  query \(after :UInt64, limit :UInt32, level :LogLevel = debug, ",
                      r"^LogControl, for those", r"^  appendFor \(holder :UInt64, level :LogLevel, text :Text\) -> ")
    session.expect_in("call log.append '(level = warning, text = \"by \\\"hand\\\"\")'", r"^\(sequence = \d+\)$")
    session.expect_in("logs -n 1", r'warning +shell +by "hand"')
    session.expect_in("call logd.query '(limit = 1, level = warning, last = true)'", r'text = "by \\"hand\\""', r"^  more = ")
    session.expect_in("call supervisor.service '(name = \"logd\")'", r"^ +state = running,$", r'provides = \["log"\]')
    session.expect_in("call registry.resolve '(name = \"log\")'", r"outcome = found", r"^1 capability came with it")
    session.expect_in("call exec.run '(program = \"hello\", watcher = $events, bits = 2)'", r"outcome = done")
    session.expect_in("call console.clear", r"^\(\)$")
    session.expect_in("call keys.generate '(name = \"chained\")' .sign '(message = 0x\"00\")'", r"signature = ")
    session.expect_in("call keys.open '(name = \"chained\")' .key.restrict '()' .info", r'name = "chained"', r"sign = false")
    session.expect_in("call keys.open '(name = \"chained\")' .destroy", r"^\(\)$")
    session.expect_in("call keys.open '(name = \"chained\")' .info", r"^\(found = false\)$", r"^call: it brought no `key`, so nothing was called on it$")
    session.expect_in("call registry.resolve '(name = \"log\")' .service.stats", r"^\( ?stats = ")
    before = session.do("call supervisor.capabilities '(name = \"shell\")'")
    for _ in range(20):  # nothing that a call makes stays
        session.do("call registry.resolve '(name = \"log\")' .stats")
    after = session.do("call supervisor.capabilities '(name = \"shell\")'")
    check(before == after, "the shell holds what it held", before, after)


def kernel_objects_are_called(session):
    """The kernel's objects by the same command: who types it need not know what they are."""
    session.expect_in("call", r"^trace +Trace +start stop info buffer$", r"^manual +Vmo ")
    session.expect_in("call trace.info '(processor = 0)'", r"^\(processors = 1, classes = 0, written = 0, lost = 0\)$")
    session.expect_in("call trace.info '(processor = 99)'", r"^call: BAD_ARGUMENT\b")
    session.expect_in("call trace.none", r"^call: BAD_METHOD\b")
    session.expect_in("call trace.buffer '(processor = 0, account = $trace)'", r"`\$trace` is a Trace, not a Account")
    session.expect_in("call inspector.system", r"^\(\)$", r"^\d+ bytes came with it that are not shown\.$")
    session.expect_in("call manual.info", r"lenBytes = [1-9]\d+")
    session.expect_in("call manual.clone '(lenBytes = 4096)'", r"^call: BAD_HANDLE\b")  # nobody would pay for it


def call_mistakes(session):
    for line, complaint in (
            ("call lgo.query", r"can reach no `lgo`; did you mean `log`\?"),
            ("call keys.open '(name = \"x\")' .sing", r"`key` has no method `sing`; did you mean `sign`\?"),
            ("call keys.attest .sign", r"`attest` returns no capability"),
            ("call manual.read '(buffer = 4096, lenBytes = 8)'", r"takes an address in the memory of who calls"),
            ("call nothing-like-it", r"`call` lists what it can"),
            ("call log.qery", r"did you mean `query`\?"),
            ("call log '(limit = 1)'", r"which method\?"),
            ("call log.query '(limt = 3)'", r"^call: column 2: query has no field `limt`; did you mean `limit`\?$"),
            ("call log.query '(limit = 99999999999)'", r"column 10: UInt32 goes from 0 to 4294967295"),
            ("call log.query '(level = wraning)'", r"did you mean `warning`\?"),
            ("call log.query '(limit = 1'", r"column 11: expected `,` or `\)`"),
            ("call log.query '((", r"the quote ' is never closed"),
            ("call log.query '(('", r"expected the name of a field"),
            ("call log.query '(limit = " + "(" * 43 + "'", r"brackets may not be deeper than 40"),
            ("call log.appendFor '(holder = 1, text = \"x\")'", r"^call: shell may not control log: .*; .* may\. To allow it, add `control = true` to the entry \(system/tessera\.capnp:\d+\)$"),
            ("call registry.resolve '(name = \"a name that is much too long\")'", r"longer than 23 bytes"),
            ("call registry.register '(service = $nothing)'", r"granted nothing called `nothing`"),
            ("call registry.register '(service = $log, name = \"x\")'", r"^call: shell may not control registry: ")):
        session.expect_in(line, complaint)


def call_completion(session):
    session.keys("call lo\tqu\tli\t2, lev\twar\t)'")
    session.guest.expect(r"call log\.query '\(limit = 2, level = warning\)'", ANSWER_S)
    session.keys("\r")
    session.guest.expect(r"records = \[", ANSWER_S)
    session.guest.prompt(ANSWER_S)
    session.keys("call console.setInterrupt '(not\t$ev\t")
    session.guest.expect(r"\(notification = \$events", ANSWER_S)
    session.keys(ctrl("c"))
    session.guest.prompt(ANSWER_S)
    session.keys("call log.query '(limit = 1, l\t\t")  # a field that is there is not offered again
    session.guest.expect(r"last", ANSWER_S)
    session.guest.expect(r"level", ANSWER_S)
    session.keys(ctrl("c"))
    session.guest.prompt(ANSWER_S)


def calls_that_wait_are_ended(ctx):
    """A service that never answers: Ctrl-C ends the wait, as often as wanted, and the shell goes on."""
    session = Session(ctx, system="mute")
    for _ in range(3):
        session.keys("call log.stats\r")
        session.guest.expect(r"call log\.stats\n", ANSWER_S)
        session.keys(ctrl("c"))
        session.guest.prompt(ANSWER_S)
        session.expect_in("echo $?", r"^130$")
    session.keys("call log.stats\r")
    session.guest.expect(r"call log\.stats\n", ANSWER_S)
    session.keys("x")  # anything else does not
    session.keys(ctrl("c"))
    session.guest.prompt(ANSWER_S)
    session.expect_in("echo $?", r"^130$")


def history(session):
    session.do("echo first")
    session.do("echo second")
    typed(session, UP + UP, "first")
    typed(session, UP + UP + DOWN, "first")
    typed(session, ctrl("r") + "sec", "second")
    session.expect_in("history", r"echo first", r"echo second")


def editing(session):
    typed(session, "echo world" + LEFT * 5 + "hello ", "hello world")
    typed(session, "xecho a" + HOME + DELETE, "a")
    typed(session, "cho b" + ctrl("a") + "e" + ctrl("e") + "c", "bc")
    typed(session, "wrong" + ctrl("u") + "echo right", "right")
    typed(session, "echo one two" + ctrl("w") + "three", "one three")
    typed(session, "echo ab" + "\x7f" + "c", "ac")
    typed(session, "echo kept gone" + LEFT * 5 + ctrl("k"), "kept")
    typed(session, "echo 1" + "\x1b[99;99~" + "\x1bOZ" + "2", "12")  # unknown keys do nothing


def interrupt_and_end(session):
    session.keys("echo never" + ctrl("c"))
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.guest.reject(r"^never$")
    session.keys(ctrl("d"))
    session.guest.expect(r"(?i)poweroff|log out", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.expect_in("echo alive", r"^alive$")


def clears_the_screen(session):
    session.keys("echo kept")
    session.guest.expect(r"echo kept", ANSWER_S)
    session.keys(ctrl("l"))
    session.guest.expect(r"echo kept", ANSWER_S)  # drawn again, on an empty screen
    check(b"\x1b[2J" in session.guest.raw, "Ctrl-L clears the screen", "ESC [2J", session.guest.raw[-200:])
    typed(session, "", "kept")
    cleared = session.guest.raw.count(b"\x1b[2J")
    session.keys("clear\r")
    session.guest.expect(r"clear\n", ANSWER_S)
    session.guest.prompt(ANSWER_S)
    check(session.guest.raw.count(b"\x1b[2J") > cleared, "clear clears the screen", "ESC [2J", session.guest.raw[-200:])


def speaks_utf8(session):
    for text in ("héllo wörld", "漢字かな", "🦀 crab", "e\u0301 combined"):
        typed(session, f"echo '{text}'", text)
    typed(session, "echo '漢字x'" + LEFT * 2 + "\x7f", "漢x")
    session.keys(b"echo 'a\xff\xfe\xc0\x80b'\r")  # malformed bytes are no characters
    session.guest.expect(r"^a.*b\n", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.expect_in("echo fine", r"^fine$")


# ---- restarts ----------------------------------------------------------------------------------------

def service_restarts(ctx, name):
    session = Session(ctx)
    session.do(f"kill {name}")
    session.until(f"service {name}", r"(?is)running.*restarts\W+1\b|restarts\W+1\b.*running", 20)
    session.expect_in("echo goes on", r"^goes on$")
    session.until("logs -n 50", rf"{name} (ended|started)", 20)
    session.do("run hello")
    session.poweroff()


def shell_restarts(ctx):
    session = Session(ctx)
    session.keys("kill shell\r")
    session.guest.prompt(20)
    session.expect_in("service shell", r"(?i)restarts\W+1\b")
    session.poweroff()


def often_killed(ctx):
    """Every service in turn, again and again, and nothing is lost of the rest."""
    session = Session(ctx)
    for round_number in range(1, 4):
        for name in ("logd", "samgrd", "policyd", "rngd", "keystored", "identityd", "configd", "timed", "consoled"):
            session.do(f"kill {name}", 20)
            session.until(f"service {name}", rf"(?s)running.*restarts\s+{round_number}\b", 30)
    session.expect_in("echo still", r"^still$")
    session.poweroff()


def promises_are_kept(ctx, cpus):
    """Pipelined stubs over the kernel's ring: the program says what is wrong, if something is (tests/promises)."""
    said = Session(ctx, system="test", cpus=cpus).do("run promises", 60).strip()
    check(said == "promises: as it should be", "calls three deep, and what fails among them", "promises: as it should be", said)


def cases(ctx):
    def with_session(function):
        return functools.partial(lambda: function(Session(ctx)))

    found = [
        ("boots_through_uefi", functools.partial(boots, ctx, False)),
        ("boots_directly", functools.partial(boots, ctx, True)),
        ("works_with_32_mib", functools.partial(boots, ctx, True, 32)),
        ("reboot_boots_again", functools.partial(reboots, ctx)),
        ("reset_is_told_from_power_off", functools.partial(reset_is_seen, ctx)),
    ]
    for function in (help_lists_everything, services_and_one, logs_are_shown, caps_say_where_from, figures_are_shown,
                     programs_run, names_of_nothing_are_explained, mistakes_are_explained, completion, calls, kernel_objects_are_called, call_mistakes, call_completion,
                     history, editing,
                     interrupt_and_end,
                     clears_the_screen, speaks_utf8):
        found.append((function.__name__, with_session(function)))
    for cpus in (1, 4):
        found.append((f"promises_are_kept ({cpus} processors)", functools.partial(promises_are_kept, ctx, cpus)))
    found.append(("lists_may_be_longer_than_a_message", functools.partial(lists_may_be_longer_than_a_message, ctx)))
    found.append(("calls_that_wait_are_ended", functools.partial(calls_that_wait_are_ended, ctx)))
    for name in ("samgrd", "logd", "policyd", "rngd", "configd", "timed", "consoled", "execd"):
        found.append((f"{name}_restarts", functools.partial(service_restarts, ctx, name)))
    found.append(("shell_restarts", functools.partial(shell_restarts, ctx)))
    found.append(("services_killed_in_turn", deadline(180)(functools.partial(often_killed, ctx))))
    return (found + authority.cases(ctx) + manual.cases(ctx) + machine.cases(ctx) + processors.cases(ctx) + services.cases(ctx) + log.cases(ctx) + metrics.cases(ctx) + policy.cases(ctx) + denial.cases(ctx) + registry.cases(ctx) + keys.cases(ctx) + config.cases(ctx) + identity.cases(ctx) + clock.cases(ctx) + misbehaviour.cases(ctx) +
            programs.cases(ctx) + crashes.cases(ctx) + stand_in.cases(ctx) + language.cases(ctx) + jobs.cases(ctx) + supervision.cases(ctx) + replace.cases(ctx))
