"""Random schemas, and random values in the text form of the standard tool.

What the tool prints in a way of its own is left out: a pointer in a union is never null.
"""

import random
import struct

RANGES = {f"{sign}Int{bits}": (-(1 << bits - 1), (1 << bits - 1) - 1) if not sign else (0, (1 << bits) - 1)
          for bits in (8, 16, 32, 64) for sign in ("", "U")}
LETTERS = "abz Z09_\u00e9\u20ac\u65e5'\"\\\n\t"
ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "'": "\\'"}


def number(rng, kind):
    low, high = RANGES[kind]
    return str(rng.choice((0, low, high, rng.randint(low, high), max(low, min(high, rng.randint(-9, 9))))))


def floating(rng, code, digits):
    """Any number of the format, to all its digits; often one that a person would write."""
    value = struct.unpack(f"<{code}", rng.randbytes(struct.calcsize(code)))[0]
    value = value if value == value else 0.5 # any other than a number that is none
    return rng.choice(("inf", "-inf", str(rng.randint(-4000, 4000) / 4), f"{value:.{digits}g}"))


def text(rng):
    letters = (rng.choice(LETTERS) for _ in range(rng.choice((0, 1, 6, 7, 8, 30))))
    return '"' + "".join(ESCAPES.get(letter, letter) for letter in letters) + '"'


def simple(rng, kind):
    """A value of a type that has a name of its own."""
    if kind in RANGES:
        return number(rng, kind)
    return {
        "Void": lambda: "void",
        "Bool": lambda: rng.choice(("true", "false")),
        "Float32": lambda: floating(rng, "f", 9),
        "Float64": lambda: floating(rng, "d", 17),
        "Text": lambda: text(rng),
        "Data": lambda: '0x"' + rng.randbytes(rng.choice((1, 7, 8, 20))).hex() + '"',
    }[kind]()


def listed(rng, one, longest=5):
    return "[" + ", ".join(one() for _ in range(rng.choice((0, 1, longest)))) + "]"


class RandomSchema:
    """`text`, the name of its `root` struct, and as many values of that as are asked for."""

    ENUM = "Choice"
    CHOICES = ("none", "someThing", "other", "last")
    SIMPLE = (*RANGES, "Void", "Bool", "Float32", "Float64", "Text", "Data", ENUM)

    def __init__(self, seed):
        self.rng = random.Random(seed)
        self.structs = {f"Struct{i}": None for i in range(self.rng.randint(1, 4))}
        for name in self.structs:
            self.ordinal = 0
            self.names = 0
            self.structs[name] = self.members(self.rng.randint(1, 12), 2)
        self.root = "Struct0"
        self.text = f"@0x{(1 << 63) + seed:x};\nenum {self.ENUM} {{ " + "".join(
            f"{choice} @{i}; " for i, choice in enumerate(self.CHOICES)) + "}\n"
        for name, members in self.structs.items():
            self.text += f"struct {name} {{\n{self.declare(members, 1)}}}\n"

    # ---- members: ("field", name, ordinal, type, default), ("group", name, members), ("union", name or None, members) ----

    def members(self, count, depth):
        made = []
        unnamed = False
        for _ in range(count):
            kind = self.rng.random()
            if depth > 0 and kind < 0.12:
                made.append(("group", self.name(), self.members(self.rng.randint(1, 4), depth - 1)))
            elif depth > 0 and kind < 0.25:
                name = None if not unnamed and self.rng.random() < 0.5 else self.name()
                unnamed = unnamed or name is None
                made.append(("union", name, [self.field(self.SIMPLE[:11]), self.field(),
                                             *self.alternatives(self.rng.randint(0, 3), depth - 1)]))
            else:
                made.append(self.field())
        return made

    def alternatives(self, count, depth):
        return [("group", self.name(), self.members(self.rng.randint(1, 3), depth)) if self.rng.random() < 0.4
                else self.field() for _ in range(count)]

    def name(self):
        self.names += 1
        return f"name{self.names}"

    def field(self, of=None):
        kind = self.rng.choice(of) if of else self.type(2)
        default = None
        if kind in self.SIMPLE and kind != "Void" and self.rng.random() < 0.4:
            default = self.rng.choice(self.CHOICES) if kind == self.ENUM else simple(self.rng, kind)
        self.ordinal += 1
        return ("field", self.name(), self.ordinal - 1, kind, default)

    def type(self, depth):
        kind = self.rng.random()
        if depth > 0 and kind < 0.3:
            return f"List({self.type(depth - 1)})"
        return self.rng.choice(list(self.structs)) if kind < 0.45 else self.rng.choice(self.SIMPLE)

    def declare(self, members, depth):
        indent = "  " * depth
        out = ""
        for kind, name, *rest in members:
            if kind == "field":
                ordinal, of, default = rest
                out += f"{indent}{name} @{ordinal} :{of}{'' if default is None else f' = {default}'};\n"
            else:
                head = "union" if name is None else f"{name} :{kind}"
                out += f"{indent}{head} {{\n{self.declare(rest[0], depth + 1)}{indent}}}\n"
        return out

    # ---- values ----

    def value(self):
        return self.of_members(self.structs[self.root], 3)

    def of_members(self, members, depth):
        return "(" + ", ".join(self.parts(members, depth)) + ")"

    def parts(self, members, depth):
        for kind, name, *rest in members:
            if kind == "group":
                yield f"{name} = {self.of_members(rest[0], depth)}"
            elif kind == "union":
                member = self.rng.choice(rest[0]) if depth > 0 else rest[0][0] # the first is a number: it ends there
                chosen = list(self.parts([member], depth))
                yield from chosen if name is None else [f"{name} = ({', '.join(chosen)})"]
            elif not rest[1].startswith("Struct") or depth > 0:
                yield f"{name} = {self.of_type(rest[1], depth)}"

    def of_type(self, kind, depth):
        if kind.startswith("List("):
            return listed(self.rng, lambda: self.of_type(kind[5:-1], depth - 1), 5 if depth > 0 else 0)
        if kind in self.structs:
            return self.of_members(self.structs[kind], depth - 1) if depth > 0 else "()"
        return self.rng.choice(self.CHOICES) if kind == self.ENUM else simple(self.rng, kind)


def random_everything(rng):
    """A value of everything.capnp."""
    def inner(depth=2):
        parts = [f"name = {text(rng)}", f"number = {number(rng, 'Int32')}"]
        parts += [f"next = {inner(depth - 1)}"] if depth > 0 and rng.random() < 0.5 else []
        return "(" + ", ".join(parts[rng.randint(0, 1):]) + ")"

    def of(kind):
        return lambda: simple(rng, kind)

    def colour():
        return rng.choice(("red", "green", "darkBlue"))

    unions = (lambda: "none = void", lambda: f"number = {number(rng, 'Int64')}", lambda: f"word = {text(rng)}",
              lambda: f"many = (first = false, rest = {listed(rng, inner)})")
    shapes = (lambda: "point = void", lambda: f"circle = {simple(rng, 'Float64')}",
              lambda: f"square = (width = {number(rng, 'UInt16')}, label = {text(rng)})",
              lambda: f"polygon = {listed(rng, inner)}")
    fields = {
        "flag": of("Bool"), "flagSet": of("Bool"), "i8": of("Int8"), "i16": of("Int16"), "i32": of("Int32"),
        "i64": of("Int64"), "u8": of("UInt8"), "u16": of("UInt16"), "u32": of("UInt32"), "u64": of("UInt64"),
        "f32": of("Float32"), "f64": of("Float64"), "colour": colour, "text": of("Text"), "data": of("Data"),
        "inner": inner, "position": lambda: f"(line = {number(rng, 'UInt32')}, file = {text(rng)})",
        "shape": lambda: f"({rng.choice(shapes)()})",
        "nested": lambda: listed(rng, lambda: listed(rng, lambda: listed(rng, of("UInt16")))),
        "nestedInners": lambda: listed(rng, lambda: listed(rng, inner)), "empty": lambda: "()",
        "self": lambda: f"(text = {text(rng)}, self = (u8 = 1))",
    }
    lists = {"numbers": of("Int32"), "bools": of("Bool"), "voids": of("Void"), "bytes": of("UInt8"), "shorts": of("Int16"),
             "longs": of("UInt64"), "floats": of("Float32"), "doubles": of("Float64"), "colours": colour,
             "texts": of("Text"), "datas": of("Data"), "inners": inner, "empties": lambda: "()"}
    fields |= {name: lambda one=one: listed(rng, one, rng.choice((2, 9, 70))) for name, one in lists.items()}
    chosen = [f"{name} = {make()}" for name, make in fields.items() if rng.random() < 0.6]
    return "(" + ", ".join([*chosen, rng.choice(unions)()]) + ")"
