"""Measures Debian's cloud kernel in the emulator that measures Tessera, with the programs of this folder.

The kernel is the distribution's package, fetched with the distribution's client into build/linux/, taken
apart there, and never installed. Its first process is bench/linux/init.c, in an archive with one more program.
"""

import os
import pathlib
import re
import shutil
import stat
import subprocess

from testing.context import Failure

META_PACKAGE = "linux-image-cloud-amd64"

# As little work in the kernel's way as Debian's kernel can be told to do: the harder reference.
COMMAND_LINE = ("console=ttyS0 quiet mitigations=off init_on_alloc=0 init_on_free=0 audit=0 lsm= apparmor=0 selinux=0 "
                "psi=0 cgroup_disable=memory randomize_kstack_offset=off nokaslr cryptomgr.notests panic=-1")

# Where the kernel lies and begins once it has unpacked itself, which kernel_to_init does not count (with nokaslr).
KERNEL_ENTRY = 0x1000000


class Unavailable(Exception):
    """The kernel's package cannot be had here."""


def client(command, folder):
    """Runs a command of the package client. Returns its output; Unavailable when it fails."""
    try:
        done = subprocess.run(command, cwd=folder, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                              timeout=120, env={**os.environ, "LC_ALL": "C.UTF-8"})
    except (OSError, subprocess.TimeoutExpired) as error:
        raise Unavailable(str(error)) from None
    if done.returncode != 0:
        raise Unavailable(f"'{' '.join(command)}': {done.stderr.strip()[-300:]}")
    return done.stdout


def download(folder):
    """The newest package of the kernel that this system's package lists know."""
    depends = client(["apt-cache", "depends", META_PACKAGE], folder)
    found = re.search(r"Depends: (linux-image-[\w.+-]+)", depends)
    if not found:
        raise Unavailable(f"no package list knows {META_PACKAGE}")
    # As root the client would download as another user, who may not write here.
    client(["apt-get", "-o", f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}", "download", found.group(1)],
           folder)
    return next(folder.glob(f"{found.group(1)}_*.deb"))


def fetch(root):
    """The kernel: (path of the bootable image, version). What was fetched before is used again."""
    folder = root / "build" / "linux"
    folder.mkdir(parents=True, exist_ok=True)
    package = next(folder.glob("linux-image-*.deb"), None)
    if package is None:
        try:
            package = download(folder)
        except Unavailable:
            if os.geteuid() != 0:
                raise
            client(["apt-get", "update"], folder)  # the lists may be too old
            package = download(folder)
    version = f"Debian's {package.name.split('_')[0]} {package.name.split('_')[1]}"
    image = folder / "vmlinuz"
    if not image.is_file():
        shutil.rmtree(folder / "files", ignore_errors=True)
        client(["dpkg-deb", "--extract", package.name, "files"], folder)
        next((folder / "files" / "boot").glob("vmlinuz-*")).rename(image)
        shutil.rmtree(folder / "files")
    return image, version


def cpio_entry(name, mode, data=b"", device=(0, 0)):
    """One file of an archive as the kernel wants it: "newc" (Documentation/driver-api/early-userspace)."""
    fields = (0, mode, 0, 0, 1, 0, len(data), 0, 0, *device, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + data + b"\0" * (-len(data) % 4)


def archive(programs):
    entries = [cpio_entry("dev", stat.S_IFDIR | 0o755),
               cpio_entry("dev/console", stat.S_IFCHR | 0o600, device=(5, 1))]
    entries += [cpio_entry(name, stat.S_IFREG | 0o755, path.read_bytes()) for name, path in programs.items()]
    return b"".join(entries) + cpio_entry("TRAILER!!!", 0)


def measure(ctx):
    """({row: (mean, minimum, median)}, version of the kernel). Unavailable without the kernel."""
    image, version = fetch(ctx.root)
    ctx.run(["tools/build", "--quiet", "--arch", ctx.arch, "bench/linux/linux_init", "bench/linux/linux_child",
             "tools/plugin/libcount.so"], status=0, timeout=120)
    built = ctx.build / "bench" / "linux"
    initrd = ctx.scratch / "initrd"
    initrd.write_bytes(archive({"init": built / "linux_init", "child": built / "linux_child"}))
    counted = ctx.scratch / "counted"
    plugin = f"{ctx.build}/tools/plugin/libcount.so,out={counted},entry={KERNEL_ENTRY:#x}"
    with ctx.guest(deterministic=True, kernel=image, package=initrd, cmdline=COMMAND_LINE,
                   qemu_args=["-plugin", plugin]) as guest:
        try:
            guest.expect(r"^bench done$", 300)
        except Failure as failure:
            raise Failure("Linux did not finish measuring", failure.expected, failure.saw) from None
        found = re.findall(r"^bench (\w+) (\d+) (\d+) (\d+)$", guest.transcript, re.MULTILINE)
    rows = {name: tuple(int(value) for value in values) for name, *values in found}
    kernel_to_init = int(re.search(r"^point 0 (\d+)$", counted.read_text(), re.MULTILINE).group(1))
    return {"kernel_to_init": (kernel_to_init,) * 3} | rows, version


KEPT = pathlib.Path("bench") / "results" / "linux.tsv"


def read_kept(root):
    """({row: mean}, version) of the last measurement that was kept."""
    version, _, *lines = (root / KEPT).read_text().splitlines()
    rows = [line.split("\t") for line in lines]
    return {row[0]: int(row[1]) for row in rows}, version.removeprefix("# ")


def write(path, measured, version):
    lines = [f"# {version}", "row\tmean\tminimum\tmedian"]
    lines += ["\t".join(str(cell) for cell in (name, *values)) for name, values in measured.items()]
    path.write_text("\n".join(lines) + "\n")
