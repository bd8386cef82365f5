"""Questions about authority at the prompt: where each handle is from, what would break, and what does."""

import functools
import json
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from session import ANSWER_S, Session
from testing import check, expect_equal, patience

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "badinput"))
import mkpkg  # noqa: E402
import packages  # noqa: E402


def complete(session):
    """Every handle of every process says where it is from."""
    output = session.do("why -a")
    found = re.search(r"^(\d+) of (\d+) handles have a complete chain$", output, re.MULTILINE)
    check(found and found.group(1) == found.group(2) and int(found.group(1)) > 50, "why -a", "all of them", output)


def handles_say_where_from(ctx):
    session = Session(ctx, system="test")
    complete(session)
    session.expect_in("why shell console", r"^shell's console \(0x[0-9a-f]+\): endpoint, Console with control$",
                      r"^init +Console +\S*RECEIVE\S* +.* ago +came with its object$",
                      r"^shell +console +\S*SEND\S* +.* ago +granted by init: system/tessera\.capnp:\d+, service console control$", r"^Paid for by init$")
    session.expect_in("why shell manual", r"^init +- +- +- +given up since$", r"granted by init: system/tessera\.capnp:\d+, file manual$",
                      r"^Paid for by shell: system/tessera\.capnp:\d+$")
    session.expect_in("why consoled notification", r"several handles of consoled are called `notification`; `caps consoled` shows their numbers$")
    output = session.expect_in("caps consoled", r"came with a request .* from shell$")
    number = re.search(r"^(0x[0-9a-f]+) .*came with a request", output, re.MULTILINE).group(1)
    session.expect_in(f"why consoled {number}", r"came with a request of shell: ConsoleControl\.setInterrupt$")
    session.expect_in("why logd thread", r"granted by init: system/tessera\.capnp:\d+, logd's own$")
    session.expect_in("why lodg", r"no process is called `lodg`; did you mean `logd`\?$")
    session.expect_in("why logd nosuch", r"logd has no handle `nosuch`; `caps logd` lists them$")
    session.expect_in("why logd 0xffffffffffff", r"logd has no handle")
    session.expect_in("why shell Session", r"came with the answer of identityd: Identity\.guest$")
    number = session.until("caps configd", r"^(0x[0-9a-f]+) .*came with a request .* from timed$").group(1)
    session.expect_in(f"why configd {number}", r"came with a request of timed: Config\.watch$")
    session.do("run endless_loop &")
    complete(session)
    session.poweroff()


# Those whose end is not the system's.
RESTARTED = ("samgrd", "logd", "metricsd", "policyd", "rngd", "keystored", "identityd", "configd", "timed", "execd")


def who_has_ended_is_known(ctx):
    """Each service ends; whatever it handed on says still where it is from."""
    session = Session(ctx)
    session.do("keys")
    for name in RESTARTED:
        session.do(f"kill {name}")
        session.until(f"service {name}", r"(?s)running.*restarts\s+1\b", ANSWER_S)
        session.until("why -a", r"^(\d{2,}) of \1 handles have a complete chain$", ANSWER_S)  # what a start makes and gives up goes meanwhile
    session.expect_in("why shell Session", r"^identityd +- +- +- +ended; its successor's: granted by init: system/tessera\.capnp:\d+, provides identity$",
                      r"came with the answer of identityd \(ended\): Identity\.guest$")
    session.poweroff()


# ---- what would break ----------------------------------------------------------------------------------

def graph_of(session):
    return json.loads(session.do("authority --json", 30))


def held(graph):
    """(koid of the process, number) of every handle."""
    return {(process["koid"], handle["handle"]) for process in graph["processes"] for handle in process["handles"]}


def koid_of(graph, name):
    return next(process["koid"] for process in graph["processes"] if process["name"] == name)


def foretold(session, line, graph):
    """The handles that a whatif says will go: those it lists, and all of the processes that it says end."""
    output = session.expect_in(line, r"^\d+ handles go, \d+ processes end, \d+ waits end$")
    named = {(koid_of(graph, holder), int(number, 16)) for holder, number in re.findall(r"^(\S+) +(0x[0-9a-f]+) ", output, re.MULTILINE)}
    ended = {koid_of(graph, name) for name in re.findall(r"^(\S+) ends, ", output, re.MULTILINE)}
    named |= {(koid, number) for koid, number in held(graph) if koid in ended}
    expect_equal(int(re.search(r"^(\d+) handles go", output, re.MULTILINE).group(1)), len(named), f"handles that '{line}' counts")
    return named


def expect_gone(before, after, named, what):
    """All that was named went, and nothing else but what holders that go on have closed of their own meanwhile."""
    gone, living = held(before) - held(after), {process["koid"] for process in after["processes"]}
    expect_equal(named - gone, set(), f"handles that are still there after {what}")
    expect_equal({(koid, number) for koid, number in gone - named if koid not in living}, set(), f"other handles that went with {what}")


def what_is_foretold_happens(ctx):
    session = Session(ctx, system="test")
    session.do("run endless_loop &")
    for line in ("whatif kill logd", "whatif kill rngd"):
        graph = graph_of(session)
        named = foretold(session, line, graph)
        session.do(line.removeprefix("whatif "))
        session.until(f"service {line.split()[-1]}", r"(?s)running.*restarts\s+1\b", ANSWER_S)
        expect_gone(graph, graph_of(session), named, f"'{line}'")
    for line, ends in (("revoke rngd random", 1), ("revoke shell registry", 0), ("revoke samgrd process", 0), ("revoke logd account", 0)):
        graph = graph_of(session)
        named = foretold(session, f"whatif {line}", graph)
        expect_equal(len({koid for koid, _ in named if koid == koid_of(graph, line.split()[1])}) > 0, True, "the holder loses it")
        expect_equal(f"{ends} processes end" in session.do(f"whatif {line}"), True, f"whether whatif {line} says who ends")
        session.expect_in(line, rf"^As foretold: {len(named)} handles are gone(, and no others|; \d+ others were closed by their holders meanwhile)$")
        expect_gone(graph, graph_of(session), named, f"'{line}'")
    session.until("service rngd", r"(?s)running.*restarts\s+2\b", ANSWER_S)
    session.keys("revoke shell console\r")  # which ends it, and the next one has it again
    session.guest.expect(r"^Tessera\. `help` lists the commands\.$", ANSWER_S)
    session.guest.prompt(ANSWER_S)
    session.expect_in("service shell", r"restarts\s+1\b", r"exit.*134|its console was taken away")
    output = session.expect_in("whatif kill init", r"^init ends, with \d+ handles; nothing is started again$", r"^logd ends, with \d+ handles$")
    check("starts it again" not in output, "whatif kill init", "nobody comes back", output)
    session.expect_in("revoke init supervisor", r"init has no handle `supervisor`; `caps init` lists them$")
    session.expect_in("caps init", r"^0x\S+ +- +inspector +.* +made by the kernel at boot$")
    session.expect_in("caps inti", r"there is no service or job `inti`")
    session.expect_in("revoke init inspector", r"init is no service or job, and nobody may take from it$")
    session.expect_in("whatif destroy logd", r"^usage: whatif revoke")
    session.expect_in("whatif kill nosuch", r"no process is called `nosuch`")
    session.do("run endless_loop &")
    for job in ("%1", "%"):
        session.expect_in(f"whatif kill {job}", r"endless_loop\.\d+.*ends")
    session.expect_in("whatif kill endless_loop", r"no process is called `endless_loop`; did you mean `endless_loop\.\d+`")  # there are two
    complete(session)
    session.poweroff()


# ---- the whole graph -----------------------------------------------------------------------------------

def verdict(folder, graph, certificate, *options):
    """What tools/authority-check says of them, and its status."""
    for name, text in (("graph", graph), ("certificate", certificate)):
        (folder / name).write_text(text if isinstance(text, str) else json.dumps(text))
    done = subprocess.run([sys.executable, ROOT / "tools" / "authority-check", folder / "graph", folder / "certificate", *options],
                          capture_output=True, text=True, timeout=patience(60), check=False)
    return done.returncode, (done.stdout + done.stderr).strip()


def forged(graph, certificate):
    """Certificates and graphs that a proof does not follow from, each with what is said of it."""
    subject, name = certificate["process"], str(certificate["process"])
    yield graph, {**certificate, "atMost": {**certificate["atMost"], name: []}}, "holds"
    yield graph, {**certificate, "atMost": {k: v for k, v in certificate["atMost"].items() if k != name}}, "is not in the certificate"
    yield graph, {**certificate, "cannotReach": "log"}, "may come to hold"
    yield graph, {**certificate, "cannotReach": "timer"}, "every process can make a timer of its own"
    yield graph, {**certificate, "cannotReach": "nothing"}, "is no interface"
    yield graph, {**certificate, "process": 1}, "not in the graph"
    yield graph, {}, "it is not a certificate of `prove --certificate`"
    yield {}, certificate, "it is not what `authority --json` prints"
    yield graph, "certificate", "it is no JSON"
    shell = str(koid_of(graph, "shell"))
    everything = list(range(len(certificate["items"])))
    yield graph, {**certificate, "atMost": {**certificate["atMost"], name: everything}}, "can hand"
    yield graph, {**certificate, "atMost": {**certificate["atMost"], shell: everything}}, "can hand"
    # A process that has a handle to the shell's: what the shell has is its own.
    stolen = json.loads(json.dumps(graph))
    process = next(each for each in stolen["processes"] if each["koid"] == subject)
    process["handles"].append({"handle": 1, "type": "process", "rights": 1 << 12, "badge": 0, "interface": 0, "object": int(shell)})
    yield stolen, certificate, "holds 0x1"
    # The same with the shell's address space, to which the shell itself has no handle any more; and the certificate says that it has it.
    space = next(each["vspace"] for each in graph["processes"] if each["koid"] == int(shell))
    seized = json.loads(json.dumps(graph))
    for process in seized["processes"]:
        process["handles"] = [handle for handle in process["handles"] if handle["object"] != space]
        if process["koid"] == subject:
            process["handles"].append({"handle": 1, "type": "vspace", "rights": 1 << 6, "badge": 0, "interface": 0, "object": space})
    admitted = {**certificate, "items": [*certificate["items"], {"object": space, "interface": 0, "type": "vspace", "rights": 1 << 6, "control": False}],
                "atMost": {**certificate["atMost"], name: [*certificate["atMost"][name], len(certificate["items"])]}}
    yield seized, admitted, "can hand"
    doubtful = json.loads(json.dumps(seized))  # nobody says whose it is
    for process in doubtful["processes"]:
        process["vspace"] = 0 if process["koid"] == int(shell) else process["vspace"]
    yield doubtful, admitted, "can hand"
    # A system that did not stand still while it was looked at.
    restless = json.loads(json.dumps(graph))
    restless["processes"][3]["handlesMade"][1] += 1
    yield restless, certificate, f"handles came to {restless['processes'][3]['name']} while the graph was taken"
    yield {**graph, "unseen": 1}, certificate, "processes were made while the graph was taken"


def overtrusting(graph, certificate):
    """The same of what a proof takes for granted."""
    trusted, shell = certificate["trusted"], koid_of(graph, "shell")
    yield graph, {**certificate, "trusted": [koid for koid in trusted if koid != shell]}, "can hand"
    yield graph, {**certificate, "trusted": [*trusted, certificate["process"]]}, "consoled itself is trusted"
    # Contracts that carry more than those that the proof was made of.
    loose = json.loads(json.dumps(graph))
    for interface in loose["interfaces"]:
        for method in interface["methods"]:
            method["brings"] = [0] if method["brings"] else []
    yield loose, certificate, "can hand"


def proofs_are_checked(ctx):
    session = Session(ctx)
    session.do("why -a")
    text, dot = session.do("authority --json", 30), session.do("authority --dot")
    graph = json.loads(text)
    expect_equal(sorted(process["name"] for process in graph["processes"]), sorted(["init", *(row[0] for row in session.rows("services"))]),
                 "processes of the graph")
    check(all(process["handlesMade"][0] == process["handlesMade"][1] >= len(process["handles"]) for process in graph["processes"]) and
          graph["unseen"] == 0, "authority --json", "a graph to which nothing came", text)
    spaces = [process["vspace"] for process in graph["processes"] if not process["ended"]]
    check(0 not in spaces and len(set(spaces)) == len(spaces), "authority --json", "each process has an address space of its own", spaces)
    check(all(re.fullmatch(r'digraph authority \{|\}|  rankdir=LR;|  node \[shape=box\];|  [po]\d+( -> [po]\d+)?'
                           r'( \[(shape=ellipse, )?label="(\\.|[^"\\])*"(, style=bold)?\])?;', line)
              for line in dot.strip().splitlines()), "authority --dot", "DOT", dot)
    session.keys("authority\r")
    session.guest.expect(r"^-- more", ANSWER_S)  # a screen at a time
    session.keys("q\r")
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.expect_in("prove rngd --cannot-reach resource", r"^Proved: rngd cannot reach resource$", r"^Whatever any service or program does$")
    session.expect_in("prove consoled --cannot-reach inspector", r"^Proved: ", r"^As long as they keep to their contracts: .*\bshell\b")
    session.expect_in("prove shell --cannot-reach log", r"^Cannot prove that shell cannot reach log:$", r"^  shell ")
    session.expect_in("prove execd --cannot-reach keys", r"^  execd may be brought it by a request of shell: ExecControl\.run$",
                      r"^  shell holds it$")
    session.expect_in("prove rngd --cannot-reach nosuch", r"`nosuch` is no interface, service or type of object$")
    session.expect_in("prove rngd --can-reach log", r"^usage: prove")
    certificate = session.do("prove rngd --cannot-reach resource --certificate", 30)
    trusting = session.do("prove consoled --cannot-reach inspector --certificate", 30)
    with tempfile.TemporaryDirectory() as folder:
        folder = pathlib.Path(folder)
        for options in ((), ("--contracts", ROOT / "idl")):
            expect_equal(verdict(folder, text, certificate, *options), (0, "rngd cannot reach resource, whatever any service or program does"),
                         "the certificate")
            status, said = verdict(folder, text, trusting, *options)
            check(status == 0 and re.fullmatch(r"consoled cannot reach inspector, as long as they keep to their contracts: [\w, ]*\bshell\b[\w, ]*", said),
                  "a certificate that trusts", "whom", said)
        for other, forgery, why in [*forged(graph, json.loads(certificate)), *overtrusting(graph, json.loads(trusting))]:
            status, said = verdict(folder, other, forgery)
            check(status == 1 and why in said, "a forged certificate", why, said)
        silent = json.loads(text)  # a system that keeps quiet about what its methods carry
        for interface in silent["interfaces"]:
            for method in interface["methods"]:
                method["brings"] = method["gives"] = []
        status, said = verdict(folder, silent, certificate, "--contracts", ROOT / "idl")
        check(status == 1 and "than their contract says" in said, "a graph that lies about contracts", "refused", said)
        check(verdict(folder, "{", certificate)[0] == 1 and verdict(folder, text, "[]")[0] == 1, "no JSON at all", "refused", "")
    session.poweroff()


# ---- who can call what ----------------------------------------------------------------------------------

def holders(session, line):
    """{holder: what is said of its handles, a line each}"""
    found = {}
    output = session.do(f"{line} | cat")  # not a screen at a time
    for row in output.splitlines()[1:]:
        if row.strip():
            found.setdefault(row.split()[0], []).append(row)
    return found, output


def who_can_call(ctx):
    session = Session(ctx)
    granted, resolved = r" +granted by init: system/tessera\.capnp:\d+, ", r" +may resolve it: system/tessera\.capnp:\d+, "
    for line, names, *patterns in (
            # The kernel's objects: who has one with the right that the method needs.
            ("inspector.processes", {"init", "metricsd", "shell"}, r"^shell +inspector +the kernel" + granted),
            ("trace.start", {"init", "shell"}, r"^shell +trace +the kernel" + granted),
            ("iospace.unmap", set()),
            # A service's: who may send there, by control or by minting it where it takes that, and who may resolve the name.
            ("log.append", {"init", "configd", "consoled", "execd", "identityd", "metricsd", "policyd", "rngd", "samgrd", "shell", "timed"},
             r"^consoled +log +logd" + granted + "service log$", r"^shell +log +logd"),
            ("logd.append", {"init", "configd", "consoled", "execd", "identityd", "metricsd", "policyd", "rngd", "samgrd", "shell", "timed"}),
            ("random.fill", {"init", "identityd", "keystored", "samgrd", "shell"}, r"^shell +- +rngd" + resolved + "random$"),
            ("rngd.fill", {"init", "identityd", "keystored", "samgrd", "shell"}, r"^shell +- +rngd" + resolved + "random$"),
            ("policy.revoke", {"init", "samgrd", "shell"}, r"^shell +policy control +policyd" + granted),
            ("supervisor.kill", {"init", "execd", "shell"}, r"^shell +supervisor control +init "),
            ("config.save", {"init", "samgrd", "shell"}, r"^samgrd +Config mint +configd +came with a request of init: "),
            # What is minted of a service's endpoint for one person.
            ("session.lock", {"init", "identityd", "samgrd", "shell"}, r"^shell +Session +identityd +came with the answer of identityd: ")):
        found, output = holders(session, f"who-can {line}")
        expect_equal(set(found), names, f"who can {line}, of\n{output}\n")
        for pattern in patterns:
            check(re.search(pattern, output, re.MULTILINE), f"output of 'who-can {line}'", f"/{pattern}/", output)
    session.expect_in("call random.fill '(count=4)'", r"^\( ?bytes = ")
    found, output = holders(session, "who-can process.grant")
    check({"init", "execd"} <= set(found) and all(" process " in row for rows in found.values() for row in rows), "who-can process.grant",
          "who has handles to processes", output)
    for line in ("thread.info", "vspace.map", "vmo.info"):
        found, output = holders(session, f"who-can {line}")
        check({"init", "configd", "shell"} <= set(found) and all(" the kernel " in row for rows in found.values() for row in rows), f"who-can {line}", "handles of that type", output)
    session.do("policy revoke shell use random")
    found, output = holders(session, "who-can random.fill")
    check("shell" not in found, "who-can after `policy revoke`", "without the shell", output)
    session.do("kill policyd")
    session.until("service policyd", r"running")
    session.expect_in("who-can logd.fill", r"^who-can: logd serves no method `fill`$")
    session.expect_in("who-can shell.draw", r"^who-can: shell serves no method `draw`$")
    session.expect_in("who-can log.nosuch", r"there is no method `log\.nosuch`; `describe log` lists them$")
    session.expect_in("who-can inspector.none", r"there is no method `inspector\.none`")
    session.expect_in("who-can nosuch.append", r"`nosuch` is no interface, service or type of object$")
    session.expect_in("who-can log", r"^usage: who-can")
    session.poweroff()


# ---- what can be proved of the shipped system -----------------------------------------------------------

# What is worth protecting, and who may come to hold it as far as `prove` knows. Whoever is not named cannot. A change that adds a name
# takes something away from everybody who relies on it.
EVERYBODY = ["configd", "consoled", "execd", "identityd", "keystored", "logd", "metricsd", "policyd", "rngd", "samgrd", "shell", "timed"]
HUB = ["execd", "samgrd", "shell"]  # the shell holds most of what there is; it hands programs what a person says, and is handed what is registered
NOT_PROVED = {
    "key": HUB,
    "keys": [*HUB, "keystored"],
    "session": [*HUB, "identityd", "policyd"],  # policyd is shown one that only says who it is (`observe`)
    "inspector": ["metricsd", "shell"],  # who has it; it cannot be handed on
    "trace": ["shell"],
    "resource": [],
    "ioport": ["consoled", "timed"],  # that of its device
    "interrupt": ["consoled"],
    "iospace": [],
    "identity.control": [*HUB, "identityd"],
    "supervisor.control": HUB,
    "console.control": HUB,
    "exec.control": HUB,
    "random": [*HUB, "identityd", "keystored"],
    "random.control": HUB,
    "policy.control": HUB,
    "registry.control": HUB,
    "log.control": HUB,
    "config.control": HUB,
    "time.control": HUB,
}


def ask(ctx, *words):
    """What is said of the shipped manifest, without booting it; and the status."""
    built = ROOT / "build" / ctx.arch
    done = subprocess.run([built / "lib" / "authority" / "manifest_ask", built / "system" / "tessera.manifest", *words], capture_output=True,
                          text=True, timeout=60, check=False)
    return done.stdout + done.stderr, done.returncode


def granted(graph):
    """(process, grant, type, rights, interface and control of an endpoint) of all that the manifest grants by name."""
    return {(process["name"], handle["grant"]["name"], handle["type"], handle["rights"],
             (handle["interface"], handle["badge"] >> 63) if handle["type"] == "endpoint" else None)
            for process in graph["processes"] for handle in process["handles"]
            if "grant" in handle and handle["grant"]["line"] and not handle["grant"]["source"].startswith("provides ")}


def the_manifest_answers_before_it_is_booted(ctx):
    for target, wanted in NOT_PROVED.items():
        output, status = ask(ctx, "prove", "-a", "--cannot-reach", target)
        may = re.findall(rf"^(\S+) may come to hold {re.escape(target)}$", output, re.MULTILINE)
        cannot = re.findall(rf"^(\S+) cannot reach {re.escape(target)}$", output, re.MULTILINE)
        expect_equal((sorted(may), sorted([*may, *cannot]), status), (sorted(wanted), EVERYBODY, 1 if wanted else 0), f"what the manifest says of {target}")
    for words, said in ((("prove", "rngd", "--cannot-reach", "resource"), "Proved: rngd cannot reach resource\nWhatever any service or program does\n"),
                        (("prove", "shell", "--cannot-reach", "log"), "Cannot prove that shell cannot reach log\n"),
                        (("prove", "nosuch", "--cannot-reach", "log"), "manifest_ask: the manifest has no service or program `nosuch`\n"),
                        (("prove", "rngd", "--cannot-reach", "timer"), "manifest_ask: every process can make for itself a `timer`\n"),
                        (("who-can", "log.nosuch"), "manifest_ask: there is no method `log.nosuch`\n")):
        expect_equal(ask(ctx, *words)[0], said, " ".join(words))
    said, status = ask(ctx, "prove", "consoled", "--cannot-reach", "inspector")
    check(status == 0 and re.search(r"^As long as they keep to their contracts: .*\bshell\b", said, re.MULTILINE), "a proof that trusts", "whom", said)
    said, _ = ask(ctx, "who-can", "console.write")
    check(re.search(r"^hello console granted: system/tessera\.capnp:\d+, service console$", said, re.MULTILINE), "who-can, of a program", "hello", said)
    for word, names in (("random.fill", {"init", "identityd", "keystored", "shell"}), ("rngd.fill", {"init", "identityd", "keystored", "shell"}),
                        ("trace.start", {"init", "shell"}), ("iospace.unmap", {"Nobody"})):
        said, status = ask(ctx, "who-can", word)
        expect_equal(({line.split()[0] for line in said.splitlines()}, status), (names, 0), f"who the manifest says can {word}")
    check(re.search(r"^shell - may resolve it: system/tessera\.capnp:\d+, random$", ask(ctx, "who-can", "random.fill")[0], re.MULTILINE),
          "who-can, of a name", "the shell", said)
    # What it takes the supervisor to grant is what that grants.
    session = Session(ctx)
    running, planned = granted(graph_of(session)), granted(json.loads(ask(ctx, "graph")[0]))
    if ctx.arch != "x86_64":  # the devices are planned as a PC's
        running = {each for each in running if each[1] not in ("uart", "rtc")}
    check(len(running) > 40, "grants of the running system", "many", running)
    expect_equal(running - planned, set(), "what is granted otherwise than planned")
    session.poweroff()


def proofs_stay(ctx):
    session = Session(ctx)
    expect_equal(sorted(row[0] for row in session.rows("services")), EVERYBODY, "services")
    for target, wanted in NOT_PROVED.items():
        output = session.do(f"prove -a --cannot-reach {target}", 60)
        may = dict(re.findall(r"^(\S+) may: (.*);$", output, re.MULTILINE))
        cannot = re.findall(rf"^(\S+) cannot reach {re.escape(target)}$", output, re.MULTILINE)
        expect_equal(sorted([*may, *cannot]), EVERYBODY, f"processes that are answered for, of {target}")
        check(f"Proved of {len(cannot)} of {len(EVERYBODY)} processes" in output, f"prove -a --cannot-reach {target}", "the sum", output)
        check(sorted(may) == sorted(wanted), f"who may reach {target}", wanted, output)
        check(all(re.search(r"(holds it|makes it by itself: \S*)$", way) for way in may.values()), "a way", "an end", output)
    session.expect_in("prove -a --cannot-reach timer", r"^prove: every process can make a timer of its own; ")
    session.expect_in("prove -a --cannot-reach nosuch", r"`nosuch` is no interface, service or type of object$")
    session.expect_in("prove -a --cannot-reach resource --certificate", r"^usage: prove")
    session.poweroff()


# ---- the least manifest --------------------------------------------------------------------------------

def exercise(session):
    """A little of what the system is for; the same before and after."""
    session.do("restart timed")  # takes control of the supervisor, as switching off does
    session.until("service timed", r"(?s)running.*restarts\s+1\b", ANSWER_S)
    session.expect_in("run hello", r"^Hello")
    session.expect_in("keys", r"^NAME +AGE")
    session.expect_in("date", r"\d\d:\d\d")
    session.expect_in("config list", r"^\S+ ")
    session.expect_in("logs -n 1", r"(?s).")
    session.expect_in("metrics log_", r"^log_used ")
    session.expect_in("policy hello use console", r"(?i)\b(may|allow)")
    session.expect_in("call random.stats", r"\bseeded = (true|false)\b")  # by a name that is resolved


def system_with(ctx, folder, patches, without=None, change=lambda text: text, package="boot.pkg"):
    """The package of a system with the shipped manifest as `change` makes it, with these patches and without this line of it."""
    for name in ("system", "idl", "tools/manifest", "tools/capnpc-c"):  # the compiler names its sources as seen from where it lies
        shutil.copytree(ROOT / name, folder / name, dirs_exist_ok=True, ignore=shutil.ignore_patterns("released"))
    source = folder / "system" / "tessera.capnp"
    source.write_text(change(source.read_text()))
    for patch in patches:
        done = subprocess.run(["patch", "-p1", "--no-backup-if-mismatch", "-F0"], cwd=folder, input=patch, text=True, capture_output=True, check=False)
        check(done.returncode == 0, "the difference applies", "status 0 of patch", f"{done.stdout}{done.stderr}\n{patch}")
    if without is not None:
        check(source.read_text().count(without) == 1, "the line is there", without, source.read_text())
        source.write_text(source.read_text().replace(without, ""))
    built = ROOT / "build" / ctx.arch
    manifest = folder / "new.manifest"
    done = subprocess.run([sys.executable, folder / "tools" / "manifest" / "manifestc", "--check", built / "lib" / "manifest" / "manifest_check",
                           "--output", manifest, source], capture_output=True, text=True, check=False)
    check(done.returncode == 0, "the changed manifest compiles", "status 0 of manifestc", done.stderr)
    whole = packages.Package.load(built / package)
    name = next(name for name, kind, _data in whole.entries() if kind == mkpkg.KIND_MANIFEST)
    package = folder / "least.pkg"
    package.write_bytes(whole.replacing(name, manifest.read_bytes()).replacing("manifest-source", source.read_bytes()).data)
    return package


def the_least_manifest_suffices(ctx):
    session = Session(ctx)
    exercise(session)
    services = [row[0] for row in session.rows("services")]
    found = {name: session.do(f"least {name}", 30) for name in services}
    session.expect_in("least nosuch", r"no process is called `nosuch`")
    session.expect_in("least init", r"^least: init is no service or job$")
    memory = session.do("least samgrd --memory", 30)
    check(re.search(r"^-  memoryKib = 256,$", memory, re.MULTILINE) and re.search(r"^\+  memoryKib = \d+,$", memory, re.MULTILINE),
          "least --memory", "its limit as the most that it used", memory)
    for name, output in found.items():
        check(re.search(rf"^# What {name} used in the .* since it was started[.;]", output, re.MULTILINE), f"least {name}", "for how long", output)
    # The shell has been asked for nothing that takes control of the log's or the clock's, and for the time.
    check(re.search(r"^# time \(system/tessera\.capnp:\d+, service time control\) was never used for what takes control$", found["shell"],
                    re.MULTILINE), "least shell", "control of the time", found["shell"])
    check(re.search(r"^-    \(name = \"trace\", trace = void, unshared = true\),$", found["shell"], re.MULTILINE), "least shell", "without the trace", found["shell"])
    check("-    (name = \"console\"" not in found["shell"], "least shell", "the console stays", found["shell"])
    check(re.search(r"^-  resolve = \[\(name = \"log\"\), \(name = \"console\"\), \(name = \"random\"\)\],\n\+  resolve = \[\(name = \"random\"\)\],$",
                    found["shell"], re.MULTILINE), "least shell", "the one name that it asked for", found["shell"])
    session.poweroff()
    patches = [output for output in found.values() if "--- a/" in output]
    with tempfile.TemporaryDirectory() as folder:
        session = Session(ctx, package=system_with(ctx, pathlib.Path(folder), patches))
        exercise(session)
        for name in services:
            session.expect_in(f"service {name}", r"running")
        session.expect_in("trace", r"^trace: shell may not use trace: the manifest does not grant it; ")
        session.poweroff()
    with tempfile.TemporaryDirectory() as folder:  # and with one less that was used
        session = Session(ctx, package=system_with(ctx, pathlib.Path(folder), patches, '    (name = "keys", service = "keys", weak = true),\n'))
        check(not re.search(r"^NAME +AGE", session.do("keys"), re.MULTILINE), "`keys` without the grant", "a refusal", "a list")
        session.poweroff()


PROGRAM = """const resolver :Manifest.Program = (
  name = "resolver",
  memoryKib = 256,
  grants = [
    (name = "console", service = "console"),
    (name = "registry", service = "registry"),
    (name = "random", service = "random"),
  ],
  resolve = [(name = "log"), (name = "random")],
);

const system"""


def with_program(text):
    check(text.count("const system") == 1 and text.count("programs = [.hello]") == 1, "the manifest", "a system that runs hello", text)
    return text.replace("const system", PROGRAM).replace("programs = [.hello]", "programs = [.hello, .resolver]")


def what_a_job_needs_suffices(ctx):
    patches = []
    for _ in range(2):  # as it is written, and as that says
        with tempfile.TemporaryDirectory() as folder:
            session = Session(ctx, package=system_with(ctx, pathlib.Path(folder), patches, change=with_program, package="system/test.pkg"))
            session.keys("run resolver watch &\r")  # which asks for the name `log`, and waits
            session.guest.expect(r"resolver: watches$", ANSWER_S)
            session.keys("\r")
            session.guest.prompt(ANSWER_S)
            job = re.search(r"^(\d+) +resolver ", session.do("jobs"), re.MULTILINE).group(1)
            found = session.expect_in(f"least resolver.{job}", rf"^# What resolver\.{job} used in the .* since it was started\. ")
            if not patches:
                check(re.search(r"^# random \(system/tessera\.capnp:\d+, service random\) was never used$", found, re.MULTILINE) and
                      re.search(r"^# random, which it may resolve, was never asked for$", found, re.MULTILINE), "what it did not use", "both", found)
                session.do("kill policyd")
                session.until("service policyd", r"(?s)running.*restarts\s+1\b", ANSWER_S)
                session.expect_in(f"least resolver.{job}", r"^# What it may resolve is kept: whoever notes what is asked for was started again since$",
                                  r"^# random \(.*\) was never used$")
            else:
                check(re.search(r"^# Nothing can be taken from it$", found, re.MULTILINE), "what it needs", "all of it", found)
            session.do(f"kill {job}")
            session.poweroff()
        patches = [found]


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx)) for function in
            (handles_say_where_from, who_has_ended_is_known, what_is_foretold_happens, who_can_call, proofs_are_checked, proofs_stay,
             the_manifest_answers_before_it_is_booted, the_least_manifest_suffices,
             what_a_job_needs_suffices)]
