#!/usr/bin/env python3
"""Holds the arrows of DESIGN section 3: who may include what. tools/layers.py BUILD-FOLDER

Reads what the compiler itself wrote down about every source it compiled (ninja -t deps), so that
nothing is missed that reaches a file through another header.
"""

import pathlib
import subprocess
import sys

# Who -> what it may use, by folder; the longest prefix of a path decides. Everybody may use their own
# folder. What is used brings with it what that may use itself, because headers include headers.
RULES = {
    "abi": [],
    "base": [],
    "idl": ["lib"], # what is generated from the contracts; they themselves use nothing
    "boot": ["abi", "base"],
    # kernel/*.h are types, locks, per-processor data, panic, log: shared by all below. The scheduler works
    # on threads, and a port calls up when a trap arrives (docs/decisions/kernel-folders.md); memory and
    # platform know nothing of objects.
    "kernel": ["abi", "base", "kernel/object", "kernel/mm", "kernel/sched", "kernel/ipc", "kernel/plat",
               "kernel/arch"],
    "kernel/mm": ["abi", "base", "kernel", "kernel/arch"],
    "kernel/plat": ["abi", "base", "kernel", "kernel/arch", "kernel/mm"],
    "kernel/sched": ["abi", "base", "kernel", "kernel/arch", "kernel/mm", "kernel/plat", "kernel/object",
                     "kernel/ipc"],
    "kernel/ipc": ["abi", "base", "kernel", "kernel/arch", "kernel/mm", "kernel/sched", "kernel/object"],
    "kernel/object": ["abi", "base", "kernel", "kernel/arch", "kernel/mm", "kernel/plat", "kernel/sched",
                      "kernel/ipc"],
    "kernel/arch": ["abi", "base", "kernel", "kernel/mm", "kernel/plat", "kernel/sched", "kernel/ipc",
                    "kernel/object"],
    "ports": ["lib"],
    "lib": ["abi", "base", "idl", "ports"],
    "services": ["idl", "lib"],
    "drivers": ["idl", "lib"],
    "apps": ["idl", "lib"],
    "tools": ["abi", "base", "idl"],
    "system": ["idl"],
    "tests": None,  # everything
    "bench": None,
}

# Folders whose members never use each other: they meet in contracts.
SEPARATE = ("services", "drivers", "apps")


class Problem(Exception):
    """The checker cannot do its work."""


def room_of(path):
    parts = path.split("/")
    for length in range(len(parts) - 1, 0, -1):
        prefix = "/".join(parts[:length])
        if prefix in RULES:
            return prefix
    return None


def member_of(path):
    """services/logd/main.c -> services/logd; None outside the folders whose members are separate."""
    parts = path.split("/")
    return "/".join(parts[:2]) if parts[0] in SEPARATE and len(parts) > 2 else None


def reach(room):
    """What a room may use. None: everything. Outside the kernel, whose folders are listed one by one, what is
    used brings along what that may use: headers include headers."""
    allowed = RULES[room]
    if allowed is None or room.split("/")[0] == "kernel":
        return None if allowed is None else {room, *allowed}
    seen, waiting = {room}, list(allowed)
    while waiting:
        current = waiting.pop()
        if current not in seen:
            seen.add(current)
            waiting += RULES[current]
    return seen


def violations(pairs):
    """pairs: (source, header), relative to the tree. Yields (source, header, why)."""
    for source, header in pairs:
        own, other = room_of(source), room_of(header)
        if own is None:
            yield source, header, f"'{source.split('/')[0]}' is no room of the design"
            continue
        if other is None or (source.endswith("_test.c") and other == "base"):
            continue
        allowed = reach(own)
        if allowed is not None and other not in allowed:
            yield source, header, f"{own} may not use {other}"
        elif member_of(source) and member_of(header) and member_of(source) != member_of(header):
            yield source, header, "these never include each other; they meet in a contract"


def pairs_of(listing, tree, build):
    """(source, header) out of the text of `ninja -t deps`. The first dependency of an object is its source."""
    tree, build = pathlib.Path(tree).resolve(), pathlib.Path(build).resolve()
    source = None
    expect_source = False
    for line in listing.splitlines():
        if line and not line.startswith(" "):
            expect_source = True
            continue
        if not line.strip():
            continue
        path = (build / line.strip()).resolve()
        if path.is_relative_to(build):
            relative = path.relative_to(build).as_posix()  # generated: stands for its folder in the tree
        elif path.is_relative_to(tree):
            relative = path.relative_to(tree).as_posix()
        else:
            relative = None  # the compiler's or the host's own header
        if expect_source:
            source, expect_source = relative, False
        elif source is not None and relative is not None and "/" in relative:
            yield source, relative


def check(tree, build):
    """Returns (number of pairs seen, list of violations)."""
    done = subprocess.run(["ninja", "-C", str(build), "-t", "deps"], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Problem(f"ninja -t deps failed in {build}: {done.stderr.strip()}")
    # Objects of files that are gone stay in the log: only what exists counts.
    pairs = sorted({pair for pair in pairs_of(done.stdout, tree, build)
                    if (pathlib.Path(tree) / pair[0]).is_file()})
    if not pairs:
        raise Problem(f"{build} holds no dependency information; build first")
    return len(pairs), list(violations(pairs))


def main():
    tree = pathlib.Path(__file__).resolve().parent.parent
    build = sys.argv[1] if len(sys.argv) > 1 else tree / "build" / "x86_64"
    try:
        count, found = check(tree, build)
    except Problem as problem:
        sys.exit(f"layers: {problem}")
    for source, header, why in found:
        print(f"{source}: includes {header}: {why}")
    print(f"layers: {count} includes looked at, {len(found)} wrong")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
