"""Finds suites, runs their cases one after the other, says how each went."""

import importlib.util
import signal
import sys
import time
import traceback

from . import host, static
from .context import Context, DEFAULT_DEADLINE_S, DeadlineExceeded, Failure, patience

# Quick ones first: what is broken shows early. Suites not named here run after these.
ARCH_SUITES = {"riscv64": ("abi", "e2e", "gdb")}  # of an architecture whose name is said; the others are x86-64's
ORDER = ("host", "check", "capnp", "abi", "contracts", "debug", "stress", "bench", "e2e", "gdb", "trace", "badinput", "interop", "proofs", "fuzz", "build",
         "docs")
INDENT = "        "


def suites(root):
    """{name: cases function} in the order in which they run."""
    found = {"host": host.cases, "check": static.cases}
    for path in sorted((root / "tests").glob("*/suite.py")):
        found[path.parent.name] = lambda ctx, path=path: load(path).cases(ctx)
    return dict(sorted(found.items(), key=lambda item: ORDER.index(item[0]) if item[0] in ORDER else len(ORDER)))


def load(path):
    name = f"tests_{path.parent.name}_suite"
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    sys.path.insert(0, str(path.parent))
    try:
        spec.loader.exec_module(module)
    finally:
        sys.path.remove(str(path.parent))
    return module


def indented(text):
    return "\n".join(INDENT + line for line in str(text).splitlines())


class Runner:
    def __init__(self, root, arch, pattern=None, verbose=False, debug=False, cpus=1, minutes=None):
        self.root, self.arch, self.pattern, self.verbose = root, arch, pattern, verbose
        self.debug, self.cpus, self.minutes = debug, cpus, minutes
        self.passed, self.failed = 0, []

    def run_suite(self, name, cases_of):
        ctx = Context(self.root, self.arch, self.debug, self.cpus, self.minutes)
        try:
            cases = cases_of(ctx)
        except Exception as error:  # a suite that cannot even be read is a failed case
            self.report(name, "(loading)", error, ctx, 0)
            return
        for case_name, function in cases:
            if self.pattern is None or self.pattern in case_name:
                self.run_case(name, case_name, function, ctx)

    def run_case(self, suite, name, function, ctx):
        limit = patience(getattr(function, "deadline_s", None) or getattr(getattr(function, "func", None), "deadline_s",
                                                                           DEFAULT_DEADLINE_S))

        def out_of_time(_number, _frame):
            raise DeadlineExceeded("the case did not end", f"an end within {limit} s", "still running")

        ctx.transcript_sources = []
        error = None
        started = time.monotonic()
        previous = signal.signal(signal.SIGALRM, out_of_time)
        signal.setitimer(signal.ITIMER_REAL, limit)
        try:
            function()
        except Exception as raised:
            error = raised
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            signal.signal(signal.SIGALRM, previous)
            ctx.close()
        self.report(suite, name, error, ctx, time.monotonic() - started)

    def report(self, suite, name, error, ctx, seconds):
        if error is None:
            self.passed += 1
            print(f"ok      {suite}/{name} ({seconds:.1f} s)", flush=True)
            return
        self.failed.append(f"{suite}/{name}")
        print(f"FAILED  {suite}/{name} ({seconds:.1f} s)")
        if isinstance(error, Failure):
            print(f"    what: {error}")
            if error.expected is not None:
                print(f"    expected:\n{indented(error.expected)}")
            if error.saw is not None:
                print(f"    saw:\n{indented(error.saw)}")
        else:
            print(indented("".join(traceback.format_exception(error))))
        for guest in ctx.transcript_sources:
            print(f"    guest: {' '.join(guest.command)}")
            if self.verbose:
                print(f"    transcript:\n{indented(guest.transcript)}")
        print(f"    rerun: tools/test {suite} --case '{name}' --verbose", flush=True)

    def finish(self):
        if self.failed:
            print("failed: " + " ".join(self.failed))
        print(f"{self.passed} passed, {len(self.failed)} failed", flush=True)
        return 1 if self.failed or self.passed == 0 else 0
