"""Proves the pure core with Frama-C/WP: python3 tools/proofs.py [--check]

Every contract and the absence of every run-time error in what proofs/core.c includes. When all goals hold,
proofs/record.txt is written: the proved files with their hashes, what is assumed, and every goal. --check only
says whether the record is about the files as they are now (the static checks do that, too).
"""

import hashlib
import os
import pathlib
import re
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent
SOURCE = "proofs/core.c"
RECORD = "proofs/record.txt"
PROVERS = "z3,cvc4"
SECONDS_PER_GOAL = 30

# What the result rests on beside the contracts themselves.
ASSUMED = (
    "Frama-C's reading of C11 for x86-64 (gcc_x86_64: 64-bit pointers, 32-bit int); the compiler agrees with it",
    "Frama-C/WP with its model of typed memory: the out-parameter of a checked_* function is memory of its own",
    f"the provers: WP's own simplifier, {PROVERS.replace(',', ', ')}",
)

# What would be believed without proof.
UNPROVED = re.compile(r"\b(axiom|axiomatic|admit|admits|inductive)\b|\bassumes\b")


def proved_files(root):
    included = re.findall(r'^#include "(.+)"$', (root / SOURCE).read_text(), re.MULTILINE)
    return [SOURCE, *included]


def digest(root, path):
    return hashlib.sha256((root / path).read_bytes()).hexdigest()


def complaints(root):
    """Why the record is not about the tree as it is. Empty when it is."""
    record = root / RECORD
    if not record.is_file():
        return [f"{RECORD} is missing; run 'make prove'"]
    recorded = dict(re.findall(r"^file (\S+) ([0-9a-f]{64})$", record.read_text(), re.MULTILINE))
    found = [f"{path}: changed since it was proved; run 'make prove'"
             for path in proved_files(root) if recorded.pop(path, None) != digest(root, path)]
    return found + [f"{path}: in {RECORD}, but no longer proved; run 'make prove'" for path in recorded]


def annotations(root):
    for path in proved_files(root):
        for comment in re.findall(r"/\*@.*?\*/|//@[^\n]*", (root / path).read_text(), re.DOTALL):
            yield path, comment


def run_prover(root):
    """The output of Frama-C."""
    environment = {**os.environ, "LC_ALL": "C.UTF-8"}
    with tempfile.TemporaryDirectory(prefix="tessera-prove-") as scratch:
        # The provers that are installed here, whatever this user's own configuration says.
        environment["WHY3CONFIG"] = f"{scratch}/why3.conf"
        subprocess.run(["why3", "config", "detect"], env=environment, stdin=subprocess.DEVNULL, capture_output=True,
                       check=True)
        done = subprocess.run(
            ["frama-c", "-machdep", "gcc_x86_64", f"-cpp-extra-args=-I{root}", "-wp", "-wp-rte", "-wp-prover", PROVERS,
             "-wp-timeout", str(SECONDS_PER_GOAL), "-wp-par", str(os.cpu_count()), SOURCE],
            cwd=root, env=environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True)
    if done.returncode != 0:
        sys.exit(f"prove: frama-c ended with status {done.returncode}\n{done.stdout[-3000:]}")
    return done.stdout


def prove(root):
    for path, comment in annotations(root):
        if UNPROVED.search(comment):
            sys.exit(f"prove: {path}: something is to be believed without proof:\n{comment}")
    output = run_prover(root)
    goals = sorted(set(re.findall(r"Goal (\w+) : Valid", output)))
    total = re.search(r"Proved goals: +(\d+) / (\d+)", output)
    warnings = re.findall(r"^.*[Ww]arning:.*\n(?:  .*\n)*", output, re.MULTILINE)
    if total is None or total.group(1) != total.group(2) or len(goals) != int(total.group(2)) or warnings:
        failed = "\n".join(line for line in output.splitlines() if "Valid" not in line and "annotating" not in line)
        sys.exit(f"prove: not proved\n{failed}")
    lines = ["# Written by `make prove` when every goal was proved; docs/concepts/proofs.md."]
    lines += [f"file {path} {digest(root, path)}" for path in proved_files(root)]
    lines += [f"assumed {text}" for text in ASSUMED]
    lines += [f"goal {goal}" for goal in goals]
    (root / RECORD).write_text("\n".join(lines) + "\n")
    print(f"prove: {len(goals)} goals of {len(proved_files(root)) - 1} files proved, nothing believed but what "
          f"{RECORD} lists")


def main():
    if sys.argv[1:] == ["--check"]:
        found = complaints(ROOT)
        print("\n".join(found) if found else f"prove: {RECORD} is about the files as they are")
        sys.exit(1 if found else 0)
    if len(sys.argv) > 1:
        sys.exit(__doc__)
    prove(ROOT)


if __name__ == "__main__":
    main()
