#!/usr/bin/env python3
"""Writes tidy.capnp.h.golden and tidy.capnp.c.golden anew: what the generator makes of tidy.capnp now."""
import pathlib
import subprocess
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent

with tempfile.TemporaryDirectory() as out:
    subprocess.run(["capnp", "compile", f"-o{ROOT / 'tools/capnpc-c/capnpc-c'}:{out}", f"--src-prefix={HERE}", f"-I{ROOT / 'idl'}",
                    HERE / "tidy.capnp"], stdin=subprocess.DEVNULL, check=True)
    for name in ("tidy.capnp.h", "tidy.capnp.c"):
        (HERE / f"{name}.golden").write_text((pathlib.Path(out) / name).read_text())
