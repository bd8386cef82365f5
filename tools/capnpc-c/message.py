"""Reads Cap'n Proto messages, with every pointer checked, and copies what they hold in canonical form.

This is the generator's own reader: what it reads is a CodeGeneratorRequest, whose layout schema.py knows. Nothing is
believed: a pointer out of its segment, a list that is counted larger than it is, and structures that are nested deeper
or read more often than any schema needs raise MessageError.
"""
import struct

WORD = 8
MAX_SEGMENTS = 512
MAX_DEPTH = 128            # of pointers below the root
READ_FACTOR = 64           # words that may be read for each word that there is; elements without a size count, too
EMPTY_ELEMENTS = 1 << 16   # and so many beyond that

# Sizes of list elements, as a list pointer says them.
VOID, BIT, BYTE, TWO_BYTES, FOUR_BYTES, EIGHT_BYTES, POINTER, COMPOSITE = range(8)
ELEMENT_BITS = {VOID: 0, BIT: 1, BYTE: 8, TWO_BYTES: 16, FOUR_BYTES: 32, EIGHT_BYTES: 64, POINTER: 64}


class MessageError(Exception):
    """The bytes are not a well-formed message."""


def words_of(bits):
    return -(-bits // 64)


class Message:
    """The segments of a message and how much of it may still be read."""

    def __init__(self, segments):
        self.segments = segments
        self.budget = READ_FACTOR * sum(len(segment) // WORD for segment in segments) + EMPTY_ELEMENTS

    @classmethod
    def framed(cls, data):
        """A stream of one message: the number of segments less one, their sizes in words, then the segments."""
        if len(data) < 4:
            raise MessageError("the message ends in its header")
        count = int.from_bytes(data[:4], "little") + 1
        header = (4 + 4 * count + 7) & ~7
        if count > MAX_SEGMENTS or header > len(data):
            raise MessageError(f"a header of {count} segments in {len(data)} bytes")
        segments, at = [], header
        for size in struct.unpack_from(f"<{count}I", data, 4):
            if size * WORD > len(data) - at:
                raise MessageError("a segment is larger than what is left of the message")
            segments.append(bytes(data[at:at + size * WORD]))
            at += size * WORD
        if at != len(data):
            raise MessageError(f"{len(data) - at} bytes after the message")
        return cls(segments)

    def root(self):
        return self.pointer(0, 0, 0)

    def spend(self, words):
        self.budget -= words
        if self.budget < 0:
            raise MessageError("the message is read more often than it is large")

    def word(self, segment, index):
        if not 0 <= segment < len(self.segments) or not 0 <= index < len(self.segments[segment]) // WORD:
            raise MessageError(f"word {index} of segment {segment} is not in the message")
        return int.from_bytes(self.segments[segment][index * WORD:index * WORD + WORD], "little")

    def within(self, segment, index, words):
        """Claims words of a segment for an object."""
        if not 0 <= segment < len(self.segments) or index < 0 or index + words > len(self.segments[segment]) // WORD:
            raise MessageError(f"an object of {words} words at word {index} of segment {segment} is not in the message")
        self.spend(words)

    def pointer(self, segment, index, depth):
        """What the pointer in this word points to: None, Struct, List or Capability."""
        if depth >= MAX_DEPTH:
            raise MessageError("pointers are nested too deeply")
        word = self.word(segment, index)
        if word == 0:
            return None
        kind, at = word & 3, index + 1 + signed(word >> 2 & 0x3FFF_FFFF, 30)
        if kind == 2:
            pad, segment = word >> 3 & 0x1FFF_FFFF, word >> 32
            wide = word >> 2 & 1
            self.within(segment, pad, 1 + wide)
            word = self.word(segment, pad + wide)
            at = pad + 1 + signed(word >> 2 & 0x3FFF_FFFF, 30)
            if wide:  # the pad says where the object begins, the tag beside it what it is
                landing = self.word(segment, pad)
                if landing & 7 != 2 or word >> 2 & 0x3FFF_FFFF:
                    raise MessageError("a landing pad is malformed")
                segment, at = landing >> 32, landing >> 3 & 0x1FFF_FFFF
            kind = word & 3
            if kind == 2:
                raise MessageError("a landing pad leads to another one")
        if kind == 3:
            if word >> 2 & 0x3FFF_FFFF:
                raise MessageError("a pointer of an unknown kind")
            return Capability(word >> 32)
        if kind == 0:
            return self.struct(segment, at, word >> 32 & 0xFFFF, word >> 48, depth)
        return self.list(segment, at, word >> 32 & 7, word >> 35, depth)

    def struct(self, segment, at, data_words, pointers, depth):
        self.within(segment, at, data_words + pointers)
        return Struct(self, segment, at, 64 * data_words, pointers, depth)

    def list(self, segment, at, size, count, depth):
        if size != COMPOSITE:
            self.within(segment, at, words_of(count * ELEMENT_BITS[size]))
            self.spend(count if size == VOID else 0)
            return List(self, segment, at, size, count, (ELEMENT_BITS[size], 0), depth)
        words = count
        self.within(segment, at, 1 + words)
        tag = self.word(segment, at)
        count, data_words, pointers = tag >> 2 & 0x3FFF_FFFF, tag >> 32 & 0xFFFF, tag >> 48
        if tag & 3 or count * (data_words + pointers) > words:
            raise MessageError("the tag of a list of structs is malformed")
        self.spend(count if data_words + pointers == 0 else 0)
        return List(self, segment, at + 1, size, count, (64 * data_words, pointers), depth)


def signed(value, bits):
    return value - (1 << bits) if value >> (bits - 1) else value


class Capability:
    def __init__(self, index):
        self.index = index


class Struct:
    """A struct in a message, or an element of a list that is read as one. Data is addressed by bit."""

    def __init__(self, message, segment, at, data_bits, pointers, depth, first_bit=0):
        self.message, self.segment, self.at = message, segment, at
        self.data_bits, self.pointers, self.depth, self.first_bit = data_bits, pointers, depth, first_bit

    def uint(self, offset, bits):
        """Unsigned, at a multiple of its size; 0 beyond the end of the data."""
        offset_bits = offset * bits
        if offset_bits + bits > self.data_bits:
            return 0
        word, shift = divmod(self.first_bit + offset_bits, 64)
        return self.message.word(self.segment, self.at + word) >> shift & (1 << bits) - 1

    def pointer(self, index):
        if index >= self.pointers:
            return None
        return self.message.pointer(self.segment, self.at + self.data_bits // 64 + index, self.depth + 1)

    def expect(self, index, kind):
        found = self.pointer(index)
        if found is not None and not isinstance(found, kind):
            raise MessageError(f"pointer {index} leads to a {type(found).__name__}, not to a {kind.__name__}")
        return found

    def struct(self, index):
        """The struct there; one without anything in it when there is none."""
        return self.expect(index, Struct) or Struct(self.message, self.segment, self.at, 0, 0, self.depth + 1)

    def structs(self, index):
        found = self.expect(index, List)
        return found.structs() if found else []

    def bytes(self, index):
        found = self.expect(index, List)
        return found.bytes() if found else b""

    def text(self, index):
        return text_of(self.expect(index, List))

    def data_word(self, index):
        return self.uint(index, 64)


class List:
    def __init__(self, message, segment, at, size, count, step, depth):
        self.message, self.segment, self.at, self.size, self.count = message, segment, at, size, count
        self.step, self.depth = step, depth

    def element(self, index):
        """An element as a struct of its own, whatever the list holds."""
        data_bits, pointers = self.step
        if self.size == COMPOSITE:
            at = self.at + index * (data_bits // 64 + pointers)
            return Struct(self.message, self.segment, at, data_bits, pointers, self.depth)
        if self.size == POINTER:
            return Struct(self.message, self.segment, self.at + index, 0, 1, self.depth)
        return Struct(self.message, self.segment, self.at, data_bits, 0, self.depth, index * data_bits)

    def structs(self):
        if self.size == BIT:
            raise MessageError("a list of bits stands for structs")
        return [self.element(index) for index in range(self.count)]

    def bytes(self):
        if self.size != BYTE:
            raise MessageError("a list of other elements stands for bytes")
        begin = self.at * WORD
        return self.message.segments[self.segment][begin:begin + self.count]


def text_of(found):
    """The text in a list of bytes that ends in a NUL; of no list the empty one."""
    if found is None:
        return ""
    raw = found.bytes()
    if raw[-1:] != b"\0":
        raise MessageError("a text does not end in a NUL")
    try:
        return raw[:-1].decode()
    except UnicodeDecodeError as error:
        raise MessageError(f"a text is not UTF-8: {error}") from None


class Canonical:
    """Builds one segment in canonical form: objects in the order in which they are reached, without what is zero
    at their ends."""

    def __init__(self):
        self.out = bytearray(WORD)

    def put(self, at, target):
        """Writes the pointer at this byte, and what it points to behind all that is there."""
        if target is None:
            return
        if isinstance(target, Capability):
            raise MessageError("a capability in a value of the schema")
        if isinstance(target, Struct):
            self.put_struct(at, target)
        else:
            self.put_list(at, target)

    def reserve(self, words):
        begin = len(self.out)
        self.out += bytes(words * WORD)
        return begin

    def write(self, at, word):
        self.out[at:at + WORD] = word.to_bytes(WORD, "little")

    def link(self, at, begin, kind, upper):
        offset = (begin - at) // WORD - 1
        self.write(at, kind | (offset & 0x3FFF_FFFF) << 2 | upper << 32)

    def put_struct(self, at, source):
        data, pointers = trimmed(source)
        begin = self.reserve(data + pointers)
        self.link(at, begin if data + pointers else at, 0, data | pointers << 16)
        self.fill(begin, source, data, pointers)

    def fill(self, begin, source, data, pointers):
        for index in range(data):
            self.write(begin + index * WORD, source.data_word(index))
        for index in range(pointers):
            self.put(begin + (data + index) * WORD, source.pointer(index))

    def put_list(self, at, source):
        if source.size != COMPOSITE:
            bits = source.count * ELEMENT_BITS[source.size]
            begin = self.reserve(words_of(bits))
            self.link(at, begin, 1, source.size | source.count << 3)
            if source.size == POINTER:
                for index in range(source.count):
                    self.put(begin + index * WORD, source.element(index).pointer(0))
                return
            value = int.from_bytes(source.message.segments[source.segment][source.at * WORD:][:len(self.out) - begin],
                                   "little") & (1 << bits) - 1
            self.out[begin:] = value.to_bytes(len(self.out) - begin, "little")
            return
        sizes = [trimmed(element) for element in source.structs()]
        data, pointers = (max((size[which] for size in sizes), default=0) for which in (0, 1))
        begin = self.reserve(1 + source.count * (data + pointers))
        self.link(at, begin, 1, COMPOSITE | source.count * (data + pointers) << 3)
        self.write(begin, source.count << 2 | data << 32 | pointers << 48)
        for index, element in enumerate(source.structs()):
            self.fill(begin + WORD + index * (data + pointers) * WORD, element, data, pointers)


def trimmed(source):
    """Words of data and pointers of a struct without those that are zero at the end of each."""
    data, pointers = source.data_bits // 64, source.pointers
    while data and source.data_word(data - 1) == 0:
        data -= 1
    while pointers and source.pointer(pointers - 1) is None:
        pointers -= 1
    return data, pointers


def canonical(target):
    """A message of one segment whose root is this struct or list: its words."""
    copy = Canonical()
    copy.put(0, target)
    return list(struct.unpack(f"<{len(copy.out) // WORD}Q", copy.out))
