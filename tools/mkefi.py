#!/usr/bin/env python3
"""Builds the UEFI loader: compiles each source for x86_64-unknown-windows and links a PE executable.

A program of its own because Meson knows one target per build folder, and this is another. Writes one
dependency file over all sources for Ninja.
"""

import argparse
import os
import pathlib
import subprocess
import sys
import tempfile

FLAGS = ["--target=x86_64-unknown-windows", "-ffreestanding", "-nostdlibinc", "-std=c2x", "-O2", "-mno-red-zone",
         "-mgeneral-regs-only", "-fno-stack-protector", "-fshort-wchar", "-fno-strict-aliasing",
         "-fno-delete-null-pointer-checks", "-ffunction-sections",
         "-Wall", "-Wextra", "-Werror", "-Wshadow", "-Wstrict-prototypes", "-Wmissing-prototypes", "-Wvla",
         "-Wundef", "-Wno-unused-command-line-argument"]


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", required=True)
    parser.add_argument("--build", required=True)
    parser.add_argument("--depfile", required=True)
    parser.add_argument("--output", required=True)
    parser.add_argument("sources", nargs="+")
    args = parser.parse_args()
    # Ninja runs this in the build folder; include paths are relative so that the result does not
    # depend on where the tree lies.
    root = os.path.relpath(args.root)
    dependencies = []
    with tempfile.TemporaryDirectory(prefix="tessera-efi-") as scratch:
        objects = []
        for index, source in enumerate(args.sources):
            target = pathlib.Path(scratch) / f"{index}.obj"
            depfile = target.with_suffix(".d")
            run(["clang-19", *FLAGS, f"-fmacro-prefix-map={root}/=", f"-I{root}", "-MD", "-MF", str(depfile),
                 "-c", source, "-o", str(target)])
            dependencies += depfile.read_text(encoding="utf-8").split(":", 1)[1].replace("\\\n", " ").split()
            objects.append(str(target))
        # /Brepro takes the time stamp from the content.
        run(["lld-link-19", "/subsystem:efi_application", "/entry:efi_main", "/nodefaultlib", "/Brepro",
             "/opt:ref", f"/out:{args.output}", *objects])
    unique = list(dict.fromkeys(dependencies))  # the first stays first: it stands for the whole
    with open(args.depfile, "w", encoding="utf-8") as out:
        out.write(f"{args.output}: " + " ".join(unique) + "\n")


def run(command):
    done = subprocess.run(command, stdin=subprocess.DEVNULL)
    if done.returncode != 0:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
