"""Random schemas and values of them, in Cap'n Proto's own text: the same for the same seed.

    schema = RandomSchema(seed)
    schema.text                  a file with enums, groups, unions, lists of lists, defaults; its struct Root is the whole
    schema.plain_text            the same without defaults
    tree = schema.value(random)  a value of Root
    schema.write(tree)           as `capnp encode` takes it
    schema.explicit(tree)        with all defaults written out: what it means by the schema without them
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
    default: object = None  # a value


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
        for self.below, body in enumerate(self.structs.values()):
            self.defaults(body)
        self.below = len(self.structs)
        ident = self.random.getrandbits(63) | 1 << 63
        self.text, self.plain_text = (self.file_text(ident ^ plain, plain) for plain in (False, True))

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
            elif self.random.random() < 0.3 and self.usable(field.type):
                field.default = self.make(field.type, self.random, MAX_DEPTH - 1)

    def usable(self, of):
        """Whether a value may have this type. In the defaults of a struct only structs before it: no default is in itself."""
        while isinstance(of, tuple):
            of = of[1]
        return isinstance(of, Group) or of not in self.structs or self.struct_names.index(of) < self.below

    # ---- its text ----

    def file_text(self, ident, plain):
        return "\n".join([f"@{ident:#x};", *map(self.enum_text, self.enums),
                          *(f"struct {name} {{\n{self.group_text(self.structs[name], plain)}}}" for name in self.struct_names)]) + "\n"

    def type_text(self, of):
        return f"List({self.type_text(of[1])})" if isinstance(of, tuple) else of

    def enum_text(self, name):
        return f"enum {name} {{ " + " ".join(f"{e} @{i};" for i, e in enumerate(self.enums[name])) + " }"

    def group_text(self, group, plain):
        out = "".join(self.field_text(field, plain) for field in group.fields)
        return out + ("union {\n" + "".join(self.field_text(field, plain) for field in group.union) + "}\n" if group.union else "")

    def field_text(self, field, plain):
        if isinstance(field.type, Group):
            return f"{field.name} :{'union' if field.type.is_union else 'group'} {{\n{self.group_text(field.type, plain)}}}\n"
        default = "" if field.default is None or plain else f" = {self.write(field.default)}"
        return f"{field.name} @{field.ordinal} :{self.type_text(field.type)}{default};\n"

    # ---- values: a dict of a struct or group, a list, or text ----

    def value(self, source):
        return self.make("Root", source, 0)

    def make(self, of, source, depth):
        if isinstance(of, Group):
            return self.make_group(of, source, depth)
        if isinstance(of, tuple):
            count = 0 if depth >= MAX_DEPTH else source.choice((0, 1, 1, 2, 3, 3, 9))
            return [self.make(of[1], source, depth + 1) for _ in range(count)]
        if of in self.structs:
            return self.make_group(self.structs[of], source, depth + 1) if depth < MAX_DEPTH else {}
        if of in self.enums:
            return source.choice(self.enums[of])
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

    def make_group(self, group, source, depth):
        fields = [source.choice(group.fields)] if group.is_union else [f for f in group.fields if source.random() < 0.8]
        if group.union:
            fields.append(source.choice(group.union))
        return {field.name: self.make(field.type, source, depth) for field in fields
                if self.usable(field.type) and (depth < MAX_DEPTH or isinstance(field.type, Group) or field.type in PLAIN
                                                or field.type in self.enums)}

    def write(self, tree):
        if isinstance(tree, list):
            return "[" + ", ".join(self.write(element) for element in tree) + "]"
        if isinstance(tree, dict):
            return "(" + ", ".join(f"{name} = {self.write(value)}" for name, value in tree.items()) + ")"
        return tree

    def explicit(self, tree, of="Root"):
        if isinstance(of, tuple):
            return [self.explicit(element, of[1]) for element in tree]
        group = of if isinstance(of, Group) else self.structs.get(of)
        if group is None:
            return tree
        out = {}
        for members, one in ((group.fields, group.is_union), (group.union, True)):
            if one and members and not any(field.name in tree for field in members):
                members = [min(members, key=self.first_ordinal)]  # what the discriminant 0 stands for
            elif one:
                members = [field for field in members if field.name in tree]
            for field in members:
                if field.name in tree:
                    out[field.name] = self.explicit(tree[field.name], field.type)
                elif isinstance(field.type, Group):
                    out[field.name] = self.explicit({}, field.type)
                elif field.default is not None:
                    out[field.name] = self.explicit(field.default, field.type)
        return out

    def first_ordinal(self, field):
        if isinstance(field.type, Group):
            return min(self.first_ordinal(inside) for inside in field.type.fields + field.type.union)
        return field.ordinal
