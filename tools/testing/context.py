"""What a case gets to work with: paths, commands, guests, and a way to fail that explains itself."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import tempfile

DEFAULT_DEADLINE_S = 120
# Deadlines notice what hangs, and judge nothing: they are written as for a machine that does nothing else, and a
# slower or busier one has so many times as long. How quick something is, is counted in instructions (suite "bench").
SLACK = 5


class Failure(Exception):
    """A check did not hold. `expected` and `saw` are shown to the reader."""

    def __init__(self, what, expected=None, saw=None):
        super().__init__(what)
        self.expected, self.saw = expected, saw


class DeadlineExceeded(Failure):
    """A case took longer than it may."""


def patience(seconds):
    """How long something that takes seconds on a quiet machine is waited for."""
    return seconds * SLACK


def check(condition, what, expected=None, saw=None):
    """Fails with `what` unless the condition holds."""
    if not condition:
        raise Failure(what, expected, saw)


def expect_equal(saw, expected, what="value"):
    if saw != expected:
        raise Failure(f"{what} differs", repr(expected), repr(saw))


def expect_match(text, pattern, what="text"):
    """Fails unless the regular expression is found in the text. Returns the match."""
    found = re.search(pattern, text, re.MULTILINE)
    if found is None:
        raise Failure(f"{what} does not match", f"/{pattern}/", text)
    return found


def deadline(seconds):
    """Decorator: the case may take this long on a quiet machine, instead of DEFAULT_DEADLINE_S."""
    def mark(function):
        function.deadline_s = seconds
        return function
    return mark


class Context:
    """One per case. Public: root and build (paths), arch, debug (whether `build` is the debug build), cpus (of
    guests whose case does not say), minutes (how long a case that could go on for ever does, or None), scratch (a
    folder that vanishes with the case)."""

    def __init__(self, root, arch, debug=False, cpus=1, minutes=None):
        self.root = pathlib.Path(root)
        self.arch = arch
        self.cpus = cpus
        self.minutes = minutes
        self.use_build(debug)
        self._scratch = None
        self._started = []
        self.transcript_sources = []  # what to show when the case fails

    def use_build(self, debug):
        self.debug = debug
        self.build = self.root / "build" / (self.arch + ("-debug" if debug else ""))

    @property
    def scratch(self):
        if self._scratch is None:
            self._scratch = tempfile.mkdtemp(prefix="tessera-test-")
        return pathlib.Path(self._scratch)

    def run(self, command, timeout=60, stdin=None, cwd=None, env=None, status=None):
        """Runs a host command to its end, which comes within timeout seconds on a quiet machine. Returns
        subprocess.CompletedProcess with text output, stdout and stderr together. With `status`, another exit status fails."""
        timeout = patience(timeout)
        command = [str(part) for part in command]
        process = self.start(command, cwd=cwd or self.root, env={**os.environ, **(env or {})}, text=True,
                             stdin=subprocess.PIPE if stdin is not None else subprocess.DEVNULL,
                             stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        try:
            output, _ = process.communicate(stdin, timeout=timeout)
        except subprocess.TimeoutExpired:
            self.end(process)
            output, _ = process.communicate()
            raise Failure(f"'{' '.join(command)}' did not end", f"an end within {timeout} s", output[-2000:]) from None
        if status is not None and process.returncode != status:
            raise Failure(f"'{' '.join(command)}' ended otherwise than it should", f"exit status {status}",
                          f"exit status {process.returncode}\n{output[-4000:]}")
        return subprocess.CompletedProcess(command, process.returncode, output)

    def start(self, command, **options):
        """subprocess.Popen in a process group of its own, which is ended with the case."""
        process = subprocess.Popen(command, start_new_session=True, **options)
        self._started.append(process)
        return process

    @staticmethod
    def end(process):
        """Ends a process that start() started, and its children: asked first, then made to."""
        if process.poll() is not None:
            return
        for number in (signal.SIGTERM, signal.SIGKILL):
            try:
                os.killpg(process.pid, number)
            except ProcessLookupError:
                return
            try:
                process.wait(timeout=5)
                return
            except subprocess.TimeoutExpired:
                continue

    def guest(self, **options):
        """A started Guest (see guest.py), ended with the case."""
        from .guest import Guest
        guest = Guest(self, **options)
        self.transcript_sources.append(guest)
        return guest

    def close(self):
        for process in self._started:
            self.end(process)
        self._started.clear()
        if self._scratch is not None:
            shutil.rmtree(self._scratch, ignore_errors=True)
            self._scratch = None
