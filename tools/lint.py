#!/usr/bin/env python3
"""What can be said about the tree by reading it: tools/lint.py

Architecture conditionals in portable code, files that grew too long, leftovers, and things that must not be
committed; and whether every proved file is the one that was proved. Also counts the kernel's lines of code.
"""

import pathlib
import re
import subprocess
import sys

import proofs

FILE_LINES_LIMIT = 800
KERNEL_LINES_GOAL = 12000  # for one architecture
KERNEL_LINES_LIMIT = 13700 # it has this many, and not more: docs/decisions/kernel-size.md
CODE = (".c", ".h", ".S", ".ld", ".py", ".build")
C_LIKE = (".c", ".h", ".S")

# Where code may know its processor (DESIGN, law 11).
ARCH_FOLDERS = ("kernel/arch/", "boot/")
ARCH_CONDITION = re.compile(
    r"^\s*#\s*(if|ifdef|ifndef|elif|elifdef|elifndef)\b.*"
    r"(__x86_64|__amd64|__i386|__aarch64|__arm|__riscv|_M_X64|_M_ARM)")

# Spelled in pieces so that this file is not its own first finding.
LEFTOVERS = re.compile(r"\b(" + "|".join(("TO" + "DO", "FIX" + "ME", "XX" + "X")) + r")\b")
PRIVATE = re.compile("|".join((
    r"(?<![\w.])/(?:wo" r"rk|ho" r"me|ro" r"ot)/[a-z]",         # a folder of somebody's machine
    r"\b(?:pypi\.o" r"rg|registry\.npm" r"js|crates\.i" r"o|proxy\.golan" r"g|deb\.debian\.o" r"rg)\b",
    r"BEGIN [A-Z ]*PRIVATE K" r"EY",
)))


def tracked(tree):
    """Paths that git knows or would add, relative to the tree."""
    listed = subprocess.run(["git", "-C", str(tree), "ls-files", "-co", "--exclude-standard", "-z"],
                            stdin=subprocess.DEVNULL, capture_output=True, check=True).stdout.decode()
    return sorted(path for path in listed.split("\0") if path and (pathlib.Path(tree) / path).is_file())


def code_lines(text):
    """Lines that hold more than blanks and comments. C and assembly alike."""
    pattern = re.compile(r'"(?:\\.|[^"\\\n])*"|' r"'(?:\\.|[^'\\\n])*'|//[^\n]*|/\*.*?\*/", re.DOTALL)

    def blank(found):
        token = found.group()
        return token if token[0] in "\"'" else "\n" * token.count("\n")
    return sum(1 for line in pattern.sub(blank, text).splitlines() if line.strip())


def in_kernel(path):
    """What counts against the kernel's limit: what ships for one architecture; no tests, no port to the host, and not what
    only the debug build is made of."""
    return (path.startswith("kernel/") and path.endswith(C_LIKE) and not path.endswith("_test.c")
            and not path.startswith(("kernel/arch/host/", "kernel/debug/")))


# What only one port is made of; all other files of the kernel are in each (kernel/meson.build).
PORTS = {
    "x86_64": ("kernel/arch/x86_64/", "kernel/plat/apic", "kernel/plat/pc.c", "kernel/plat/vtd"),
    "riscv64": ("kernel/arch/riscv64/", "kernel/plat/plic", "kernel/plat/sbi"),
}


def ports_of(path):
    """The ports that a file of the kernel is part of."""
    return [port for port, prefixes in PORTS.items() if path.startswith(prefixes)] or list(PORTS)


def findings_in(path, text):
    """Yields (line number, what) for one file."""
    portable = not path.startswith(ARCH_FOLDERS) and "/arch/" not in path
    lines = text.splitlines()
    for number, line in enumerate(lines, 1):
        if path.endswith(C_LIKE) and portable and ARCH_CONDITION.match(line):
            yield number, "portable code asks which architecture it is on"
        if path.endswith(CODE) and LEFTOVERS.search(line):
            yield number, "a leftover note"
        if PRIVATE.search(line):
            yield number, "a path or host that does not belong in the tree"
        if path.startswith("services/") and not path.startswith("services/init/") and "rpc_server_next(" in line:
            yield number, "a daemon's loop is service_run (lib/service), or it is never ready"
    if path.endswith(CODE) and len(lines) > FILE_LINES_LIMIT:
        yield len(lines), f"{len(lines)} lines; {FILE_LINES_LIMIT} is the limit"


def check(tree):
    """Returns (files read, findings as text, kernel lines by port)."""
    tree = pathlib.Path(tree)
    found, kernel, count = [], dict.fromkeys(PORTS, 0), 0
    for path in tracked(tree):
        try:
            text = (tree / path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue
        count += 1
        found += [f"{path}:{number}: {what}" for number, what in findings_in(path, text)]
        if in_kernel(path):
            for port in ports_of(path):
                kernel[port] += code_lines(text)
    if (tree / "proofs").is_dir():
        found += proofs.complaints(tree)
    for port, lines in kernel.items():
        if lines > KERNEL_LINES_LIMIT:
            found.append(f"kernel/: {lines} lines of code for {port}; {KERNEL_LINES_LIMIT} is the limit")
    return count, found, kernel


def main():
    tree = pathlib.Path(__file__).resolve().parent.parent
    count, found, kernel = check(tree)
    for line in found:
        print(line)
    sizes = ", ".join(f"{lines} for {port}" for port, lines in kernel.items())
    print(f"lint: {count} files read, {len(found)} findings; the kernel has {sizes} of {KERNEL_LINES_GOAL} lines")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
