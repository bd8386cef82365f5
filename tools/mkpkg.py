#!/usr/bin/env python3
"""Writes a boot package (abi/boot_package.h): the manifest of one system, and the programs and files that it names.

    tools/mkpkg.py --kernel kernel.elf --manifest NAME.manifest --output NAME.pkg
                   --check MANIFEST_CHECK [--program NAME=ELF]... [--file NAME=PATH]...

The manifest is compiled (tools/manifest); what it names and nothing else goes in, stripped of symbols but not of
the build id. The program "init" always goes in: it is what the kernel starts.
"""

import argparse
import pathlib
import struct
import subprocess
import sys
import tempfile

import elf
import symbols
import xxh64

MAGIC = 0x3130474B50535354
VERSION = 1
MAX_ENTRIES = 256
NAME_BYTES = 40
PAGE = 4096
HEADER = struct.Struct("<QIIQQ20s12x")
ENTRY = struct.Struct(f"<{NAME_BYTES}sIIQQ")
CHECKSUM_OFFSET = 24
SYMBOLS = "symbols"  # a file that is made here: the functions of the programs that go in (tools/symbols.py)
KIND_INIT, KIND_PROGRAM, KIND_MANIFEST, KIND_DATA = 1, 2, 3, 4


class PackageError(Exception):
    """What is wrong, in words."""


def build(entries, build_id):
    """The bytes of a package. entries: (name, kind, data) in their order in the table."""
    if len(entries) > MAX_ENTRIES:
        raise PackageError(f"{len(entries)} entries, at most {MAX_ENTRIES} fit")
    names = [name for name, _kind, _data in entries]
    for name in names:
        if names.count(name) > 1:
            raise PackageError(f"two entries are called '{name}'")
        if not 0 < len(name.encode()) < NAME_BYTES:
            raise PackageError(f"the name '{name}' is empty or longer than {NAME_BYTES - 1} bytes")
    offset = pages(HEADER.size + ENTRY.size * len(entries))
    table, body = b"", b""
    for name, kind, data in entries:
        table += ENTRY.pack(name.encode(), kind, 0, offset + len(body), len(data))
        body += data + bytes(pages(len(data)) - len(data))
    total = offset + len(body)
    header = HEADER.pack(MAGIC, VERSION, len(entries), total, 0, build_id)
    package = bytearray((header + table).ljust(offset, b"\0") + body)
    seal(package)
    return package


def seal(package):
    """Puts the right checksum into a package, in place. For tests that alter one on purpose, too."""
    struct.pack_into("<Q", package, CHECKSUM_OFFSET, 0)
    struct.pack_into("<Q", package, CHECKSUM_OFFSET, xxh64.xxh64(package))


def pages(length):
    return -(-length // PAGE) * PAGE


def named_in(manifest, check, what):
    """The programs or files that a manifest names, in its order, each with where it does. Its own errors end the build."""
    done = subprocess.run([check, f"--{what}", str(manifest)], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        raise PackageError((done.stderr or done.stdout).strip() or f"{manifest} was refused")
    return {name: place or str(manifest) for name, _space, place in (line.partition(" ") for line in done.stdout.splitlines())}


def stripped(path, scratch):
    target = pathlib.Path(scratch) / "program"
    subprocess.run(["llvm-objcopy-19", "--strip-all", path, str(target)], check=True, stdin=subprocess.DEVNULL)
    return target.read_bytes()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--kernel", required=True)
    parser.add_argument("--manifest", required=True, type=pathlib.Path)
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--check", required=True)
    parser.add_argument("--program", action="append", default=[])
    parser.add_argument("--file", action="append", default=[])
    args = parser.parse_args()
    available, names = {}, {}
    for kind, given, always in (("program", args.program, {"init": "the kernel"}), ("file", args.file, {})):
        available[kind] = dict(item.split("=", 1) for item in given)
        names[kind] = always | named_in(args.manifest, args.check, f"{kind}s")
        for name, place in names[kind].items():
            if name not in available[kind] and (kind, name) != ("file", SYMBOLS):
                raise PackageError(f"{place}: there is no {kind} '{name}'")
    entries = []
    with tempfile.TemporaryDirectory(prefix="tessera-pkg-") as scratch:
        programs = [(name, KIND_PROGRAM, stripped(available["program"][name], scratch)) for name in names["program"]]
        entries.append(("init", KIND_INIT, programs[0][2]))
        entries.append((args.manifest.name, KIND_MANIFEST, args.manifest.read_bytes()))
        entries += programs[1:]
    for name in names["file"]:
        data = (symbols.table([available["program"][program] for program in names["program"]]) if name == SYMBOLS
                else pathlib.Path(available["file"][name]).read_bytes())
        entries.append((name, KIND_DATA, data))
    args.output.write_bytes(build(entries, elf.Elf.load(args.kernel).build_id()))


if __name__ == "__main__":
    try:
        main()
    except (PackageError, elf.ElfError) as problem:
        sys.exit(f"mkpkg: {problem}")
