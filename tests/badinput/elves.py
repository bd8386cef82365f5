"""Ways in which an ELF file can be wrong, each a function from bytes to bytes."""

import struct

PROGRAM_HEADER = struct.Struct("<IIQQQQQQ")
LOAD = 1


def header(offset, form, value):
    def alter(data):
        data = bytearray(data)
        struct.pack_into(form, data, offset, value)
        return bytes(data)
    return alter


def segment(which, field, change):
    """Alters one field of the which-th loadable segment: 1 flags, 2 offset, 3 address, 5 file size, 6 memory size."""
    def alter(data):
        data = bytearray(data)
        table, = struct.unpack_from("<Q", data, 32)
        count, = struct.unpack_from("<H", data, 56)
        at = [table + i * PROGRAM_HEADER.size for i in range(count)
              if struct.unpack_from("<I", data, table + i * PROGRAM_HEADER.size)[0] == LOAD]
        fields = list(PROGRAM_HEADER.unpack_from(data, at[which]))
        other = PROGRAM_HEADER.unpack_from(data, at[which - 1])
        fields[field] = change(fields[field], other[field]) % (1 << (32 if field < 2 else 64))
        PROGRAM_HEADER.pack_into(data, at[which], *fields)
        return bytes(data)
    return alter


WRONG = {
    "empty": lambda data: b"\0",
    "cut in its header": lambda data: data[:40],
    "cut in its program headers": lambda data: data[:100],
    "cut in a segment": lambda data: data[:len(data) // 2],
    "no magic": header(0, "<I", 0),
    "32 bits": header(4, "<B", 1),
    "big-endian": header(5, "<B", 2),
    "another machine": header(18, "<H", 243),
    "no program": header(16, "<H", 1),
    "program headers outside": header(32, "<Q", 1 << 40),
    "too many program headers": header(56, "<H", 60_000),
    "program headers of a wrong size": header(54, "<H", 20),
    "entry in no segment": header(24, "<Q", 0x7000_0000_0000),
    "segments overlap": segment(1, 3, lambda own, other: other),
    "segment in the kernel": segment(1, 3, lambda own, other: 0xFFFF_8000_0000_0000 + own % 4096),
    "segment wraps around": segment(1, 6, lambda own, other: (1 << 64) - 4096),
    "segment outside the file": segment(1, 2, lambda own, other: (1 << 30) + own % 4096),
    "more in the file than in memory": segment(1, 6, lambda own, other: 1),
    "writable and executable": segment(0, 1, lambda own, other: 7),
}
