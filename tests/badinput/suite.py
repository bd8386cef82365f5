"""Suite "badinput": whatever is wrong with what is booted, there is one clear line on the serial port, and
an orderly stop; never silence, never a reset."""

import functools
import pathlib
import random
import re
import struct
import sys

import elves
import packages
from testing import Failure, check, deadline

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[2] / "tools" / "manifest"))
from compiler import Compiler  # noqa: E402

STOP_S = 20
COMPLAINT = re.compile(r"^(tessera|init|tessera boot): .*$", re.MULTILINE)
PROMPT = "tessera$ "


def complaints(text):
    return [match.group(0) for match in COMPLAINT.finditer(text)]


def run(ctx, patience_s=STOP_S, **options):
    """Boots directly; waits for the prompt or the end. Returns (status or None at the prompt, transcript)."""
    guest = ctx.guest(direct=True, **options)
    try:
        guest.expect(r"^tessera\$ ", patience_s)
        return None, guest.transcript
    except Failure:
        try:
            return guest.wait(2), guest.transcript
        except Failure:
            raise Failure("neither a prompt nor an end", f"one of them within {patience_s} s",
                          guest.transcript or "(silence)") from None
    finally:
        guest.stop()


def expect_stop(ctx, pattern, **options):
    """One complaint that matches the pattern, then power-off."""
    status, text = run(ctx, **options)
    check(status is not None, "it was not refused", f"/{pattern}/", text[-1500:])
    check(status == 0, "no orderly stop", "exit status 0 of tools/qemu (power-off)", f"{status}\n{text[-1500:]}")
    found = complaints(text)
    check(len(found) == 1 and re.search(pattern, found[0]), "not the one line that says what is wrong", f"/{pattern}/",
          text[-1500:] or "(silence)")


def expect_stop_or_prompt(ctx, **options):
    """For altered bytes of which nobody knows what they mean."""
    status, text = run(ctx, **options)
    check(status in (None, 0), "no orderly stop", "a prompt, or exit status 0 of tools/qemu", f"{status}\n{text[-1500:]}")
    if status == 0:
        check(complaints(text), "it stopped and said nothing", "a line that says why", text[-1500:] or "(silence)")


class Cases:
    def __init__(self, ctx):
        self.ctx, self.count = ctx, 0

    @functools.cached_property
    def good(self):
        return packages.Package.load(self.ctx.build / "boot.pkg")

    @functools.cached_property
    def manifest(self):
        """Its name and bytes."""
        return next((name, data) for name, kind, data in self.good.entries() if kind == 3)

    def file(self, data):
        self.count += 1
        path = self.ctx.scratch / f"package{self.count}"
        path.write_bytes(bytes(data.data if hasattr(data, "data") else data))
        return path

    # ---- the package ----

    def the_package_itself_boots(self):
        status, text = run(self.ctx, package=self.file(self.good.with_entries(self.good.entries())))
        check(status is None, "a package put together again does not boot", "a prompt", text[-1500:])

    def no_package(self):
        expect_stop(self.ctx, r"boot package: there is none", package="")

    def truncated(self):
        size = len(self.good.data)
        for length in (1, 7, 63, 64, 65, 127, 500, 4095, 4096, 4097, size // 2, size - 4096, size - 1):
            expect_stop(self.ctx, r"boot package: (it is cut off|it is no boot package)", package=self.file(self.good.data[:length]))

    def something_follows(self):
        expect_stop(self.ctx, r"boot package: something follows", package=self.file(self.good.data + bytes(4096)))

    def header_fields(self):
        expected = {"magic": "no boot package", "version": "version", "entry_count": "entries|init programs|manifest", "total_bytes": "cut off|follows",
                    "checksum": "checksum", "build_id": "made for kernel", "reserved": "reserved"}
        for field, (offset, size) in packages.HEADER_FIELDS.items():
            for value in (0, 1, 0xFF << 8 * (size - 1), (1 << 8 * size) - 1):
                package = self.good.copy()
                if int.from_bytes(package.data[offset:offset + size], "little") == value:
                    continue
                package.poke(offset, value, size)
                if field != "checksum":
                    package.sealed()
                expect_stop(self.ctx, f"boot package: .*({expected[field]})", package=self.file(package))

    def entry_fields(self):
        values = {"name": (0, (1 << 320) - 1), "kind": (0, 5, 0xFFFF_FFFF), "zero": (1,),
                  "offset": (0, 1, 4096 * 3 + 1, 1 << 40, (1 << 64) - 4096), "length": (0, 1 << 40, (1 << 64) - 1)}
        last = len(self.good.entries()) - 1
        for index in (0, last):
            for field, bad in values.items():
                offset, size = packages.ENTRY_FIELDS[field]
                for value in bad:
                    package = self.good.copy().poke(self.good.entry_at(index) + offset, value, size).sealed()
                    expect_stop(self.ctx, r"boot package: .*(entry|entries|init programs|manifest)|init: ",
                                package=self.file(package))

    def entries_missing_or_twice(self):
        name, _data = self.manifest
        entries = self.good.entries()
        expect_stop(self.ctx, r"boot package: .*0 init programs", package=self.file(self.good.without("init")))
        expect_stop(self.ctx, r"init: boot package: it has no manifest", package=self.file(self.good.without(name)))
        twice = [(n, 1 if n == "logd" else k, d) for n, k, d in entries]
        expect_stop(self.ctx, r"boot package: .*2 init programs", package=self.file(self.good.with_entries(twice)))

    def any_flipped_bit_is_noticed(self):
        for seed in range(40):
            source = random.Random(seed)
            package = self.good.copy()
            package.data[source.randrange(len(package.data))] ^= 1 << source.randrange(8)
            expect_stop(self.ctx, r"boot package: ", package=self.file(package))

    def flips(self, first, length, seeds):
        """Flips under a right checksum: what the later checks are for."""
        for seed in range(seeds):
            source = random.Random(1000 + seed)
            package = self.good.copy()
            for _ in range(source.choice((1, 1, 2, 8))):
                package.data[first + source.randrange(length)] ^= 1 << source.randrange(8)
            expect_stop_or_prompt(self.ctx, package=self.file(package.sealed()))

    def sealed_flips_in_the_tables(self):
        self.flips(0, self.good.entry_at(len(self.good.entries())), 40)

    def sealed_flips_in_the_manifest(self):
        name, _data = self.manifest
        self.flips(*self.good.range_of(name), 40)

    def sealed_flips_in_the_head_of_init(self):
        offset, length = self.good.range_of("init")
        self.flips(offset, min(length, 64 + 56 * 8), 40)

    def sealed_flips_in_the_head_of_a_service(self):
        offset, length = self.good.range_of("samgrd")
        self.flips(offset, min(length, 64 + 56 * 8), 30)

    # ---- programs ----

    def bad_init(self, how):
        data = dict((n, d) for n, _k, d in self.good.entries())["init"]
        expect_stop(self.ctx, r"init: |tessera: init", package=self.file(self.good.replacing("init", elves.WRONG[how](data))))

    def bad_program(self, how):
        """A service that is no program: the shell comes up, and says so of it."""
        data = dict((n, d) for n, _k, d in self.good.entries())["samgrd"]
        package = self.file(self.good.replacing("samgrd", elves.WRONG[how](data)))
        guest = self.ctx.guest(direct=True, package=package)
        guest.prompt(STOP_S)
        check(re.search(r"^init: cannot start samgrd", guest.transcript, re.MULTILINE), "nothing was said of it at boot",
              "a line 'init: cannot start samgrd...'", guest.transcript[-1500:])
        check("samgrd" in guest.command_output("services"), "services does not name it", "samgrd", guest.transcript[-1500:])
        guest.send("poweroff\r")
        guest.expect_power_off()

    # ---- the manifest ----

    def bad_manifest(self, change, pattern):
        """A mistake that the compiler would have refused: init does, with the line in the source."""
        source = self.ctx.scratch / "bad.capnp"
        text = (self.ctx.root / "system" / "tessera.capnp").read_text().replace("../idl/", "/idl/")
        check(change(text) != text, "the mistake is made", "another text", text)
        source.write_text(change(text))
        name, _data = self.manifest
        package = self.good.replacing(name, Compiler(source).compiled())
        expect_stop(self.ctx, rf"^init: bad\.capnp:\d+: .*{pattern}", package=self.file(package))

    def no_manifest_at_all(self):
        """Bytes that are none: cut, with the frame that files of messages have (which reads as numbers), text, a loop."""
        name, data = self.manifest
        for bad in (data[:-8], data[:-1], b"\0\0\0\0" + struct.pack("<I", len(data) // 8) + data, b"system tessera\n",
                    struct.pack("<Q", 0xFFFF_FFFC | 1 << 48)):
            expect_stop(self.ctx, rf"^init: {re.escape(name)}: (it is no message in canonical form|name: )",
                        package=self.file(self.good.replacing(name, bad)))

    def missing_program(self):
        """The package lacks a program that the manifest names: said at boot, the rest runs."""
        guest = self.ctx.guest(direct=True, package=self.file(self.good.without("samgrd")))
        guest.prompt(STOP_S)
        check(re.search(r"^init: cannot start samgrd: .*no program `samgrd`", guest.transcript, re.MULTILINE),
              "nothing was said of it at boot", "a line 'init: cannot start samgrd: ...'", guest.transcript[-1500:])

    # ---- memory ----

    def little_memory(self, mib):
        status, text = run(self.ctx, mem=mib)  # soon: nobody waits for memory that does not come
        check(status in (None, 0), f"--mem {mib}: no orderly stop", "a prompt, or exit status 0 of tools/qemu",
              f"{status}\n{text[-1500:]}")
        if status == 0:
            found = complaints(text)
            check(len(found) >= 1 and re.search(r"memory|are not there", found[0]), f"--mem {mib}: not the line that says what is wrong",
                  "a line that speaks of memory", text[-1500:] or "(silence)")

    def enough_memory(self):
        status, text = run(self.ctx, mem=32)
        check(status is None, "--mem 32 does not work", "a prompt", text[-1500:])

    # ---- the boot volume ----

    def volume(self, files, pattern):
        """Boots an image with these files through the firmware."""
        image = self.ctx.scratch / "disk.img"
        self.ctx.run([sys.executable, self.ctx.root / "tools" / "mkimage.py", "--output", image, "--name", "bad",
                      *[f"{path}={source}" for path, source in files.items()]], status=0)
        guest = self.ctx.guest(direct=False, image=image)
        found = guest.expect(r"^(tessera boot|tessera): .*\n", 60)
        check(re.search(pattern, found.group(0)), "not the line that says what is wrong", f"/{pattern}/", found.group(0))

    def bad_volume(self, what, pattern):
        kernel, package = self.ctx.build / "kernel.elf", self.ctx.build / "boot.pkg"
        loader = self.ctx.build / "boot" / "BOOTX64.EFI"
        short = self.ctx.scratch / "short"
        short.write_bytes(kernel.read_bytes()[:5000])
        bad = self.ctx.scratch / "bad"
        bad.write_bytes(elves.WRONG["another machine"](kernel.read_bytes()))
        files = {"EFI/BOOT/BOOTX64.EFI": loader, "TESSERA/KERNEL.ELF": kernel, "TESSERA/BOOT.PKG": package}
        if what == "no kernel":
            del files["TESSERA/KERNEL.ELF"]
        elif what == "no package":
            del files["TESSERA/BOOT.PKG"]
        else:
            files["TESSERA/KERNEL.ELF"] = {"short kernel": short, "kernel for another machine": bad}[what]
        self.volume(files, pattern)


MANIFESTS = {
    "unknown service": (lambda text: text.replace('service = "log"', 'service = "logg"', 1), r"services\[\d\]\.grants\[\d\]\.service: .*logg"),
    "no size": (lambda text: text.replace("memoryKib = 256,", "", 1), r"services\[0\]: .*memoryKib"),
    "bad size": (lambda text: text.replace("memoryKib = 512", "memoryKib = 513", 1), r"services\[1\]\.memoryKib: 513"),
    "service twice": (lambda text: text.replace("[.samgrd, .logd", "[.samgrd, .logd, .logd", 1), "logd"),
    "nothing granted": (lambda text: text.replace(", trace = void", "", 1), "`trace` grants nothing"),
}


def cases(ctx):
    own = Cases(ctx)
    long = deadline(300)
    found = [(name, long(functools.partial(getattr(own, name)))) for name in
             ("the_package_itself_boots", "no_package", "truncated", "something_follows", "header_fields", "entry_fields",
              "entries_missing_or_twice", "any_flipped_bit_is_noticed", "sealed_flips_in_the_tables",
              "sealed_flips_in_the_manifest", "sealed_flips_in_the_head_of_init", "sealed_flips_in_the_head_of_a_service",
              "missing_program", "no_manifest_at_all", "enough_memory")]
    for how in elves.WRONG:
        found.append((f"init: {how}", functools.partial(own.bad_init, how)))
    for how in ("cut in a segment", "another machine", "segments overlap", "writable and executable", "empty"):
        found.append((f"service: {how}", functools.partial(own.bad_program, how)))
    for name, (change, pattern) in MANIFESTS.items():
        found.append((f"manifest: {name}", functools.partial(own.bad_manifest, change, pattern)))
    for mib in (24, 16, 12, 8, 6):  # in 5 the loader would put the package over the kernel
        found.append((f"memory: {mib} MiB", functools.partial(own.little_memory, mib)))
    for what, pattern in (("no kernel", r"kernel\.elf"), ("no package", r"boot\.pkg"), ("short kernel", r"kernel\.elf"),
                          ("kernel for another machine", r"kernel\.elf")):
        found.append((f"volume: {what}", functools.partial(own.bad_volume, what, pattern)))
    return found
