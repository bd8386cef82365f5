"""Functions of programs, and how to find their callers, for who explains a crash on the machine (lib/crash/symbols.h).

From a program's symbol table and its .debug_frame (DWARF 5, section 6.4): where each function lies, and for each place in it
how far the stack pointer is below the frame's end, where the return address is. `table` packs that for several programs, which are
told apart by their build ids.
"""

import bisect
import collections
import struct

import elf

MAGIC = 0x31304D5953535354  # "TSSSYM01"
HEADER = struct.Struct("<QII")
PROGRAM = struct.Struct("<20sIIII")
FUNCTION = struct.Struct("<IIII")
ROW = struct.Struct("<HH")
UNKNOWN = 0xFFFF          # of a row: the caller cannot be found from here
BY_FRAME_POINTER = 0x8000  # the frame's end is counted from the frame pointer, not from the stack pointer
IN_REGISTER = 0x4000      # the return address is in its register; else it lies right below the frame's end
MAX_OFFSET = 0x3FFE * 8

# Numbers of registers in DWARF (psABIs): stack pointer, frame pointer, return address.
REGISTERS = {62: (7, 6, 16), 243: (2, 8, 1)}

Function = collections.namedtuple("Function", "start size name rows")  # rows: (offset from the start, value)


class Reader:
    def __init__(self, data, at=0, end=None):
        self.data, self.at, self.end = data, at, len(data) if end is None else end

    def take(self, layout):
        found, = struct.unpack_from("<" + layout, self.data, self.at)
        self.at += struct.calcsize("<" + layout)
        return found

    def leb(self, signed=False):
        value = shift = 0
        while True:
            byte = self.take("B")
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value - (1 << shift) if signed and byte & 64 else value

    def text(self):
        end = self.data.index(b"\0", self.at)
        found, self.at = self.data[self.at:end], end + 1
        return found


class Frames:
    """What .debug_frame says of each function: start -> (size, rows)."""

    def __init__(self, program):
        self.sp, self.fp, self.ra = REGISTERS[struct.unpack_from("<H", program.data, 18)[0]]
        section = program.section(".debug_frame")
        self.data = b"" if section is None else program.data[section.offset:section.offset + section.size]
        self.functions, at = {}, 0
        while at < len(self.data):
            length, = struct.unpack_from("<I", self.data, at)
            cie, = struct.unpack_from("<I", self.data, at + 4)
            if cie != 0xFFFFFFFF:
                self.describe(Reader(self.data, at + 8, at + 4 + length), cie)
            at += 4 + length

    def common(self, at):
        """(code factor, data factor, reader of the first instructions) of a common information entry."""
        reader = Reader(self.data, at + 8, at + 4 + struct.unpack_from("<I", self.data, at)[0])
        version, augmentation = reader.take("B"), reader.text()
        if version not in (1, 3, 4) or augmentation:
            raise elf.ElfError(f"unwind information of version {version}, augmentation {augmentation}")
        if version == 4:
            reader.take("H")  # sizes of addresses and selectors
        code, data = reader.leb(), reader.leb(signed=True)
        ra = reader.take("B") if version == 1 else reader.leb()
        if ra != self.ra:
            raise elf.ElfError(f"return address in column {ra}")
        return code, data, reader

    def describe(self, reader, cie):
        code, data, first = self.common(cie)
        start, size = reader.take("Q"), reader.take("Q")
        state = {"cfa": None, "ra": None}
        self.run(first, dict(state), code, data, start, state, [])
        rows = []
        self.run(reader, state, code, data, start, dict(state), rows)
        kept = [row for index, row in enumerate(rows) if index == 0 or row[1] != rows[index - 1][1]]
        self.functions[start] = (size, kept)

    def value(self, state):
        if state["cfa"] is None or state["cfa"][0] not in (self.sp, self.fp):
            return UNKNOWN
        register, offset = state["cfa"]
        if offset < 0 or offset % 8 or offset > MAX_OFFSET or state["ra"] not in (None, -8):
            return UNKNOWN
        return offset // 8 | (BY_FRAME_POINTER if register == self.fp else 0) | (IN_REGISTER if state["ra"] is None else 0)

    def run(self, reader, state, code, data, pc, into, rows):
        """Carries out instructions; `rows` gets the state at each place, and `into` the last one."""
        initial, stack, start = dict(into), [], pc
        while reader.at < reader.end:
            byte = reader.take("B")
            op, low = byte & 0xC0, byte & 0x3F
            advance = None
            if op == 0x40:
                advance = low
            elif op == 0x80:
                self.saved(state, low, reader.leb() * data)
            elif op == 0xC0:
                self.restore(state, low, initial)
            elif byte in (0x02, 0x03, 0x04):
                advance = reader.take({2: "B", 3: "H", 4: "I"}[byte])
            elif byte == 0x05:
                self.saved(state, reader.leb(), reader.leb() * data)
            elif byte == 0x06:
                self.restore(state, reader.leb(), initial)
            elif byte in (0x07, 0x08):  # undefined, same value
                self.saved(state, reader.leb(), None)
            elif byte == 0x0A:
                stack.append(dict(state))
            elif byte == 0x0B:
                state.update(stack.pop())
            elif byte == 0x0C:
                state["cfa"] = (reader.leb(), reader.leb())
            elif byte == 0x0D:
                state["cfa"] = (reader.leb(), state["cfa"][1])
            elif byte == 0x0E:
                state["cfa"] = (state["cfa"][0], reader.leb())
            elif byte != 0x00:
                raise elf.ElfError(f"unwind instruction {byte:#x}")
            if advance is not None:
                self.note(rows, pc - start, state)
                pc += advance * code
        self.note(rows, pc - start, state)
        into.update(state)

    def note(self, rows, offset, state):
        if rows and rows[-1][0] == offset:
            rows.pop()
        rows.append((offset, self.value(state)))

    def saved(self, state, register, offset):
        if register == self.ra:
            state["ra"] = offset

    def restore(self, state, register, initial):
        if register == self.ra:
            state["ra"] = initial["ra"]


def functions(path):
    """The functions of a program, by ascending address."""
    program = elf.Elf.load(path)
    frames, found = Frames(program).functions, {}
    for symbol in program.symbols():
        if symbol.kind == elf.SYMBOL_FUNCTION and symbol.section is not None and symbol.name:
            size, rows = frames.get(symbol.value, (symbol.size, [(0, UNKNOWN)]))
            if symbol.value not in found or symbol.name < found[symbol.value].name:
                found[symbol.value] = Function(symbol.value, size, symbol.name, rows)
    return [found[start] for start in sorted(found)]


def find(table, address):
    """The function that an address lies in, or None."""
    index = bisect.bisect_right([function.start for function in table], address) - 1
    return table[index] if index >= 0 and address < table[index].start + max(table[index].size, 1) else None


def row_at(function, offset):
    return [value for start, value in function.rows if start <= offset][-1]


def table(paths):
    """The bytes of the table for these programs."""
    names, blob = {}, bytearray()
    programs, body = [], bytearray()
    base = HEADER.size + PROGRAM.size * len(paths)
    for path in paths:
        own, packed, rows = functions(path), bytearray(), bytearray()
        for function in own:
            if function.name not in names:
                names[function.name] = len(blob)
                blob += function.name.encode() + b"\0"
            packed += FUNCTION.pack(function.start, function.size, names[function.name], len(rows) // ROW.size)
            for offset, value in function.rows:
                if offset > 0xFFFF:
                    raise elf.ElfError(f"{path}: {function.name} is longer than 64 KiB")
                rows += ROW.pack(offset, value)
        at = base + len(body)
        programs.append(PROGRAM.pack(elf.Elf.load(path).build_id(), len(own), at, len(rows) // ROW.size, at + len(packed)))
        body += packed + rows
    return HEADER.pack(MAGIC, len(paths), base + len(body)) + b"".join(programs) + bytes(body) + bytes(blob)
