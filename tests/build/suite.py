"""Suite "build": the commands that people type, in a terminal of their own, and what they leave behind."""

import errno
import functools
import os
import pty
import re
import select
import signal
import subprocess
import termios
import time

from testing import Context, Failure, check, deadline, patience, strip_ansi


class Terminal:
    """A command in a pseudo-terminal, as if typed at a shell."""

    def __init__(self, ctx, command):
        self.master, self.slave = pty.openpty()
        self.before = termios.tcgetattr(self.slave)
        self.text = ""
        self.process = ctx.start(command, cwd=ctx.root, stdin=self.slave, stdout=self.slave, stderr=self.slave)

    def read(self, seconds):
        ready, _, _ = select.select([self.master], [], [], seconds)
        if ready:
            try:
                self.text += os.read(self.master, 65536).decode("utf-8", "replace")
            except OSError as error:
                if error.errno != errno.EIO:
                    raise

    def expect(self, pattern, seconds):
        limit = time.monotonic() + patience(seconds)
        while not re.search(pattern, strip_ansi(self.text), re.MULTILINE):
            before, over = self.text, time.monotonic() > limit or self.process.poll() is not None
            self.read(0.2)
            if over and self.text == before:  # what it said last has been read, too
                raise Failure("the terminal does not show what it should", f"/{pattern}/ within {patience(seconds)} s", self.text[-3000:])

    def type(self, text):
        os.write(self.master, text.encode())

    def end(self, seconds):
        """Waits for the end. Returns the exit status."""
        limit = time.monotonic() + patience(seconds)
        while self.process.poll() is None:
            if time.monotonic() > limit:
                raise Failure("the command does not end", f"an end within {patience(seconds)} s", self.text[-3000:])
            self.read(0.2)
        return self.process.returncode

    def check_restored(self):
        after = termios.tcgetattr(self.slave)
        check(after == self.before, "the terminal is left otherwise than it was found", self.before, after)


def children_of(pid):
    """All living descendants of a process, with their command names."""
    found, parents = [], {}
    for entry in os.listdir("/proc"):
        if entry.isdigit():
            try:
                fields = open(f"/proc/{entry}/stat").read().rsplit(")", 1)
                parents.setdefault(int(fields[1].split()[1]), []).append((int(entry), fields[0].split("(", 1)[1]))
            except (OSError, IndexError):
                continue
    queue = [pid]
    while queue:
        for child in parents.get(queue.pop(), []):
            found.append(child)
            queue.append(child[0])
    return found


def runs(pid):
    """Whether there is such a process; one that has ended, and that nobody has asked about yet, is none."""
    try:
        return open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


def outputs(ctx):
    names = ("kernel.elf", "boot.pkg", "tessera.img")
    return {name: (ctx.build / name).stat().st_mtime_ns for name in names}


def make_run(ctx, *arguments):
    """To the prompt, Ctrl-C to the guest, power-off, status 0; terminal as found, nothing rebuilt."""
    before = outputs(ctx)
    terminal = Terminal(ctx, ["make", "run", *arguments])
    terminal.expect(r"^tessera\$ ", 60)
    terminal.type("echo typed\x03")
    terminal.expect(r"tessera\$ echo typed.*\n(.*\n)*tessera\$ ", 10)
    terminal.type("poweroff\r")
    status = terminal.end(30)
    check(status == 0, "exit status of make run after poweroff", 0, f"{status}\n{terminal.text[-2000:]}")
    terminal.check_restored()
    check(outputs(ctx) == before, "a second make run built something", before, outputs(ctx))


def leaving_qemu(ctx):
    """Ctrl-A X: an end like any other for make, and the terminal is as before."""
    terminal = Terminal(ctx, ["make", "run", "DIRECT=1"])
    terminal.expect(r"^tessera\$ ", 60)
    terminal.type("\x01x")
    status = terminal.end(15)
    check(status == 0, "exit status of make run after Ctrl-A X", 0, status)
    terminal.check_restored()


def told_to_stop(ctx):
    """A signal to tools/qemu ends QEMU with it and restores the terminal."""
    terminal = Terminal(ctx, ["tools/qemu", "--direct"])
    terminal.expect(r"^tessera\$ ", 60)
    below = children_of(terminal.process.pid)
    check(any(name.startswith("qemu-system") for _pid, name in below), "QEMU runs below tools/qemu", "qemu-system", below)
    os.kill(terminal.process.pid, signal.SIGTERM)
    status = terminal.end(15)
    check(status == 128 + signal.SIGTERM, "exit status of tools/qemu after SIGTERM", 128 + signal.SIGTERM, status)
    terminal.check_restored()
    limit = time.monotonic() + patience(5)
    while left := [pid for pid, _name in below if runs(pid)]:  # they were all told; an end takes a moment
        check(time.monotonic() < limit, "processes are left behind", [], left)
        time.sleep(0.05)


def setup_without_root(ctx):
    """With packages missing and neither root nor sudo: the one command to run, and status 1."""
    stubs = ctx.scratch / "bin"
    stubs.mkdir()
    for name, text in {"dpkg-query": "exit 0", "id": "echo 1000"}.items():
        (stubs / name).write_text(f"#!/bin/sh\n{text}\n")
        (stubs / name).chmod(0o755)
    for name in ("sh", "sed", "dirname", "cat", "env", "echo"):
        (stubs / name).symlink_to(f"/bin/{name}" if os.path.exists(f"/bin/{name}") else f"/usr/bin/{name}")
    done = subprocess.run(["/bin/sh", str(ctx.root / "tools" / "setup")], env={"PATH": str(stubs)}, text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=patience(20))
    check(done.returncode == 1, "exit status of tools/setup", 1, f"{done.returncode}\n{done.stdout}{done.stderr}")
    packages = [line for line in (ctx.root / "tools" / "packages.txt").read_text().splitlines() if line and not line.startswith("#")]
    commands = [line for line in (done.stdout + done.stderr).splitlines() if "apt-get install" in line]
    check(len(commands) == 1 and all(re.search(rf"\s{re.escape(name)}(\s|$)", commands[0]) for name in packages),
          "the one command to run", "apt-get install with every package", done.stdout + done.stderr)


def make_alone_helps(ctx):
    for command in (["make"], ["make", "help"]):
        done = ctx.run(command, status=0)
        for target in ("run", "test", "image", "bench", "check", "release-contracts", "prove", "clean"):
            check(f"make {target}" in done.stdout, f"{' '.join(command)} does not name {target}", f"make {target}", done.stdout)


def forwarded(ctx, target, program):
    """`make TARGET` comes to nothing but tools/setup and the program."""
    done = ctx.run(["make", "-n", target], status=0)
    check(program in done.stdout, f"make {target} does not run {program}", program, done.stdout)
    check((ctx.root / program.split()[0]).exists(), f"{program} is not there", program, "")


def ci_runs_make_test(ctx):
    text = (ctx.root / ".ci" / "run").read_text()
    check("make test" in text and os.access(ctx.root / ".ci" / "run", os.X_OK), ".ci/run calls make test", "make test", text)
    forwarded(ctx, "test", "tools/test")


def suites_of_the_documents(ctx):
    """The suites that the documents name are there, and a part of one can be run alone."""
    listed = ctx.run(["tools/test", "--list"], status=0).stdout.split()
    for name in ("host", "check", "abi", "contracts", "e2e", "badinput", "capnp", "interop", "fuzz", "kills", "build", "docs"):
        check(name in listed, "tools/test --list", name, listed)
    done = ctx.run(["tools/test", "e2e", "--case", "history", "--verbose"], timeout=120, status=0)
    check(re.search(r"^1 passed, 0 failed$", done.stdout, re.MULTILINE), "one case alone", "1 passed, 0 failed", done.stdout)


def a_failing_case_fails(ctx):
    """The runner itself: a case that fails, one that hangs and one that breaks are told, with status 1."""
    from testing.runner import Runner

    def fails():
        raise Failure("on purpose", "one thing", "another")

    def hangs():
        time.sleep(30)

    def breaks():
        raise KeyError("on purpose")

    import contextlib
    import io
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        runner = Runner(ctx.root, ctx.arch)
        inner = Context(ctx.root, ctx.arch)
        for name, function in (("fails", fails), ("hangs", deadline(0.2)(hangs)), ("breaks", breaks), ("holds", lambda: None)):
            runner.run_case("sample", name, function, inner)
        status = runner.finish()
    text = out.getvalue()
    check(status == 1 and "1 passed, 3 failed" in text and "another" in text and "an end within 1.0 s" in text,
          "the runner's verdict", "status 1 and '1 passed, 3 failed'", text)


def cases(ctx):
    long = deadline(150)
    return [
        ("make_without_a_target_helps", functools.partial(make_alone_helps, ctx)),
        ("ci_runs_make_test", functools.partial(ci_runs_make_test, ctx)),
        ("bench_is_forwarded", functools.partial(forwarded, ctx, "bench", "bench/run")),
        ("prove_is_forwarded", functools.partial(forwarded, ctx, "prove", "tools/proofs.py")),
        ("setup_without_root_says_the_command", functools.partial(setup_without_root, ctx)),
        ("make_run_directly", long(functools.partial(make_run, ctx, "DIRECT=1"))),
        ("make_run_through_uefi", long(functools.partial(make_run, ctx))),
        ("leaving_qemu_restores_the_terminal", long(functools.partial(leaving_qemu, ctx))),
        ("qemu_does_not_outlive_its_starter", long(functools.partial(told_to_stop, ctx))),
        ("suites_of_the_documents", long(functools.partial(suites_of_the_documents, ctx))),
        ("a_failing_case_fails", functools.partial(a_failing_case_fails, ctx)),
    ]
