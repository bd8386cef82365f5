"""Suite "abi": the ABI suite, a boot of the system `abi` with one processor and one with several (and an IOMMU, where
the machine can have one), every case of it a case here. The cases that compare amounts of time have a third boot, on
the machine whose clock counts instructions: no other is fair to a processor that the host has set aside. It has one
processor, because the emulator comes to a halt when it counts for several of which some wait and some never do.

Verdicts are read from the guest's second serial port alone. Only the suite is granted that port
(system/abi.capnp, which a case here checks), so no other program can write one.
"""

import functools
import json
import re

from testing import Failure, check, deadline

BOOT_DEADLINE_S = 240
PROCESSORS = (1, 4)
# A PC without an IOMMU, and a newer one with; both with a device to drive (edu_test.c).
MACHINES = {("x86_64", 1): ["-machine", "pc"], ("x86_64", 4): ["-device", "intel-iommu"]}
# The 28 address bits that the device has by itself reach neither riscv64's memory nor where a PC's messages go to.
DEVICES = {"x86_64": ["-device", "edu,dma_mask=0xffffffff"], "riscv64": ["-device", "edu,dma_mask=0xffffffffff"]}
CASE = {timed: re.compile(rf"^{word}\((\w+)\)", re.MULTILINE) for timed, word in ((False, "CASE"), (True, "TIMED_CASE"))}
COVERAGE = "every_documented_error_was_seen"  # the runner's own last case


def case_names(ctx, timed=False):
    names = []
    folders = (ctx.root / "tests" / "abi", ctx.root / "tests" / "arch" / ctx.arch)
    for path in [path for folder in folders for path in sorted(folder.glob("*_test.c"))]:
        names += CASE[timed].findall(path.read_text())
    return names if timed else names + [COVERAGE]


class Run:
    """One boot of a system whose only program is a suite (main.c), at the first case that asks for it."""

    def __init__(self, ctx, cpus, system="abi", cmdline=None, deadline_s=BOOT_DEADLINE_S, timed=False):
        self.cpus, self.system, self.cmdline, self.deadline_s = cpus, system, cmdline or ("timed" if timed else None), deadline_s
        self.timed = timed
        self.ctx, self.verdicts, self.notes, self.transcript, self.done = ctx, None, {}, "", None
        self.ended = "is not known"

    def boot(self):
        if self.verdicts is not None:
            return
        self.verdicts = {}
        report = self.ctx.scratch / "verdicts"
        # The machine of riscv64 has one serial port: what the kernel does not say there, the reporter does.
        one_port = self.ctx.arch == "riscv64"
        second_port = ["-chardev", f"file,id=verdicts,path={report}", "-serial", "chardev:verdicts"]
        devices = [] if self.timed else MACHINES.get((self.ctx.arch, self.cpus), []) + DEVICES[self.ctx.arch]
        guest = self.ctx.guest(direct=True, system=self.system, cpus=self.cpus, cmdline=self.cmdline,
                               deterministic=self.timed, qemu_args=([] if one_port else second_port) + devices)
        try:
            self.ended = f"was status {guest.wait(self.deadline_s)} of tools/qemu"
        finally:
            self.transcript = guest.transcript
            text = self.transcript if one_port else report.read_text(errors="replace") if report.exists() else ""
            for line in text.splitlines():
                word, _, rest = line.partition(" ")
                if word in ("pass", "fail", "start"):
                    self.verdicts[rest] = word
                elif word == "note":
                    self.notes.setdefault(rest.split(":")[0], []).append(rest)
                elif word == "done":
                    self.done = rest

    def judge(self, name):
        self.boot()
        verdict = self.verdicts.get(name)
        if verdict == "pass":
            return
        saw = "\n".join(self.notes.get(name, [])) or {"start": "it began and did not end", None: "no verdict: it did not run",
                                                      "fail": "it failed"}[verdict]
        if verdict != "fail":
            saw += "".join(f"\n{note}" for note in self.notes.get("start", []))
            saw += f"\nthe end {self.ended}; serial line:\n{self.transcript[-2000:]}"
        raise Failure(f"the case {name} of the system {self.system} did not pass", "pass", saw)


def reporter_is_granted_once(ctx):
    """Each system that grants the reporter's port grants it to the suite, and to nobody else."""
    files = sorted((ctx.root / "system").glob("*.capnp"))
    for path in (path for path in files if re.search(r"^const system ", path.read_text(), re.MULTILINE)):
        system = json.loads(ctx.run(["capnp", "eval", "-ojson", path, "system"], status=0).stdout)
        units = system["services"] + system.get("programs", [])
        found = [(unit["name"], grant["name"]) for unit in units for grant in unit.get("grants", [])
                 if grant.get("serial", {}).get("port") == "spare"]
        suite = {"abi": "abi_suite", "contracts": "contract_suite", "kills": "kill_suite", "stress": "stress"}.get(path.stem)
        expected = [(suite, "reporter")] if suite else []
        check(found == expected, f"{path.name} grants the reporter's port", expected, found)


def nothing_stands_on_the_console(ctx, run):
    """What the kernel and the services print is no verdict, and the run ended as it should."""
    run.boot()
    check(run.done is not None, "the suite reported its end", "a line 'done PASSED FAILED'", run.transcript[-2000:])
    passed, failed = (int(word) for word in run.done.split())
    expected = len(case_names(ctx, run.timed))
    check(passed + failed == expected, "as many verdicts as there are cases", expected, run.done)


def cases(ctx):
    found = [("reporter_is_granted_once", functools.partial(reporter_is_granted_once, ctx))]
    runs = [Run(ctx, cpus) for cpus in (PROCESSORS if ctx.cpus == 1 else (ctx.cpus,))]
    for run in [*runs, Run(ctx, 1, timed=True)]:
        where = " (timed)" if run.timed else f" ({run.cpus} processors)" if run.cpus > 1 else ""
        for name in case_names(ctx, run.timed):
            found.append((name + where, deadline(BOOT_DEADLINE_S + 30)(functools.partial(run.judge, name))))
        found.append(("all_cases_reported" + where,
                      deadline(BOOT_DEADLINE_S + 30)(functools.partial(nothing_stands_on_the_console, ctx, run))))
    return found
