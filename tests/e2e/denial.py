"""What is not allowed explains itself: the kernel's refusals, and grants that are not there."""

import functools
import pathlib
import re
import tempfile

from authority import ROOT, system_with
from session import PROMPT_S, Session
from testing import check

FILE = r"system/test\.capnp"
NOT_WRITE = r"its handle has COPY\|TRANSFER\|INSPECT\|READ\|MAP, and not WRITE\. To allow it, it takes another grant: " \
            r"none gives that right to such an object \(" + FILE + r":(\d+)\)"
SENTENCES = (
    r"may not call vmo\.write of settings: " + NOT_WRITE,
    r"may not call vmo\.resize of settings: " + NOT_WRITE,
    r"may not signal settings: it is of type vmo, not notification\. To allow it, grant `settings` as `notification = void` \(" + FILE + r":(\d+)\)",
    r"may not wait for something: it was not granted one\. To allow it, add a grant `NAME` with `notification = void` \(" + FILE + r":(\d+)\)",
    r"may not call process\.watch_exit with handle 0x[0-9a-f]+ \(notification\): its handle has WAIT, and not SIGNAL$",
    r"may not call handle 0x[0-9a-f]+ \(endpoint\): its handle has COPY, and not SEND$",
    r"may not call handle 0x[0-9a-f]+: it has no such handle; that was closed or taken back, or never its own$",
)


def line_of(session, text):
    """The number of the one line of the manifest that has this in it."""
    lines = (session.guest.ctx.root / "system" / "test.capnp").read_text().splitlines()
    found = [number for number, line in enumerate(lines, 1) if text in line]
    check(len(found) == 1, f"lines of system/test.capnp with {text}", 1, found)
    return found[0]


def kernel_refusals(session):
    """What was attempted, with which handle, what that has and lacks, and the line; on the console and in the log."""
    said = session.do("run denied").splitlines()
    records = session.do("logs --denials -d denied").splitlines()
    check(len(said) == len(SENTENCES) + 1 and len(records) == len(SENTENCES), "what is said and what is filed",
          f"{len(SENTENCES)} denials, and one that nobody said", (said, records))
    for sentence, line, record in zip(SENTENCES, said, records):
        check(re.search(r"^denied: denied\.\d+ " + sentence, line), "the sentence", sentence, line)
        record = re.sub(r"; [^;]* (?:has|have) that right|; [^;]* (?:has|have) one", "", record)  # who may is looked up, now
        check(re.search(r"warning +denied\.\d+ +\[denied\] denied\.\d+ " + sentence, record), "the record", sentence, record)
    granted = line_of(session, '(name = "settings", file = "settings")')
    check(f"test.capnp:{granted})" in said[0], "the line of the grant", granted, said[0])
    session.expect_in("logs --denials --field missing='right SIGNAL'", r"may not call process\.watch_exit with ")
    session.expect_in("logs --denials -v --field object=settings",
                      r'who="denied\.\d+"  attempted="call vmo\.write of"  object="settings"  missing="right WRITE"  line="' + FILE + r':\d+"')


def holders(session):
    """Who has what was missing: looked up when somebody reads the log."""
    session.do("run denied stay &")
    found = session.until("logs --denials --field missing='right SIGNAL'",
                          r"(denied\.\d+) may not call process\.watch_exit with handle \w+ \(notification\): its handle has WAIT, and not SIGNAL; "
                          r"\1 has that right$")
    said = session.do(f"logs --denials -s {found.group(1)} --field missing='right SEND'")
    check(re.search(r"its handle has COPY, and not SEND; init, .*\bshell\b.* have that right$", said), "who may call the console", "all that may", said)
    session.expect_in(f"logs --denials -s {found.group(1)} --field missing='right WRITE'", r"and not WRITE; nobody has that right\. To allow it, ")
    session.do(f"kill {found.group(1)}")


def of_services(session):
    """A service files whom it denied what only some may do."""
    session.do("run log_client")
    session.until("logs --denials --field object=log", r"log_client\.\d+ may not control log: no grant, `resolve` or rule allows it; execd may\. "
                                                       r"To allow it, add `control = true` to the entry \(" + FILE + r":\d+\)$")
    session.do("run random_client")
    session.until("logs --denials -s rngd", r"rngd +\[denied\] random_client\.\d+ may not control random: ")


def missing_grants(session):
    """A program that needs what it was not granted says so, and where it would have to be written."""
    at = line_of(session, '(name = "ungranted"')
    session.expect_in("run ungranted", rf"^ungranted\.\d+ may not use settings: the manifest does not grant it\. To allow it, add `settings` to "
                                       rf"`grants` of it \({FILE}:{at}\)$")


def the_shells_own(session):
    """A call of an object by name says what the shell's handle lacks, and who has it."""
    session.expect_in("call manual.resize '()'", r"shell may not call vmo\.resize of manual: its handle has .*, and not WRITE; "
                                                 r"(nobody|[\w, ]+) (has|have) that right\. .*"
                                                 r" \(system/tessera\.capnp:\d+\)")


# ---- grants that were taken back -----------------------------------------------------------------------

BACK = r"it was granted and has been taken back"


def again(name):
    """What is advised, and where the grant is."""
    return rf"\. To allow it, `restart {name}`, which grants it again \(system/tessera\.capnp:\d+\)"


def of_services_own(session):
    """What a service lacks itself, its client is told and so is the log; and what is advised helps."""
    session.expect_in("revoke keystored random", r"^As foretold")
    session.expect_in("keys new first", rf"^keys: .*: keystored may not call random: {BACK}{again('keystored')}$")
    session.do("restart keystored")
    session.expect_in("keys new first", r"(?!.*may not)")
    session.expect_in("keys", r"^first ")
    session.expect_in("revoke samgrd policy", r"^As foretold")
    session.expect_in("call registry.resolve '(name = \"random\")'", rf"policyd: samgrd may not call policy: {BACK}{again('samgrd')}$")
    session.until("logs --denials -s samgrd", rf"\[denied\] samgrd may not call policy: {BACK}; init, .* have that right{again('samgrd')}")
    session.do("restart samgrd")
    session.until("call registry.resolve '(name = \"random\")'", r"outcome = found")
    for grant, said in (("programs.0", rf"process\.handle_info with programs\.0: {BACK}{again('execd')}$"), ("programs", rf"programs: {BACK}{again('execd')}$")):
        session.expect_in(f"revoke execd {grant}", r"^As foretold")
        session.expect_in("run hello", rf"^run hello: .*: hello\.\d+: (grant .*: )?execd may not (call|use) {said}")
        session.do("restart execd")
        session.until("run hello", r"^Hello")


def of_the_shells_own(session):
    """The shell says who has what it has no more, as long as it can look; and that it cannot."""
    session.expect_in("revoke shell log", r"^As foretold")
    said = session.expect_in("logs", rf"^logs: shell may not call log: {BACK}; .* have that right{again('shell')}$")
    check(re.search(r"; init, .*\blogd\b", said) is None and "metricsd" in said and "keystored" not in said, "who has the log",
          "those that may send to it, and no others", said)
    session.expect_in("revoke shell trace", r"^As foretold")
    session.expect_in("trace", rf"^trace: shell may not call trace\.info of trace: {BACK}; .*init\b.* ha(s|ve) that right{again('shell')}$")
    session.expect_in("revoke shell inspector", r"^Revoked: \d+ handles were to go\. Whether they have this shell cannot see, for it looked with `inspector`$")
    session.expect_in("ps", rf"^ps: shell may not call inspector\.\w+ of inspector: {BACK}{again('shell')}$")
    session.keys("restart shell\r")
    session.guest.prompt(PROMPT_S)
    session.expect_in("logs -n 1", r"(?s).")
    session.expect_in("ps", r"^ *\d+ .*\bshell\b")


def taken_back(ctx):
    session = Session(ctx)
    for part in (of_services_own, of_the_shells_own):
        part(session)
    session.poweroff()


# ---- doing what a denial says --------------------------------------------------------------------------

UNGRANTED = ("keys", "trace")  # of the shell's, taken out of its manifest
DENIED = ("keys", "trace", "call log.appendFor '()'")
ADVICE = re.compile(r"may not .*\. To allow it, (.*) \(system/tessera\.capnp:(\d+)\)$", re.MULTILINE)


def without_grants(text, names):
    for name in names:
        text, count = re.subn(rf'^    \(name = "{name}", [^)]*\),\n', "", text, flags=re.MULTILINE)
        check(count == 1, f"the grant of {name}", "one", count)
    return text


def mend(text, advice, line):
    """The source after what the advice says has been done to it, and nothing else."""
    lines = text.splitlines(keepends=True)
    rest = "".join(lines[line - 1:])
    if found := re.fullmatch(r"add `(.*)` to `grants` of \w+", advice):
        rest = rest.replace("grants = [", f"grants = [{found[1]}, ", 1)
    else:
        found = re.fullmatch(r"add `(.*)` to the entry", advice)
        check(found, "the advice", "something that can be done", advice)
        lines_rest = rest.split("\n", 1)
        at = lines_rest[0].rindex(")")
        rest = f"{lines_rest[0][:at]}, {found[1]}{lines_rest[0][at:]}\n{lines_rest[1]}"
    return "".join(lines[:line - 1]) + rest


def advice_is_followed(ctx):
    """What a denial advises is done to the manifest, and nothing else; then the same is allowed."""
    with tempfile.TemporaryDirectory() as folder:
        text = without_grants((ROOT / "system" / "tessera.capnp").read_text(), UNGRANTED)
        session = Session(ctx, package=system_with(ctx, pathlib.Path(folder), [], change=lambda _: text))
        found = []
        for line in DENIED:
            said = session.do(line)
            advice = ADVICE.search(said)
            check(advice, f"output of '{line}'", ADVICE.pattern, said)
            found.append((int(advice[2]), advice[1]))
        session.until("logs --denials --field object=keys", r"shell may not use keys: the manifest does not grant it; .*\binit\b.* may\. To allow it")
        session.poweroff()
        for line, advice in sorted(found, reverse=True):  # what is below first: lines above keep their numbers
            text = mend(text, advice, line)
        session = Session(ctx, package=system_with(ctx, pathlib.Path(folder), [], change=lambda _: text))
        for line in DENIED:
            said = session.do(line)
            check("may not" not in said and "granted" not in said, f"output of '{line}' when the advice was followed", "no denial", said)
        session.poweroff()


def one_boot(ctx):
    session = Session(ctx, system="test")
    for part in (kernel_refusals, holders, of_services, missing_grants, the_shells_own):
        part(session)
    session.poweroff()


def cases(ctx):
    return [("denials_explain_themselves", functools.partial(one_boot, ctx)), ("grants_taken_back_say_so", functools.partial(taken_back, ctx)),
            ("advice_of_denials_is_followed", functools.partial(advice_is_followed, ctx))]
