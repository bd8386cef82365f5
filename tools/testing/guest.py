"""The system under QEMU, driven over its serial line as a person would."""

import re
import subprocess
import threading
import time

from .context import Failure, patience

ANSI = re.compile(r"\x1b(\[[0-9;?=]*[ -/]*[@-~]|\][^\x07]*\x07|[@-Z\\-_])")
PROMPT = r"tessera(?:\(\w+\))?\$ "


def strip_ansi(text):
    """Without escape sequences and carriage returns."""
    return ANSI.sub("", text).replace("\r", "")


class Guest:
    """A running tools/qemu --headless.

    Options: direct (True: PVH; False: UEFI), system, cpus, mem (MiB), disks, kernel, package, image, cmdline,
    deterministic, allow_reboot, qemu_args. All text is what the guest printed, escape sequences removed.
    """

    def __init__(self, ctx, *, direct=True, system="tessera", cpus=None, mem=256, disks=(), kernel=None, package=None,
                 image=None, cmdline=None, deterministic=False, allow_reboot=False, qemu_args=()):
        self.ctx = ctx
        command = [str(ctx.root / "tools" / "qemu"), "--arch", ctx.arch, "--headless", "--system", system,
                   "--cpus", str(cpus or ctx.cpus), "--mem", str(mem)]
        command += ["--debug"] if ctx.debug else []
        command += ["--direct"] if direct else []
        command += ["--deterministic"] if deterministic else []
        command += ["--allow-reboot"] if allow_reboot else []
        for option, value in (("--kernel", kernel), ("--package", package), ("--image", image), ("--cmdline", cmdline)):
            command += [option, str(value)] if value is not None else []
        for disk in disks:
            command += ["--disk", str(disk)]
        command += ["--", *qemu_args] if qemu_args else []
        self.command = command
        self._changed = threading.Condition()
        self._raw = b""
        self._cursor = 0
        self._closed = False
        self.process = ctx.start(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                 bufsize=0)
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self):
        while chunk := self.process.stdout.read(65536):
            with self._changed:
                self._raw += chunk
                self._changed.notify_all()
        with self._changed:
            self._closed = True
            self._changed.notify_all()

    @property
    def transcript(self):
        """Everything printed since the start."""
        with self._changed:
            return self._text()

    @property
    def raw(self):
        """The same as bytes, escape sequences and all."""
        with self._changed:
            return bytes(self._raw)

    def _text(self):
        # A cut escape sequence at the end would change when its rest arrives: leave it out.
        raw = self._raw
        escape = raw.rfind(b"\x1b", max(0, len(raw) - 16))
        if escape >= 0 and ANSI.match(raw[escape:].decode("utf-8", "replace")) is None:
            raw = raw[:escape]
        return strip_ansi(raw.decode("utf-8", "replace"))

    def expect(self, pattern, timeout=30):
        """Waits until the regular expression is found in what was printed since the last match. Returns the
        match; `before` in it is the text that was skipped. Fails at the deadline or when the guest ends."""
        return self._expect(pattern, patience(timeout))

    def _expect(self, pattern, timeout):
        expression = re.compile(pattern, re.MULTILINE)
        limit = time.monotonic() + timeout
        with self._changed:
            while True:
                text = self._text()
                found = expression.search(text, self._cursor)
                if found:
                    self.before = text[self._cursor:found.start()]
                    self._cursor = found.end()
                    return found
                rest = limit - time.monotonic()
                if self._closed or rest <= 0:
                    why = "the guest ended first" if self._closed else f"not within {timeout} s"
                    raise Failure(f"the guest did not print what it should: {why}", f"/{pattern}/",
                                  text[self._cursor:][-3000:] or "(nothing more)")
                self._changed.wait(rest)

    def shows(self, pattern, seconds):
        """Whether that is printed within so many seconds, where either is as it should be."""
        try:
            return self._expect(pattern, seconds)
        except Failure:
            return None

    def reject(self, pattern):
        """Fails if the expression occurs anywhere in the transcript so far."""
        found = re.search(pattern, self.transcript, re.MULTILINE)
        if found:
            start = max(0, found.start() - 500)
            raise Failure("the guest printed what it must not", f"no /{pattern}/",
                          self.transcript[start:found.end() + 500])

    def send(self, text):
        """Types. A line ends with "\\r", as on a keyboard."""
        data = text if isinstance(text, bytes) else text.encode()
        try:
            self.process.stdin.write(data)
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failure("the guest ended before it could be typed to", "a running guest",
                          self.transcript[-3000:]) from None

    def prompt(self, timeout=60):
        """Waits for the shell's prompt."""
        return self.expect(PROMPT, timeout)

    def command_output(self, line, timeout=30):
        """At the prompt: types a command line, waits for the next prompt. Returns what was printed between."""
        self.send(line + "\r")
        self.expect(re.escape(line) + r"\n", timeout)
        self.expect(r"^" + PROMPT, timeout)
        return self.before

    def wait(self, timeout=30):
        """Waits for the end of the run. Returns the exit status of tools/qemu."""
        timeout = patience(timeout)
        try:
            return self.process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise Failure("the guest did not end", f"an end within {timeout} s",
                          self.transcript[-3000:] or "(it printed nothing)") from None

    def expect_power_off(self, timeout=30):
        """Fails unless the guest powers itself off."""
        status = self.wait(timeout)
        if status != 0:
            raise Failure("the guest did not power off by itself", "exit status 0 of tools/qemu",
                          f"exit status {status}\n{self.transcript[-3000:]}")

    def stop(self):
        self.ctx.end(self.process)

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        self.stop()
