#!/usr/bin/env python3
"""Compares the contracts with their last release: tools/contracts.py [--release]

idl/released/ has the schemas as programs outside this tree may have been built with them. A contract may say more than
its release, and nothing else (tools/capnpc-c/evolve.py). One that is not released yet may change as it likes.
With --release, what holds becomes the release.
"""

import argparse
import pathlib
import shutil
import subprocess
import sys

TOOLS = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(TOOLS / "capnpc-c"))
import evolve  # noqa: E402


def check(tree):
    """Returns (released contracts, complaints as text)."""
    contracts = pathlib.Path(tree) / "idl"
    released, found = sorted((contracts / "released").glob("*.capnp")), []
    for old in released:
        new = contracts / old.name
        if not new.exists():
            found.append(f"idl/{old.name} is gone, but it was released")
            continue
        try:
            found += [f"idl/{complaint}" for complaint in evolve.complaints(old, new)]
        except subprocess.CalledProcessError:
            found.append(f"idl/{old.name} cannot be compared with its release: one of the two is no schema")
    return len(released), found


def release(tree):
    """Copies the contracts; returns the names of those that differ from the last release."""
    contracts = pathlib.Path(tree) / "idl"
    target = contracts / "released"
    target.mkdir(exist_ok=True)
    changed = []
    for path in sorted(contracts.glob("*.capnp")):
        old = target / path.name
        if not old.exists() or old.read_bytes() != path.read_bytes():
            shutil.copyfile(path, old)
            changed.append(path.stem)
    return changed


def main():
    parser = argparse.ArgumentParser(prog="tools/contracts.py", description=__doc__.splitlines()[0])
    parser.add_argument("--release", action="store_true", help="make the present contracts the release")
    args = parser.parse_args()
    tree = TOOLS.parent
    count, found = check(tree)
    for line in found:
        print(line)
    if found:
        sys.exit(f"contracts: {len(found)} change{'s' * (len(found) != 1)} that programs built with the release would not understand")
    if args.release:
        print(f"contracts: released {', '.join(release(tree)) or 'nothing new'}")
    else:
        print(f"contracts: {count} released ones hold")


if __name__ == "__main__":
    main()
