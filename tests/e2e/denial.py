"""What is not allowed explains itself: the kernel's refusals, and grants that are not there."""

import functools
import re

from session import Session
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


def one_boot(ctx):
    session = Session(ctx, system="test")
    for part in (kernel_refusals, holders, of_services, missing_grants, the_shells_own):
        part(session)
    session.poweroff()


def cases(ctx):
    return [("denials_explain_themselves", functools.partial(one_boot, ctx))]
