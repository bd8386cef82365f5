#!/usr/bin/env python3
"""Writes the kernel's own tables as assembly: tools/mksyms.py KERNEL OUTPUT.S

The symbol table (kernel/ksyms.h): only functions. The relocation table (boot/x86_64/slide.c): the places that
hold an address of the image, as --emit-relocs kept them; whoever does not relocate passes none. Both hold offsets
from __image_start, and lie behind all that they speak of, so that their size moves nothing. With --check KERNEL FINAL
the two are compared: every function must lie where the table of the first says.
"""

import sys

import elf


def functions(path):
    """Sorted (offset, name), one name per address: a global label wins over what is inside a function."""
    kernel = elf.Elf.load(path)
    symbols = list(kernel.symbols())
    start = next((s.value for s in symbols if s.name == "__image_start"), None)
    if start is None:
        raise elf.ElfError(f"{path}: has no symbol __image_start; was it linked with kernel.ld?")
    found = {}
    for symbol in symbols:
        in_text = symbol.section is not None and symbol.section.flags & elf.FLAG_EXECUTE
        if not in_text or symbol.kind not in (elf.SYMBOL_FUNCTION, elf.SYMBOL_NOTYPE):
            continue
        if not symbol.name or symbol.name.startswith((".L", "$", "__text_", "__image_")):
            continue
        rank = (symbol.kind != elf.SYMBOL_FUNCTION, symbol.name)
        offset = symbol.value - start
        if offset not in found or rank < found[offset]:
            found[offset] = rank
    return [(offset, found[offset][1]) for offset in sorted(found)]


def symbol_table(table):
    names = {}
    blob = []
    position = 8 + 8 * len(table)
    lines = ['    .section .ksyms, "a", @progbits', "    .balign 8", f"    .long {len(table)}, 0"]
    for offset, name in table:
        if name not in names:
            names[name] = position
            blob.append(f'    .asciz "{name}"')
            position += len(name) + 1
        lines.append(f"    .long {offset:#x}, {names[name]}")
    return lines + blob


def relocations(path):
    """Offsets from __image_start of the places that hold an address of the image: (those of 64 bits, of 32 bits)."""
    kernel = elf.Elf.load(path)
    start = next(symbol.value for symbol in kernel.symbols() if symbol.name == "__image_start")
    places = list(kernel.relocations())
    return tuple(sorted(address - start for address, kind in places if kind == wanted)
                 for wanted in (elf.X86_64_64, elf.X86_64_32S))


def relocation_table(wide, narrow):
    """What the image adds to, when it moves itself (boot/x86_64/slide.c)."""
    return ['    .section .relocs, "a", @progbits', "    .balign 4", f"    .long {len(wide)}, {len(narrow)}",
            *(f"    .long {offset:#x}" for offset in wide + narrow)]


def main():
    if len(sys.argv) == 4 and sys.argv[1] == "--check":
        before, after = functions(sys.argv[2]), functions(sys.argv[3])
        if before != after:
            moved = next(pair for pair in zip(before, after) if pair[0] != pair[1])
            sys.exit(f"mksyms: the second link moved {moved[0]} to {moved[1]}")
        return
    with open(sys.argv[2], "w", encoding="utf-8") as output:
        lines = symbol_table(functions(sys.argv[1])) + relocation_table(*relocations(sys.argv[1]))
        output.write("\n".join([*lines, '    .section .note.GNU-stack, "", @progbits', ""]))


if __name__ == "__main__":
    try:
        main()
    except elf.ElfError as problem:
        sys.exit(f"mksyms: {problem}")
