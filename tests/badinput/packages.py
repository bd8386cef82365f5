"""Boot packages taken apart, altered and put together again (abi/boot_package.h, tools/mkpkg.py)."""

import struct

import mkpkg

HEADER_FIELDS = {"magic": (0, 8), "version": (8, 4), "entry_count": (12, 4), "total_bytes": (16, 8), "checksum": (24, 8),
                 "build_id": (32, 20), "reserved": (52, 12)}
ENTRY_FIELDS = {"name": (0, 40), "kind": (40, 4), "zero": (44, 4), "offset": (48, 8), "length": (56, 8)}


class Package:
    def __init__(self, data):
        self.data = bytearray(data)

    @classmethod
    def load(cls, path):
        return cls(path.read_bytes())

    def copy(self):
        return Package(self.data)

    @property
    def build_id(self):
        return bytes(self.data[32:52])

    def entry_at(self, index):
        return mkpkg.HEADER.size + index * mkpkg.ENTRY.size

    def entries(self):
        """[(name, kind, data)] in the table's order."""
        count, = struct.unpack_from("<I", self.data, 12)
        found = []
        for index in range(count):
            name, kind, _zero, offset, length = mkpkg.ENTRY.unpack_from(self.data, self.entry_at(index))
            found.append((name.rstrip(b"\0").decode(), kind, bytes(self.data[offset:offset + length])))
        return found

    def index(self, name):
        return [entry[0] for entry in self.entries()].index(name)

    def range_of(self, name):
        _name, _kind, _zero, offset, length = mkpkg.ENTRY.unpack_from(self.data, self.entry_at(self.index(name)))
        return offset, length

    def with_entries(self, entries):
        return Package(mkpkg.build(entries, self.build_id))

    def replacing(self, name, data):
        return self.with_entries([(n, k, data if n == name else d) for n, k, d in self.entries()])

    def without(self, name):
        return self.with_entries([entry for entry in self.entries() if entry[0] != name])

    def poke(self, offset, value, size):
        self.data[offset:offset + size] = (value % (1 << 8 * size)).to_bytes(size, "little")
        return self

    def sealed(self):
        mkpkg.seal(self.data)
        return self
