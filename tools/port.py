#!/usr/bin/env python3
"""Fetches and builds third-party software by its recipe, ports/NAME/port.toml.

    tools/port.py fetch RECIPE
    tools/port.py build RECIPE --library OUT.a --include FOLDER [--stamp OUT.h] -- COMPILER [FLAG...]

`fetch` takes the distribution's source package through the ordinary client, without touching the system's settings, checks
the upstream tarball against the hash of the recipe and unpacks it into build/ports/NAME-VERSION, once. `build` fetches,
compiles the recipe's sources unpatched, and writes the archive, and into FOLDER the headers that a configure run would have made.
"""

import argparse
import concurrent.futures
import fcntl
import hashlib
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib

ROOT = pathlib.Path(__file__).resolve().parent.parent
PORTS = ROOT / "build" / "ports"


class PortError(Exception):
    """What is wrong, in words."""


class Recipe:
    """A port.toml, checked."""

    def __init__(self, path):
        fields = tomllib.loads(path.read_text(encoding="utf-8"))
        try:
            self.name, self.version, self.sha256 = fields["name"], fields["version"], fields["sha256"]
            self.sources, self.includes = fields["sources"], fields["includes"]
            self.flags, self.headers = fields.get("flags", []), fields.get("header", [])
        except KeyError as missing:
            raise PortError(f"{path}: {missing} is missing") from None
        self.folder = PORTS / f"{self.name}-{self.version}"


def source_lists(folder):
    """The system's package sources, as sources of source packages, into a folder."""
    for path in sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*.sources")):
        text = re.sub(r"^Types:.*$", "Types: deb-src", path.read_text(encoding="utf-8"), flags=re.MULTILINE)
        (folder / path.name).write_text(text, encoding="utf-8")
    for path in (pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*.list"))):
        if path.is_file():
            lines = [re.sub(r"^\s*deb\s", "deb-src ", line) for line in path.read_text(encoding="utf-8").splitlines()]
            text = "\n".join(line for line in lines if line.startswith("deb-src "))
            (folder / (path.stem + ".list")).write_text(text + "\n", encoding="utf-8")


def download(recipe, scratch):
    """The upstream tarball, fresh from the distribution."""
    for part in ("parts", "lists/partial", "cache/archives/partial", "source"):
        (scratch / part).mkdir(parents=True)
    source_lists(scratch / "parts")
    apt = ["apt-get", "-q", "-o", "Dir::Etc::SourceList=/dev/null", "-o", f"Dir::Etc::SourceParts={scratch / 'parts'}",
           "-o", f"Dir::State::Lists={scratch / 'lists'}", "-o", f"Dir::Cache={scratch / 'cache'}",
           "-o", f"APT::Sandbox::User={'root' if os.geteuid() == 0 else ''}"]
    for command in (["update"], ["source", "--download-only", "--tar-only", recipe.name]):
        done = subprocess.run([*apt, *command], cwd=scratch / "source", stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise PortError(f"{recipe.name}: apt-get {command[0]} failed; is there a network?\n{done.stdout}")
    found = sorted((scratch / "source").glob(f"{recipe.name}_{recipe.version}.orig.tar.*"))
    found = [path for path in found if not path.name.endswith(".asc")]
    if len(found) != 1:
        raise PortError(f"{recipe.name}: the distribution has {sorted(p.name for p in (scratch / 'source').iterdir())}, "
                        f"the recipe wants version {recipe.version}")
    return found[0]


def fetch(recipe):
    """The folder of the unpacked source. Several builds may ask at once."""
    PORTS.mkdir(parents=True, exist_ok=True)
    with open(PORTS / f".{recipe.name}.lock", "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if (recipe.folder / ".sha256").is_file() and (recipe.folder / ".sha256").read_text() == recipe.sha256:
            return recipe.folder
        with tempfile.TemporaryDirectory(dir=PORTS) as scratch:
            tarball = download(recipe, pathlib.Path(scratch))
            digest = hashlib.sha256(tarball.read_bytes()).hexdigest()
            if digest != recipe.sha256:
                raise PortError(f"{recipe.name}: {tarball.name} has the hash {digest}, the recipe wants {recipe.sha256}")
            unpacked = pathlib.Path(scratch) / "unpacked"
            with tarfile.open(tarball) as archive:
                archive.extraction_filter = getattr(tarfile, "data_filter", None) # Debian 12's Python has none yet
                archive.extractall(unpacked)
            inner, = unpacked.iterdir()
            (inner / ".sha256").write_text(digest)
            shutil.rmtree(recipe.folder, ignore_errors=True)
            inner.rename(recipe.folder)
    return recipe.folder


def write_headers(recipe, folder, include):
    """What configure would have made: templates of the source with their @WORDS@ filled in."""
    for header in recipe.headers:
        text = (folder / header["template"]).read_text(encoding="utf-8")
        text = re.sub(r"@(\w+)@", lambda word, values=header["values"]: values[word[1]], text)
        path = include / header["path"]
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")


def build(recipe, library, include, compiler):
    folder = fetch(recipe)
    write_headers(recipe, folder, include)
    library = library.resolve()
    objects = library.with_suffix(".objects")
    shutil.rmtree(objects, ignore_errors=True)
    objects.mkdir(parents=True)
    flags = [*compiler, *recipe.flags, "-w", f"-ffile-prefix-map={folder}=ports/{recipe.name}",
             *(f"-I{base / path}" for path in recipe.includes for base in (include, folder))]

    def compile_one(source):
        out = objects / (source.replace("/", "-") + ".o")
        done = subprocess.run([*flags, "-c", folder / source, "-o", out], stdin=subprocess.DEVNULL, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        if done.returncode != 0:
            raise PortError(f"{recipe.name}: {source} does not compile:\n{done.stdout}")
        return out

    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        made = list(pool.map(compile_one, recipe.sources))
    library.unlink(missing_ok=True)
    subprocess.run(["llvm-ar-19", "rcsD", library, *made], check=True)


def main():
    parser = argparse.ArgumentParser(prog="tools/port.py")
    parser.add_argument("action", choices=["fetch", "build"])
    parser.add_argument("recipe", type=pathlib.Path)
    parser.add_argument("--library", type=pathlib.Path)
    parser.add_argument("--include", type=pathlib.Path)
    parser.add_argument("--stamp", type=pathlib.Path, help="an empty header, written when all else is there")
    words = sys.argv[1:]
    end = words.index("--") if "--" in words else len(words)
    args, compiler = parser.parse_args(words[:end]), words[end + 1:]
    try:
        recipe = Recipe(args.recipe)
        if args.action == "fetch":
            fetch(recipe)
        else:
            build(recipe, args.library, args.include.resolve(), compiler)
            if args.stamp:
                args.stamp.write_text("")
    except PortError as error:
        sys.exit(f"tools/port.py: {error}")


if __name__ == "__main__":
    main()
