"""Makes the time zones of a boot package from the distribution's package tzdata: compiled by the standard compiler, zic, into slim
TZif files, and put into one message (ZoneFiles of idl/time.capnp) in canonical form, in a frame.

    zones.py --zic ZIC --source tzdata.zi --output OUT
"""
import argparse
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
SCHEMA = ROOT / "idl" / "time.capnp"


def compiled(zic, source):
    """Name of each zone, and its file."""
    with tempfile.TemporaryDirectory(prefix="tessera-zones-") as folder:
        subprocess.run([zic, "-b", "slim", "-d", folder, source], check=True, stdin=subprocess.DEVNULL)
        return {str(path.relative_to(folder)): path.read_bytes() for path in pathlib.Path(folder).rglob("*") if path.is_file()}


def text_of(release, zones):
    """The message as Cap'n Proto's text. Zones of the same rules share a file."""
    files = {}
    names = []
    for name in sorted(zones, key=str.encode):
        number = files.setdefault(zones[name], len(files))
        names.append(f'(name = "{name}", file = {number})')
    data = ", ".join(f'0x"{content.hex(" ")}"' for content in files)
    return f'(release = "{release}", names = [{", ".join(names)}], files = [{data}])'


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--zic", required=True)
    parser.add_argument("--source", type=pathlib.Path, required=True)
    parser.add_argument("--output", type=pathlib.Path, required=True)
    args = parser.parse_args()
    release = re.match(r"# version (\w+)\n", args.source.read_text(encoding="utf-8"))
    if release is None:
        sys.exit(f"{args.source}: its first line does not say which release it is")
    text = text_of(release[1], compiled(args.zic, args.source))
    environment = {name: value for name, value in os.environ.items() if name != "PWD"}
    done = subprocess.run(["capnp", "convert", "--quiet", "text:canonical", SCHEMA, "ZoneFiles"], input=text.encode(), capture_output=True,
                          env=environment, cwd=ROOT)
    if done.returncode != 0:
        sys.exit(done.stderr.decode())
    args.output.write_bytes(struct.pack("<II", 0, len(done.stdout) // 8) + done.stdout)


if __name__ == "__main__":
    main()
