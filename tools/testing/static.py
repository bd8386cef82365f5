"""Suite "check": the static checks, the build's own tools, and that images are reproducible.

Every checker is also shown something wrong: a check that cannot fail proves nothing.
"""

import shutil
import struct
import sys

from .context import check, deadline, expect_equal, expect_match

sys.dont_write_bytecode = True
import contracts  # noqa: E402
import elf  # noqa: E402
import layers  # noqa: E402
import lint  # noqa: E402
import mkimage  # noqa: E402
import mkpkg  # noqa: E402
import proofs  # noqa: E402
import xxh64  # noqa: E402

OUTPUTS = ("kernel.elf", "boot.pkg", "tessera.img")
ENCODING_BYTES = 24 * 1024  # of code


def cases(ctx):
    listed = [
        ("layers", lambda: layers_hold(ctx)),
        ("layers-can-fail", layers_can_fail),
        ("lint", lambda: lint_is_clean(ctx)),
        ("lint-can-fail", lint_can_fail),
        ("contracts", lambda: contracts_hold(ctx)),
        ("contracts-can-fail", lambda: contracts_can_fail(ctx)),
        ("proofs-notice-a-change", lambda: proofs_notice_a_change(ctx)),
        ("kernel-lines-count", counting_lines),
        ("xxh64-twin", checksum_vectors),
        ("package-layout", package_layout),
        ("package-refuses", package_refuses),
        ("image-file-system", lambda: image_file_system(ctx)),
        ("image-partition-table", image_partition_table),
        ("image-refuses", image_refuses),
        ("setup-is-quiet", lambda: setup_is_quiet(ctx)),
        ("qemu-arguments", lambda: qemu_arguments(ctx)),
        ("second-build-does-nothing", lambda: second_build_does_nothing(ctx)),
        ("encoding-is-small", lambda: encoding_is_small(ctx)),
        ("reproducible", deadline(600)(lambda: reproducible(ctx))),
    ]
    return listed


def layers_hold(ctx):
    count, found = layers.check(ctx.root, ctx.build)
    check(count > 100 and not found, "an include points up the table of DESIGN section 3", "no such include",
          "\n".join(f"{source} includes {header}: {why}" for source, header, why in found) or f"{count} includes")


def layers_can_fail():
    wrong = [
        ("base/list_test.c", "lib/tess/heap.h"),
        ("abi/types.h", "base/list.h"),
        ("kernel/mm/frame.c", "kernel/object/thread.h"),
        ("kernel/sched/sched.c", "lib/tess/heap.h"),
        ("kernel/object/vmo.c", "services/logd/log.h"),
        ("services/logd/main.c", "kernel/types.h"),
        ("services/logd/main.c", "services/init/main.h"),
        ("apps/shell/main.c", "services/logd/log.h"),
        ("lib/elf/elf.c", "services/logd/log.h"),
        ("boot/regions.c", "kernel/types.h"),
    ]
    right = [
        ("kernel/object/vmo.c", "kernel/mm/frame.h"),
        ("services/logd/main.c", "lib/tess/heap.h"),
        ("services/logd/main.c", "base/list.h"),
        ("services/logd/main.c", "services/logd/journal.h"),
        ("tests/programs/x.c", "kernel/types.h"),
        ("kernel/arch/x86_64/mmu.c", "kernel/types.h"),
    ]
    expect_equal([pair[:2] for pair in layers.violations(wrong)], wrong, "what is refused")
    expect_equal(list(layers.violations(right)), [], "what is allowed")


def lint_is_clean(ctx):
    count, found, kernel = lint.check(ctx.root)
    check(count > 50 and not found, "the tree holds what it must not", "no findings", "\n".join(found))
    check(min(kernel.values()) > 0, "the kernel's lines were not counted", "more than 0", kernel)


def lint_can_fail():
    note = "TO" + "DO"
    bad = {
        "kernel/mm/frame.c": "#ifdef __x86_64__\n",
        "lib/tess/heap.c": "  # if defined(__riscv)\n",
        "services/logd/main.c": f"// {note}: later\n",
        "docs/boot.md": "see /wo" + "rk/main/boot\n",
        "tools/x.py": "\n" * (lint.FILE_LINES_LIMIT + 1),
    }
    for path, text in bad.items():
        check(list(lint.findings_in(path, text)), f"nothing was found in {path}", "a finding", text[:80])
    good = {
        "kernel/arch/x86_64/mmu.c": "#ifdef __x86_64__\n",
        "lib/tess/arch/x86_64/start.S": "#ifdef __x86_64__\n",
        "kernel/mm/frame.c": "#ifdef FRAME_H\n// the network folder /var/lib/x\n",
        "docs/boot.md": "\n" * 2000,
    }
    for path, text in good.items():
        expect_equal(list(lint.findings_in(path, text)), [], path)


def contracts_hold(ctx):
    count, found = contracts.check(ctx.root)
    check(count >= 5 and not found, "a contract is not what was released", "no complaints", "\n".join(found) or f"{count} contracts")


def contracts_can_fail(ctx):
    """The log's contract with a field of another type, as a person would see it."""
    for path in ("idl", "tools"):
        shutil.copytree(ctx.root / path, ctx.scratch / path)
    contract = ctx.scratch / "idl" / "log.capnp"
    contract.write_text(contract.read_text().replace("timeNs @1 :UInt64", "timeNs @1 :Int64"))
    for command in ((), ("--release",)):
        done = ctx.run([sys.executable, ctx.scratch / "tools" / "contracts.py", *command], status=1)
        expect_match(done.stdout, "^idl/log.capnp:LogRecord.timeNs was of type uint64 and is of type int64$", "the complaint")
        expect_match(done.stdout, "^contracts: 1 change", "the verdict")


def proofs_notice_a_change(ctx):
    """A proved file that is not the one that was proved is refused."""
    for path in [*proofs.proved_files(ctx.root), proofs.RECORD]:
        (ctx.scratch / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ctx.root / path, ctx.scratch / path)
    expect_equal(proofs.complaints(ctx.scratch), [], "complaints about what was proved")
    changed = ctx.scratch / "kernel/object/rights.h"
    changed.write_text(changed.read_text().replace("have & keep", "have | keep"))
    expect_match("\n".join(proofs.complaints(ctx.scratch)), "^kernel/object/rights.h: changed", "the complaint")


def counting_lines():
    text = 'int a; // one\n\n/* two\nlines */\nchar *s = "// not a comment"; /* x */\n  // only\n#define X \\\n  1\n'
    expect_equal(lint.code_lines(text), 4, "lines of code")
    expect_equal([lint.in_kernel(path) for path in
                  ("kernel/mm/frame.c", "kernel/mm/frame_test.c", "kernel/arch/host/x.c", "lib/x.c")],
                 [True, False, False, False], "what counts")


def checksum_vectors():
    data = bytes((i * 131 + 7) & 255 for i in range(1000))
    expect_equal([xxh64.xxh64(data[:length]) for length in (31, 32, 33, 63, 1000)],
                 [0x6711D55E306B5D8F, 0x07F7B8E3BC5D6E25, 0x09F85EEB4E1CBE9F, 0xB7C9968C066CB6A5,
                  0x0BF0BDBCC82EB373], "XXH64")


def sample_package():
    return mkpkg.build([("init", mkpkg.KIND_INIT, b"I" * 5000), ("tessera.manifest", mkpkg.KIND_MANIFEST, b"m")],
                       bytes(range(20)))


def package_layout():
    package = sample_package()
    magic, version, count, total, checksum, build_id = mkpkg.HEADER.unpack_from(package)
    expect_equal((magic, version, count, total, build_id),
                 (mkpkg.MAGIC, mkpkg.VERSION, 2, len(package), bytes(range(20))), "the header")
    expect_equal(len(package), 4 * 4096, "the size in bytes")
    name, kind, _zero, offset, length = mkpkg.ENTRY.unpack_from(package, mkpkg.HEADER.size)
    expect_equal((name.rstrip(b"\0"), kind, offset, length), (b"init", mkpkg.KIND_INIT, 4096, 5000), "the first entry")
    expect_equal(bytes(package[4096:4096 + 5000]), b"I" * 5000, "its data")
    zeroed = bytearray(package)
    struct.pack_into("<Q", zeroed, mkpkg.CHECKSUM_OFFSET, 0)
    expect_equal(checksum, xxh64.xxh64(zeroed), "the checksum")


def package_refuses():
    for entries in ([("a", 2, b""), ("a", 2, b"")], [("x" * 40, 2, b"")], [("", 2, b"")],
                    [(f"p{i}", 2, b"") for i in range(257)]):
        try:
            mkpkg.build(entries, bytes(20))
        except mkpkg.PackageError:
            continue
        check(False, "mkpkg built a package that it must refuse", "PackageError", entries[:2])
    try:
        elf.Elf(b"\x7fELF\x02\x01" + bytes(100)).build_id()
    except elf.ElfError:
        return
    check(False, "a file without a build id was accepted", "ElfError", "no error")


def sample_image():
    return mkimage.disk_image("sample", {"EFI/BOOT/BOOTX64.EFI": b"E" * 3000, "TESSERA/KERNEL.ELF": b"K" * 70000,
                                         "TESSERA/BOOT.PKG": bytes(sample_package())})


def image_file_system(ctx):
    """Debian's own tools read the volume and find nothing to complain about."""
    volume = ctx.scratch / "volume.img"
    data = sample_image()
    start = mkimage.FIRST_PARTITION_SECTOR * mkimage.SECTOR
    volume.write_bytes(data[start:len(data) - 2048 * mkimage.SECTOR])
    ctx.run([shutil.which("fsck.fat") or "/usr/sbin/fsck.fat", "-n", volume], status=0)
    copy = ctx.scratch / "boot.pkg"
    ctx.run(["mcopy", "-i", volume, "::/tessera/boot.pkg", copy], status=0)
    expect_equal(copy.read_bytes() == bytes(sample_package()), True, "the file read back is the same")


def image_partition_table():
    """Both tables check out against their own checksums (UEFI 2.10, 5.3.2)."""
    import zlib
    data = sample_image()
    last = len(data) // 512 - 1
    for own, other in ((1, last), (last, 1)):
        header = bytearray(data[own * 512:own * 512 + 92])
        crc, = struct.unpack_from("<I", header, 16)
        struct.pack_into("<I", header, 16, 0)
        expect_equal(zlib.crc32(header), crc, f"the checksum of the header in sector {own}")
        expect_equal(struct.unpack_from("<QQ", header, 24), (own, other), "the two headers' places")
        table, count, size, table_crc = struct.unpack_from("<QIII", header, 72)
        expect_equal(zlib.crc32(data[table * 512:table * 512 + count * size]), table_crc, "the table's checksum")
    expect_equal(data, sample_image(), "a second image of the same files")


def image_refuses():
    for files in ({"TOOLONGNAME.X": b"x"}, {"lower.x": b"x"}, {"A.BIN": bytes(200 << 20)}):
        try:
            mkimage.disk_image("sample", files)
        except mkimage.ImageError:
            continue
        check(False, "mkimage wrote an image that it must refuse", "ImageError", list(files))


def setup_is_quiet(ctx):
    done = ctx.run(["tools/setup"], status=0)
    expect_equal(done.stdout, "", "what tools/setup prints when nothing is missing")


def qemu_arguments(ctx):
    done = ctx.run(["tools/qemu", "--arch", "vax"], status=2)
    expect_match(done.stdout, r"invalid choice: 'vax'", "the message")
    done = ctx.run(["tools/qemu", "--direct", "--system", "no-such-system", "--headless"], status=1)
    expect_match(done.stdout, r"no-such-system\.pkg is missing; is there a system/no-such-system\.capnp\?", "the message")
    done = ctx.run(["tools/qemu", "--disk", "no-such-disk", "--direct", "--package", "", "--kernel", __file__],
                   status=1)
    expect_match(done.stdout, r"no-such-disk is missing", "the message")


def second_build_does_nothing(ctx):
    done = ctx.run(["tools/build", "--arch", ctx.arch], status=0, timeout=110)
    expect_equal(done.stdout, "", "what a second build prints")


def encoding_is_small(ctx):
    """The code of lib/capnp, as a program would have it that used all of it (docs/decisions/capnp-c.md)."""
    objects = sorted((ctx.build / "lib" / "capnp" / "libcapnp.a.p").glob("*.o"))
    check(len(objects) > 5, "the objects of lib/capnp", "some", objects)
    lines = ctx.run(["llvm-size-19", *objects], status=0).stdout.splitlines()[1:]
    code = sum(int(line.split()[0]) for line in lines)
    check(code <= ENCODING_BYTES, "the code of lib/capnp is longer than it may be", f"at most {ENCODING_BYTES} bytes", code)


def reproducible(ctx):
    """The same tree, built in another folder of another name, gives the same bytes."""
    copy = ctx.scratch / "another-folder" / "tree"
    for path in lint.tracked(ctx.root):
        (copy / path).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(ctx.root / path, copy / path)
    ctx.run(["tools/build", "--quiet", "--arch", ctx.arch, *OUTPUTS], cwd=copy, status=0, timeout=580)
    for name in OUTPUTS:
        ours, theirs = (ctx.build / name).read_bytes(), (copy / "build" / ctx.arch / name).read_bytes()
        where = next((i for i, (a, b) in enumerate(zip(ours, theirs)) if a != b), min(len(ours), len(theirs)))
        check(ours == theirs, f"{name} differs between two builds of the same tree", "identical bytes",
              f"first difference at byte {where}; {len(ours)} and {len(theirs)} bytes")
