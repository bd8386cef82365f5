"""As much of ELF64 as the build's tools need: sections, symbols, notes. Little-endian only."""

import collections
import struct

Section = collections.namedtuple("Section", "name type flags address offset size link info entry_size")
Symbol = collections.namedtuple("Symbol", "name value size kind section")

FLAG_ALLOCATED = 2
FLAG_EXECUTE = 4
SYMBOL_NOTYPE, SYMBOL_FUNCTION = 0, 2
SECTION_SYMBOLS = 2
SECTION_RELOCATIONS = 4
# Relocations (x86-64 psABI, table 4.9) that hold an address, in 64 bits and in 32 that are sign-extended.
X86_64_64, X86_64_32S = 1, 11


class ElfError(Exception):
    """The file is not what it should be; the text says how."""


class Elf:
    def __init__(self, data, name="file"):
        self.data, self.name = data, name
        if len(data) < 64 or data[:6] != b"\x7fELF\x02\x01":
            raise ElfError(f"{name}: not a little-endian ELF64 file")
        try:
            self._read_sections()
        except (struct.error, IndexError) as error:
            raise ElfError(f"{name}: damaged section headers ({error})") from error

    @classmethod
    def load(cls, path):
        with open(path, "rb") as file:
            return cls(file.read(), str(path))

    def _read_sections(self):
        offset, = struct.unpack_from("<Q", self.data, 40)
        entry_size, count, names_index = struct.unpack_from("<HHH", self.data, 58)
        raw = [struct.unpack_from("<IIQQQQIIQQ", self.data, offset + i * entry_size) for i in range(count)]
        names = raw[names_index] if raw else None
        self.sections = [Section(self.string(names[4], s[0]), *s[1:8], s[9])
                         for s in raw]

    def string(self, table_offset, at):
        start = table_offset + at
        return self.data[start:self.data.index(b"\0", start)].decode()

    def section(self, name):
        return next((s for s in self.sections if s.name == name), None)

    def symbols(self):
        for table in (s for s in self.sections if s.type == SECTION_SYMBOLS):
            strings = self.sections[table.link].offset
            for at in range(table.offset, table.offset + table.size, table.entry_size):
                name, info, _other, index, value, size = struct.unpack_from("<IBBHQQ", self.data, at)
                section = self.sections[index] if 0 < index < len(self.sections) else None
                yield Symbol(self.string(strings, name), value, size, info & 15, section)

    def relocations(self):
        """(address, type) of each place in loaded sections that the linker filled in; kept with --emit-relocs."""
        for table in (s for s in self.sections if s.type == SECTION_RELOCATIONS):
            if self.sections[table.info].flags & FLAG_ALLOCATED:
                for at in range(table.offset, table.offset + table.size, table.entry_size):
                    address, info = struct.unpack_from("<QQ", self.data, at)
                    yield address, info & 0xffffffff

    def build_id(self):
        """The 20 bytes of the GNU build id note."""
        note = self.section(".note.gnu.build-id")
        if note is None or note.size != 36:
            raise ElfError(f"{self.name}: has no SHA-1 build id")
        return self.data[note.offset + 16:note.offset + 36]
