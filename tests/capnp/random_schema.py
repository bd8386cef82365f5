"""Random schemas and values of them, in Cap'n Proto's own text: the same for the same seed.

    schema = RandomSchema(seed)
    schema.text                  a file with enums, nested structs, groups, unions, lists of lists, defaults
    schema.value(random)         a value of its struct Root, as `capnp encode` takes it
"""
import dataclasses
import random

INTEGERS = {"Int8": (-1 << 7, (1 << 7) - 1), "Int16": (-1 << 15, (1 << 15) - 1), "Int32": (-1 << 31, (1 << 31) - 1),
            "Int64": (-1 << 63, (1 << 63) - 1), "UInt8": (0, (1 << 8) - 1), "UInt16": (0, (1 << 16) - 1),
            "UInt32": (0, (1 << 32) - 1), "UInt64": (0, (1 << 64) - 1)}
PLAIN = ("Void", "Bool", *INTEGERS, "Float32", "Float64")
FLOATS = ("0", "-0.0", "1", "-2.5", "1e-30", "3.25e20", "inf", "-inf", "nan", "0.1")
WORDS = ("alpha", "beta", "gamma", "delta", "int", "value", "list", "other", "last", "which")
TEXTS = ("", "x", "seven77", "eight888", "nine 9999", "\\x01\\n\\\"", "♫ é ✓", "a longer text that takes several words")
MAX_DEPTH = 3   # of values


@dataclasses.dataclass
class Field:
    name: str
    ordinal: int
    type: object             # a name, ("List", type), or a Group
    default: str = None


@dataclasses.dataclass
class Group:
    """Also the body of a struct. `is_union`: one of the fields; `union`: the unnamed union among them."""
    fields: list
    is_union: bool = False
    union: list = dataclasses.field(default_factory=list)


class RandomSchema:
    def __init__(self, seed):
        self.random = random.Random(seed)
        self.number = 0
        self.enums = {f"Enum{i}": [self.name(j) for j in range(self.random.randint(1, 6))]
                      for i in range(self.random.randint(1, 3))}
        self.struct_names = [f"Struct{i}" for i in range(self.random.randint(1, 5))] + ["Root"]
        self.structs = {}
        for name in self.struct_names:
            self.structs[name] = self.struct()
        for body in self.structs.values():
            self.defaults(body)
        ident = self.random.getrandbits(63) | 1 << 63
        self.text = "\n".join([f"@{ident:#x};", *map(self.enum_text, self.enums),
                               *(self.struct_text(name) for name in self.struct_names)]) + "\n"

    # ---- the schema ----

    def name(self, number):
        word = self.random.choice(WORDS)
        return f"{word}{self.random.choice(('', 'Of', 'HTTP'))}{'ABCDEFGHIJ'[number % 10]}{number // 10 or ''}"

    def type(self, depth=0):
        kind = self.random.random()
        if kind < 0.45:
            return self.random.choice(PLAIN)
        if kind < 0.55:
            return self.random.choice(list(self.enums))
        if kind < 0.70:
            return self.random.choice(("Text", "Data"))
        if kind < 0.82 or depth == 3:
            return self.random.choice(self.struct_names)
        return ("List", self.type(depth + 1))

    def struct(self):
        self.ordinals = 0
        body = self.group(0)
        numbers = list(range(self.ordinals))
        self.random.shuffle(numbers)
        self.number_fields(body, iter(numbers))
        return body

    def group(self, depth, is_union=False):
        count = self.random.randint(2 if is_union else 1, 6 if depth else 10)
        fields = [self.field(i, depth) for i in range(count)]
        group = Group(fields, is_union)
        if not is_union and self.random.random() < 0.3:
            group.union = [self.field(count + i, depth) for i in range(self.random.randint(2, 5))]
        return group

    def field(self, number, depth):
        if depth < 2 and self.random.random() < 0.12:
            return Field(self.name(number), None, self.group(depth + 1, self.random.random() < 0.6))
        self.ordinals += 1
        return Field(self.name(number), 0, self.type())

    def number_fields(self, group, numbers):
        for field in group.fields + group.union:
            if isinstance(field.type, Group):
                self.number_fields(field.type, numbers)
            else:
                field.ordinal = next(numbers)

    def defaults(self, group):
        for field in group.fields + group.union:
            if isinstance(field.type, Group):
                self.defaults(field.type)
            elif self.random.random() < 0.3:
                field.default = self.value_text(field.type, self.random, MAX_DEPTH - 1)

    def type_text(self, of):
        return f"List({self.type_text(of[1])})" if isinstance(of, tuple) else of

    def enum_text(self, name):
        return f"enum {name} {{ " + " ".join(f"{e} @{i};" for i, e in enumerate(self.enums[name])) + " }"

    def struct_text(self, name):
        return f"struct {name} {{\n" + self.group_text(self.structs[name], "  ") + "}"

    def group_text(self, group, indent):
        out = "".join(self.field_text(field, indent) for field in group.fields)
        if group.union:
            out += f"{indent}union {{\n" + "".join(self.field_text(f, indent + "  ") for f in group.union) + f"{indent}}}\n"
        return out

    def field_text(self, field, indent):
        if isinstance(field.type, Group):
            kind = "union" if field.type.is_union else "group"
            return f"{indent}{field.name} :{kind} {{\n{self.group_text(field.type, indent + '  ')}{indent}}}\n"
        default = f" = {field.default}" if field.default is not None else ""
        return f"{indent}{field.name} @{field.ordinal} :{self.type_text(field.type)}{default};\n"

    # ---- values ----

    def value(self, source):
        return self.struct_value("Root", source, 0)

    def struct_value(self, name, source, depth):
        return self.group_value(self.structs[name], source, depth)

    def group_value(self, group, source, depth):
        fields = [source.choice(group.fields)] if group.is_union else \
                 [field for field in group.fields if source.random() < 0.8]
        if group.union:
            fields.append(source.choice(group.union))
        parts = []
        for field in fields:
            if isinstance(field.type, Group):
                parts.append(f"{field.name} = {self.group_value(field.type, source, depth)}")
            elif depth < MAX_DEPTH or field.type in PLAIN or field.type in self.enums:
                parts.append(f"{field.name} = {self.value_text(field.type, source, depth)}")
        return f"({', '.join(parts)})"

    def value_text(self, of, source, depth):
        if isinstance(of, tuple):
            count = 0 if depth >= MAX_DEPTH else source.choice((0, 1, 1, 2, 3, 3, 9))
            return "[" + ", ".join(self.value_text(of[1], source, depth + 1) for _ in range(count)) + "]"
        if of in self.enums:
            return source.choice(self.enums[of])
        if of in self.structs:
            return self.struct_value(of, source, depth + 1) if depth < MAX_DEPTH else "()"
        if of in INTEGERS:
            low, high = INTEGERS[of]
            return str(source.choice((low, high, 0, 1, source.randint(low, high))))
        match of:
            case "Void":
                return "void"
            case "Bool":
                return source.choice(("true", "false"))
            case "Text":
                return f'"{source.choice(TEXTS)}"'
            case "Data":
                count = source.choice((0, 1, 7, 8, 9, 20))
                return f'0x"{source.randbytes(count).hex()}"' if count else '""' # the compiler does not read 0x""
        return source.choice(FLOATS)
