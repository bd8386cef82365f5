"""Which functions a row's instructions are in: every instruction of one run of it is counted by the emulator's plugin.

The plugin tells where an instruction lay and what it was. Programs are loaded anywhere; which one a page of memory is of is found
by comparing what was executed there with each program's pages.
"""

import bisect
import collections
import re

from elf import FLAG_EXECUTE, SYMBOL_FUNCTION, SYMBOL_NOTYPE, Elf
from testing.context import Failure

PAGE = 4096
LIKENESS = 0.8  # of the instructions: the kernel's and the loader's relocations change some
LEAST = 0.001   # of all instructions, for a line of its own


class Program:
    """A program's executable pages, and its functions."""

    def __init__(self, path):
        program = Elf.load(path)
        self.name = path.name.removesuffix(".debug")
        self.pages = collections.defaultdict(lambda: bytearray(PAGE))
        for section in program.sections:
            if section.flags & FLAG_EXECUTE:
                for at in range(section.size):
                    address = section.address + at
                    self.pages[address // PAGE][address % PAGE] = program.data[section.offset + at]
        named = sorted((symbol.value, symbol.name) for symbol in program.symbols()
                       if symbol.kind in (SYMBOL_FUNCTION, SYMBOL_NOTYPE) and symbol.section and symbol.name
                       and symbol.section.flags & FLAG_EXECUTE and not symbol.name.startswith("."))
        self.starts, self.names = [start for start, _ in named], [name for _, name in named]

    def function(self, address):
        at = bisect.bisect_right(self.starts, address) - 1
        return self.names[at] if at >= 0 else "?"


def programs(ctx):
    found = [ctx.build / "boot" / "kernel.debug", *ctx.build.glob("services/*/*"), *ctx.build.glob("apps/*/*"), *ctx.build.glob("bench/*")]
    return [Program(path) for path in found if path.is_file() and path.read_bytes()[:4] == b"\x7fELF" and path.suffix != ".o"]


def whose(instructions, candidates):
    """(program, its page) that is most like what was executed in a page: {offset: bytes}."""
    best = (0, None, None)
    for program in candidates:
        for number, page in program.pages.items():
            like = sum(page[at:at + len(code)] == code[:PAGE - at] for at, code in instructions.items())
            best = max(best, (like, program, number), key=lambda it: it[0])
    like, program, number = best
    return (program, number) if like >= LIKENESS * len(instructions) else (None, None)


def count(ctx, row):
    """(the row's mean, {emulator's page: {offset: (times, bytes)}})"""
    counted = ctx.scratch / "profile"
    ctx.run(["tools/build", "--quiet", "--arch", ctx.arch, "tools/plugin/libprofile.so"], status=0, timeout=120)
    plugin = f"{ctx.build}/tools/plugin/libprofile.so,out={counted}"
    with ctx.guest(direct=True, system="bench", deterministic=True, qemu_args=["-plugin", plugin]) as guest:
        guest.prompt(120)
        guest.send(f"run bench {row}\r")
        guest.expect(r"^bench done$", 600)
        mean = re.search(rf"^bench {re.escape(row)} (\d+)", guest.transcript, re.MULTILINE)
    if not mean:
        raise Failure(f"there is no row {row} in bench/bench.c", f"bench {row} ...", guest.transcript[-200:])
    pages = collections.defaultdict(dict)
    for line in counted.read_text().splitlines():
        address, host, times, code = line.split()
        at = int(address, 16) % PAGE
        page = pages[int(host, 16) - at]
        before = page.get(at, (0, b""))[0]
        page[at] = (before + int(times), bytes.fromhex(code))
    return int(mean.group(1)), pages


def show(ctx, row):
    """Prints instructions an operation, program by program and function by function. What a batch sets up counts, too."""
    mean, pages = count(ctx, row)
    candidates = programs(ctx)
    functions = collections.Counter()
    for instructions in pages.values():
        program, number = whose({at: code for at, (_, code) in instructions.items()}, candidates)
        for at, (times, _) in instructions.items():
            name = (program.name, program.function(number * PAGE + at)) if program else ("?", "?")
            functions[name] += times
    total = sum(functions.values())
    whole = collections.Counter()
    for (program, _), times in functions.items():
        whole[program] += times
    print(f"{row}: {mean:,} instructions")
    for program, times in whole.most_common():
        print(f"{times * mean / total:10,.1f}  {program}")
        for (of, name), own in functions.most_common():
            if of == program and own >= LEAST * total:
                print(f"{own * mean / total:14,.1f}  {name}")
