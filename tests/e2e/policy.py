"""Who may do what with which service: policyd, as its clients see it."""

import functools
import re

from session import Session
from testing import check as expect


def check(session, question, allowed):
    """One decision, which is audited, by its contract. Returns the epoch."""
    subject, action, object_ = question.split()
    words = f"subject=\"{subject}\",action={action},object=\"{object_}\""
    said = session.expect_in(f"call policy.check '({words})'", rf"^\(allowed = {allowed}, rule = \d+, epoch = \d+\)$")
    return int(re.search(r"epoch = (\d+)", said).group(1))


def decisions(session):
    """By grants, names to resolve and nothing else; each is filed."""
    check(session, "shell control console", "true")
    check(session, "shell control log", "false")
    check(session, "hello.7 use console", "true")
    check(session, "hello use log", "false")
    session.until("logs --denials -s policyd --field who=hello", r"hello may not use log: no grant, `resolve` or rule allows it")
    said = " ".join(session.do("logs --denials --field missing='control of log' -v").split())
    expect(re.search(r"warning policyd \[audit\] shell may not control log: .*; execd may\. To allow it, .* \(system/tessera\.capnp:\d+\) "
                     r"who=\"shell\" attempted=\"control\" object=\"log\" missing=\"control of log\" holders=\"execd\" line=\"system/tessera\.capnp:\d+\"",
                     said), "the denial as a record", "a sentence, and each part of it in a field", said)
    session.expect_in("logs -v -s policyd --field who=hello.7",
                      r"debug +policyd +\[audit\] hello\.7 may use console, by system/tessera\.capnp:\d+  who=\"hello\.7\"")
    session.expect_in("logs --denials --field who=hello.7", r"there is nothing")
    session.expect_in("policy", r"^shell +may +use control share +console +grant +system/tessera\.capnp:\d+$",
                      r"^shell +may +use +random +resolve +system/tessera\.capnp:\d+$")


def one_request(session):
    """What comes of a line has one number, also behind two services: the shell asks samgrd, that asks policyd, which files it."""
    session.do("policy revoke hello use log")  # nothing is kept of earlier decisions
    session.do("policy restore hello use log")
    session.do("call random.stats")
    found = session.until("logs -v --field object=random", r"shell may use random, by .*  cause=(\d+)$").group(1)
    said = session.do(f"logs -v --cause {found}")
    strangers = [line for line in said.splitlines() if not line.endswith(f"cause={found}")]
    expect("shell may use random" in said and not strangers, f"logs --cause {found}", "what belongs to that line, and nothing else", said)
    session.do("call random.stats")
    expect(session.do(f"logs -v --cause {found}") == said, "the same after another line", said, session.guest.transcript[-500:])


def reasons(session):
    """A denial names who may, and the line that would have to change."""
    said = " ".join(session.do("policy hello control console").split())
    found = re.search(r"hello may not control console: no grant, `resolve` or rule allows it; shell may\. To allow it, "
                      r"add `control = true` to the entry \(system/tessera\.capnp:(\d+)\)$", said)
    expect(found, "the denial as a sentence", "why, who may, what to write where", said)
    line = (session.guest.ctx.root / "system" / "tessera.capnp").read_text().splitlines()[int(found.group(1)) - 1]
    expect('service = "console"' in line, "the line that the advice is about", "hello's grant of the console", line)
    session.expect_in("policy shell use log", r"^shell may use log: system/tessera\.capnp:\d+$")
    session.expect_in("policy nobody use log", r"no service or program of this system is called `nobody`")
    session.expect_in("call registry.why '(name=\"nothing\")'", r"^\( allowed = false,$", r"nothing of this system provides `nothing`")
    session.expect_in("call registry.why '(name=\"log\")'", r"^\(allowed = true\)$")
    session.expect_in("policy shell eat log", r"there is no action `eat`")
    session.expect_in("policy shell", r"help policy")


def what_would_change(session):
    session.expect_in("policy try deny shell use '*'", r"^shell could no longer use console$", r"decisions would change$")
    session.expect_in("policy try allow hello use log", r"^hello could use log$", r"^1 decision would change$")
    session.expect_in("policy try deny hello use log", r"^0 decisions would change$")
    session.expect_in("policy try allow nobody use log", r"no `nobody` or no `log`")


def revoked_and_restored(session):
    """What is revoked is denied, in a new epoch, until it is restored."""
    epochs = [check(session, "shell use log", "true")]
    session.do("policy revoke shell use '*'")
    epochs.append(check(session, "shell use log", "false"))
    session.expect_in("policy", r"^shell +may not +use +\* +revoked +-$")
    # It stays revoked whatever becomes of who decided it.
    session.do("kill policyd")
    epochs.append(check(session, "shell use log", "false"))
    session.expect_in("policy", r"^shell +may not +use +\* +revoked +-$")
    session.do("policy restore shell use '*'")
    epochs.append(check(session, "shell use log", "true"))
    expect(epochs == sorted(set(epochs)), "each change has an epoch of its own", "three that rise", epochs)
    session.expect_in("policy restore shell use '*'", r"was not revoked")
    session.expect_in("policy revoke nobody use log", r"no service or program is called `nobody`")


def restarted(session, line):
    """What ends a service, and the next process of it."""
    name = line.split()[-1]
    before = int(re.search(r"restarts\s+(\d+)", session.do(f"service {name}")).group(1))
    session.do(line)
    session.until(f"service {name}", rf"(?s)running.*restarts\s+{before + 1}\b", 20)


def not_granted(session):
    """What is revoked is not granted, either: to no job, to no service that is started again, whatever became of who decided it."""
    session.expect_in("run hello", r"^Hello from Tessera\.$")
    session.expect_in("policy revoke hello use console", r"^It is not granted or resolved any more\.")
    said = session.do("run hello")
    expect("Hello" not in said and "hello may not use console: it was revoked" in " ".join(said.split()), "run of what may not use the console",
           "the reason, and no greeting", said)
    session.until("logs --denials --field object=console", r"hello\.\d+ may not use console: it was revoked while the system runs")
    session.do("policy revoke '*' use config")
    for line in ("restart timed", "kill policyd", "restart timed"):  # the next policyd finds what was revoked
        restarted(session, line)
        said = session.expect_in("caps timed", r" roster ")
        expect("config" not in said, f"caps timed after {line}", "no config", said)
    session.until("logs --denials --field who=timed --field object=config", r"timed may not use config: it was revoked")
    session.do("policy revoke execd control log")
    session.do("policy revoke execd share supervisor")
    restarted(session, "restart execd")
    session.expect_in("caps execd", r" log +endpoint +COPY\|TRANSFER\|INSPECT\|SEND +\d+  ", r" supervisor +endpoint +TRANSFER\|INSPECT\|SEND +\d+ control ")
    session.expect_in("policy revoke policyd use log", r"policyd decides, by what it is granted itself")
    session.expect_in("policy policyd use config", r"no grant, `resolve` or rule allows it")
    session.expect_in("policy policyd use identity", r"policyd may use identity")
    for line in ("hello use console", "'*' use config", "execd control log", "execd share supervisor"):
        session.do(f"policy restore {line}")
    session.expect_in("run hello", r"^Hello from Tessera\.$")
    for name, found in (("timed", r" config +endpoint "), ("execd", r" log +endpoint +COPY\|TRANSFER\|INSPECT\|SEND +\d+ control ")):
        restarted(session, f"restart {name}")
        session.expect_in(f"caps {name}", found)


def taken_from_policyd(session):
    """Without a way to identityd it would decide against everybody for ever: it ends, and the next one has it again."""
    before = int(re.search(r"restarts\s+(\d+)", session.do("service policyd")).group(1))
    session.do("revoke policyd identity")
    said = " ".join(session.do("run hello").split())
    expect("policyd cannot ask identityd any more: that was taken from it" in said, "run while policyd cannot ask", "the reason", said)
    session.until("service policyd", rf"(?s)running.*restarts\s+{before + 1}\b", 20)
    session.expect_in("service policyd", r"`identity` was taken away|exit.*134")
    session.expect_in("run hello", r"^Hello from Tessera\.$")


def learned(session):
    session.expect_in("policy propose", r"nothing was resolved while it learned; what a service used of its grants `least` tells")
    session.do("policy learn on")
    check(session, "shell use random", "true")
    session.do("kill policyd")
    session.expect_in("policy propose", r"^# shell \(system/tessera\.capnp:\d+\)\nresolve = \[\(name = \"random\"\)\],$")
    session.do("policy learn off")


def one_boot(ctx):
    session = Session(ctx)
    for part in (decisions, one_request, reasons, what_would_change, revoked_and_restored, not_granted, taken_from_policyd, learned):
        part(session)
    session.poweroff()


def cases(ctx):
    return [("policy_decides", functools.partial(one_boot, ctx))]
