"""Compares tools/symbols.py with llvm-dwarfdump on programs made here, for both machines."""

import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import elf  # noqa: E402
import symbols  # noqa: E402

SOURCE = r"""
typedef unsigned long u64;
__attribute__((noinline)) u64 leaf(u64 a) { return a * 3; }
__attribute__((noinline)) u64 frame(volatile u64 *at, u64 n) {
    volatile u64 room[100];
    for (u64 i = 0; i < n; i++) { room[i % 100] = leaf(at[i]) + n; }
    return room[n % 100] + leaf(n);
}
__attribute__((noinline)) u64 aligned(u64 n) {
    _Alignas(64) volatile u64 room[16];
    room[n % 16] = leaf(n);
    return frame(room, n) + room[0];
}
__attribute__((noinline)) u64 leaves_early(u64 n) {
    if (n == 3) { return 7; }
    return aligned(n) + frame((volatile u64 *)n, 2) * leaf(n);
}
int _start(void) { return (int)leaves_early((u64)&_start); }
"""
TARGETS = (("x86_64-unknown-none-elf", ["-mno-red-zone", "-mgeneral-regs-only"], "R[SB]P", "RIP"),
           ("riscv64-unknown-none-elf", ["-march=rv64imac", "-mabi=lp64", "-mno-relax"], "X[28]", "X1"))


def build(target, flags, folder):
    source, program = folder / "p.c", folder / target
    source.write_text(SOURCE)
    subprocess.run(["clang-19", f"--target={target}", *flags, "-O2", "-g", "-ffreestanding", "-fomit-frame-pointer",
                    "-fno-asynchronous-unwind-tables", "-nostdlib", "-static", "-fuse-ld=lld", "-Wl,--build-id=sha1", "-o", program, source],
                   check=True)
    return program


def expected(program, ra):
    """start -> [(offset, value)], as llvm-dwarfdump tells it."""
    said = subprocess.run(["llvm-dwarfdump-19", "--debug-frame", program], check=True, capture_output=True, text=True).stdout
    found = {}
    for block in re.findall(r"FDE cie=.*?(?=\n\n\w|\Z)", said, re.DOTALL):
        start = int(re.search(r"pc=([0-9a-f]+)", block)[1], 16)
        rows = []
        for at, register, offset, rest in re.findall(r"^  0x([0-9a-f]+): CFA=(\w+?)(?:\+(\d+))?(?:: (.*))?$", block, re.MULTILINE):
            value = int(offset or 0) // 8
            value |= symbols.BY_FRAME_POINTER if register in ("RBP", "X8") else 0
            value |= 0 if re.search(rf"\b{ra}=\[CFA-8\]", rest) else symbols.IN_REGISTER
            if not rows or rows[-1][1] != value:
                rows.append((int(at, 16) - start, value))
        found[start] = rows
    return found


class Symbols(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tessera-test-")
        self.addCleanup(self.folder.cleanup)

    def test_rows_are_those_of_an_independent_reader(self):
        for target, flags, _registers, ra in TARGETS:
            with self.subTest(target):
                program = build(target, flags, pathlib.Path(self.folder.name))
                own = {function.start: function for function in symbols.functions(program)}
                told = expected(program, ra)
                self.assertEqual(sorted(own), sorted(told))
                for start, rows in told.items():
                    self.assertEqual(own[start].rows, rows, own[start].name)
                self.assertTrue(any(value & symbols.BY_FRAME_POINTER for rows in told.values() for _at, value in rows))

    def test_the_table_names_each_program(self):
        programs = [build(target, flags, pathlib.Path(self.folder.name)) for target, flags, *_rest in TARGETS]
        table = symbols.table(programs)
        magic, count, names_at = symbols.HEADER.unpack_from(table)
        self.assertEqual((magic, count), (symbols.MAGIC, 2))
        for index, program in enumerate(programs):
            build_id, functions, at, _rows, _rows_at = symbols.PROGRAM.unpack_from(table, symbols.HEADER.size + index * symbols.PROGRAM.size)
            self.assertEqual(build_id, elf.Elf.load(program).build_id())
            names = []
            for number in range(functions):
                _start, _size, name, _row = symbols.FUNCTION.unpack_from(table, at + number * symbols.FUNCTION.size)
                names.append(table[names_at + name:table.index(b"\0", names_at + name)].decode())
            self.assertEqual(sorted(names), ["_start", "aligned", "frame", "leaf", "leaves_early"])

    def test_addresses_are_found(self):
        table = symbols.functions(build(*TARGETS[0][:2], pathlib.Path(self.folder.name)))
        leaf = next(function for function in table if function.name == "leaf")
        self.assertEqual(symbols.find(table, leaf.start + leaf.size - 1), leaf)
        self.assertNotEqual(symbols.find(table, leaf.start - 1), leaf)
        self.assertIsNone(symbols.find(table, 0))


if __name__ == "__main__":
    unittest.main()
