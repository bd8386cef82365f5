"""A constant of type System as the compiled manifest: evaluated by the standard tool, with the lines of its source. A constant of
type Schema, a system's settings, in the same way."""
import os
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(pathlib.Path(__file__).resolve().parent), str(ROOT / "tools" / "capnpc-c")]
import message  # noqa: E402
import schema  # noqa: E402
from advice import Advisor, nearest  # noqa: E402
from places import Scope, Sources  # noqa: E402

KINDS = {"system": "Manifest.System", "settings": "Config.Schema"}  # constant: its type
SCHEMAS = tuple(ROOT / "idl" / name for name in ("manifest.capnp", "config.capnp"))
IMPORTS = [ROOT, pathlib.Path("/usr/local/include"), pathlib.Path("/usr/include")]
COMPILERS = ("line", "source", "sources")  # fields that only the compiler fills in
STEP = re.compile(r"(\w+)(?:\[(\d+)\])?")


class ManifestError(Exception):
    """What is wrong, in lines that begin with file, line and column."""


def compile_(path):
    """What the standard tool says of the file: a request, and complaints."""
    environment = {name: value for name, value in os.environ.items() if name != "PWD"}  # it may be another folder's
    done = subprocess.run(["capnp", "compile", f"-I{ROOT}", "-o-", str(path)], stdin=subprocess.DEVNULL, capture_output=True,
                          env=environment)
    complaints = list(dict.fromkeys(done.stderr.decode().splitlines()))  # it says each thing twice
    return (schema.Request(done.stdout) if done.returncode == 0 and done.stdout else None), complaints


def request_of(path):
    request, complaints = compile_(path)
    if request is None:
        source = pathlib.Path(path).read_text(errors="replace") if pathlib.Path(path).is_file() else ""
        nodes = [node for file in SCHEMAS for node in compile_(file)[0].nodes.values()]
        raise ManifestError("\n".join(map(Advisor(source, nodes).advised, complaints)))
    return request


def constant_of(request, path, constant):
    """The constant's value, and the node of its type."""
    file = request.files[0]
    for name, number in request.node(file.id).nested:
        node = request.nodes.get(number)
        if name == constant and node is not None and node.kind == "const":
            of = request.nodes.get(node.type.id) if node.type.kind == "struct" else None
            if of is None or of.short_name != KINDS[constant].split(".")[1]:
                raise ManifestError(f"{path}:1:1: error: the constant `{constant}` is not of type `{KINDS[constant]}`; write "
                                    f"`{KINDS[constant].split('.')[1]}` instead of `{of.short_name if of else node.type.kind}`")
            return node.value.value, of
    raise ManifestError(f"{path}:1:1: error: there is no constant `{constant}`; {advice_on_missing(request, file, constant)}")


def advice_on_missing(request, file, constant):
    constants = {name: request.nodes[number].type for name, number in request.node(file.id).nested
                 if number in request.nodes and request.nodes[number].kind == "const"}
    others = {name for name, type_ in constants.items()
              if type_.kind == "struct" and request.nodes[type_.id].short_name == KINDS[constant].split(".")[1]}
    near = nearest(constant, others) or min(others, default=None)
    return f"write `{constant}` instead of `{near}`" if near else f"add `const {constant} :{KINDS[constant]} = (...);`"


def text_list(texts):
    """A list of texts as one that is in a message."""
    out = bytearray(message.WORD * (1 + len(texts)))
    struct.pack_into("<Q", out, 0, 1 | message.POINTER << 32 | len(texts) << 35)
    for index, text in enumerate(texts):
        at, data = message.WORD * (1 + index), text.encode() + b"\0"
        offset = (len(out) - at) // message.WORD - 1
        struct.pack_into("<Q", out, at, 1 | offset << 2 | message.BYTE << 32 | len(data) << 35)
        out += data + bytes(-len(data) % message.WORD)
    return message.Message([bytes(out)]).root()


class WithSources(message.Struct):
    """The system, with the list of its sources in place of what it has there."""

    def __init__(self, system, index, texts):
        super().__init__(system.message, system.segment, system.at, system.data_bits, system.pointers, system.depth)
        self.index, self.texts = index, texts

    def pointer(self, index):
        return self.texts if index == self.index else super().pointer(index)


class Compiler:
    def __init__(self, path, constant="system"):
        self.path, self.names = path, []
        self.request = request_of(path)
        self.system, self.type = constant_of(self.request, path, constant)
        self.sources = Sources(IMPORTS)
        self.literal = self.sources.constant(path, constant)
        segments = self.system.message.segments
        segments[:] = map(bytearray, segments)

    def compiled(self):
        """The bytes of the manifest, with its lines."""
        self.walk_struct(self.system, self.type, self.literal, self.literal.place)
        index = next(field.offset for field in self.type.fields if field.name == "sources")
        words = message.canonical(WithSources(self.system, index, text_list(self.names)))
        return struct.pack(f"<{len(words)}Q", *words)

    def source(self, place):
        """The number of the file among the sources."""
        path = place.path.resolve()
        name = str(path.relative_to(ROOT)) if path.is_relative_to(ROOT) else path.name
        if name not in self.names:
            self.names.append(name)
        return self.names.index(name)

    # ---- value and source, side by side ----

    def expect(self, held, value, what):
        """What is found in the source must be what the compiler found, or the lines would be those of something else."""
        if not held:
            raise ManifestError(f"{value.place}: error: cannot follow this in the source: {what}")

    def walk(self, pointer, of, value, place):
        """What a pointer leads to. `value` is None where it is a default, which is `place`d around it."""
        literal = None if value is None else self.sources.literal(value)
        self.expect(not isinstance(literal, Scope), value, "a name of a value is expected")
        if literal is not None:
            place = literal.place
        if pointer is None or literal is not None and literal.kind == "other":
            return
        if of.kind == "struct":
            self.walk_struct(pointer, self.request.node(of.id), literal, place)
        elif of.kind == "list" and of.element.is_pointer():
            elements = [None] * pointer.count if literal is None else literal.elements
            self.expect(elements is not None and len(elements) == pointer.count, literal, f"{pointer.count} elements")
            for index, element in enumerate(elements):
                item = pointer.element(index) if of.element.kind == "struct" else pointer.element(index).pointer(0)
                self.walk(item, of.element, element, place)
        elif of.kind == "text" and literal is not None:
            self.expect(literal.text == message.text_of(pointer).encode(), literal, "a text")

    def walk_struct(self, found, node, literal, place):
        fields = {}
        if literal is not None:
            self.expect(literal.kind == "struct", literal, f"fields of {node.short_name}")
            fields = literal.fields
        for name in COMPILERS:
            if name in fields:
                raise ManifestError(f"{fields[name][0]}: error: `{name}` is filled in by the compiler; leave it out")
        for name, (where, _value) in fields.items():
            self.expect(name in {field.name for field in node.fields}, literal, f"{where}: {name}")
        tag = found.uint(node.discriminant_offset, 16) if node.discriminants else None
        for field in node.fields:
            _where, value = fields.get(field.name, (None, None))
            if field.discriminant is not None and field.discriminant != tag:
                continue
            if field.group is not None:
                inner = value and self.sources.literal(value)
                self.walk_struct(found, self.request.node(field.group), inner, place)
            elif field.name in ("line", "source") and not field.type.is_pointer():
                self.poke(found, field, place.line if field.name == "line" else self.source(place))
            elif field.type.is_pointer():
                self.walk(found.pointer(field.offset), field.type, value, place)

    def poke(self, found, field, number):
        size = field.type.bits() // 8
        begin = found.at * message.WORD + field.offset * size
        found.message.segments[found.segment][begin:begin + size] = number.to_bytes(size, "little")

    # ---- mistakes ----

    def place(self, where):
        """Where this stands ("services[3].grants[0].name"), or what it is in, as far as it is written out."""
        place, literal = self.literal.place, self.literal
        for member, index in STEP.findall(where):
            if literal.kind != "struct" or member not in literal.fields:
                break
            place, value = literal.fields[member]
            literal = self.sources.literal(value) if value.kind != "name" or index else value
            if index:
                if literal.kind != "list" or int(index) >= len(literal.elements):
                    break
                literal = self.sources.literal(literal.elements[int(index)])
                place = literal.place
        return place


def check(compiler, compiled, checker):
    """The system's own reader looks at it, as init will."""
    with tempfile.NamedTemporaryFile(prefix="tessera-manifest-") as file:
        file.write(compiled)
        file.flush()
        done = subprocess.run([checker, file.name], stdin=subprocess.DEVNULL, capture_output=True, text=True)
    if done.returncode != 0:
        where, _colon, what = done.stderr.strip().partition(": ")
        raise ManifestError(f"{compiler.place(where)}: error: {what or done.stderr}")
