"""The schema in a CodeGeneratorRequest as a model of nodes, checked: what this module returns can be relied on.

The layouts (bit offsets, pointer indices, union tags) are those of /capnp/schema.capnp, which never change.
"""
import dataclasses
import struct

import message
from message import Message

NO_DISCRIMINANT = 0xFFFF

# Kinds of types and of values, by union tag.
KINDS = ("void", "bool", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "float32", "float64",
         "text", "data", "list", "enum", "struct", "interface", "any")
BITS = {"void": 0, "bool": 1, "int8": 8, "int16": 16, "int32": 32, "int64": 64, "uint8": 8, "uint16": 16, "uint32": 32,
        "uint64": 64, "float32": 32, "float64": 64, "enum": 16}
POINTERS = ("text", "data", "list", "struct", "interface", "any")
ANY_KINDS = ("any", "struct", "list", "capability")
NODE_KINDS = ("file", "struct", "enum", "interface", "const", "annotation")
TARGETS = ("file", "const", "enum", "enumerant", "struct", "field", "union", "group", "interface", "method", "param",
           "annotation")


class SchemaError(Exception):
    """The request says something that no schema can mean."""


@dataclasses.dataclass
class Type:
    """`kind` is one of KINDS. Of a list `element`; of an enum, struct or interface `id` and `brand`. An any-pointer is
    one of ANY_KINDS (`any`), or stands for parameter number `parameter` of the node `scope` (None: of a method)."""
    kind: str
    element: "Type" = None
    id: int = 0
    brand: list = dataclasses.field(default_factory=list)
    any: str = "any"
    scope: int = None
    parameter: int = None

    def is_pointer(self):
        return self.kind in POINTERS

    def bits(self):
        return BITS[self.kind]


@dataclasses.dataclass
class Scope:
    """What a brand binds the parameters of one node to: types (None: unbound), or `binds` is None: as where it stands."""
    id: int
    binds: list


@dataclasses.dataclass
class Value:
    """`value` is an int (also of bool, enum and the bits of floats in `bits`), float, str, bytes, or what a pointer
    points to (None, or a struct or list of the request)."""
    kind: str
    value: object
    bits: int = 0 # of data, as stored


@dataclasses.dataclass
class Annotation:
    id: int
    value: Value


@dataclasses.dataclass
class Member:
    """Of a struct, enum or interface; `order` is its place in the source."""
    name: str
    order: int
    annotations: list
    index: int
    doc: str = ""


@dataclasses.dataclass
class Field(Member):
    discriminant: int = None # within a union
    group: int = None        # id of the group that this field is, else:
    offset: int = 0          # in units of its size
    type: Type = None
    default: Value = None
    explicit_default: bool = False
    ordinal: int = None      # as the schema numbers it; groups and unions have none


@dataclasses.dataclass
class Enumerant(Member):
    pass


@dataclasses.dataclass
class Method(Member):
    params: int = 0
    results: int = 0
    params_brand: list = None
    results_brand: list = None
    type_parameters: list = None


@dataclasses.dataclass
class Node:
    """`kind` is one of NODE_KINDS and says which of the fields below the line mean anything."""
    id: int
    kind: str
    display_name: str
    short_name: str
    scope: int
    parameters: list
    generic: bool
    nested: list # (name, id)
    annotations: list
    source: object # the node's struct in the request
    doc: str = ""
    # ----
    data_words: int = 0
    pointers: int = 0
    element_size: int = 0
    is_group: bool = False
    discriminants: int = 0
    discriminant_offset: int = 0
    fields: list = dataclasses.field(default_factory=list)
    enumerants: list = dataclasses.field(default_factory=list)
    methods: list = dataclasses.field(default_factory=list)
    superclasses: list = dataclasses.field(default_factory=list)
    type: Type = None
    value: Value = None
    targets: set = dataclasses.field(default_factory=set)

    def members(self):
        return self.fields or self.enumerants or self.methods

    def plain_fields(self):
        """Outside the unnamed union, in the order of the source."""
        return sorted((f for f in self.fields if f.discriminant is None), key=lambda f: f.order)

    def union_fields(self):
        """Of the unnamed union, in the order of their discriminants."""
        return sorted((f for f in self.fields if f.discriminant is not None), key=lambda f: f.discriminant)


@dataclasses.dataclass
class File:
    id: int
    name: str
    imports: list # (name, id)


class Request:
    """nodes: by id. files: those asked for."""

    def __init__(self, data):
        try:
            self.read(Message.framed(data).root())
        except message.MessageError as error:
            raise SchemaError(f"the request is malformed: {error}") from None
        for node in self.nodes.values():
            self.check(node)

    def read(self, root):
        if not isinstance(root, message.Struct):
            raise SchemaError("the request has no root")
        self.nodes = {}
        for source in root.structs(0):
            node = read_node(source)
            if node.id in self.nodes:
                raise SchemaError(f"two nodes have the id {node.id:#x}")
            self.nodes[node.id] = node
        for source in root.structs(3):
            self.read_documentation(source)
        self.files = [File(file.uint(0, 64), file.text(0), [(i.text(0), i.uint(0, 64)) for i in file.structs(1)])
                      for file in root.structs(1)]
        version = root.struct(2)
        self.version = (version.uint(0, 16), version.uint(2, 8), version.uint(3, 8))

    def read_documentation(self, source):
        node = self.nodes.get(source.uint(0, 64))
        if node is None:
            return
        node.doc = source.text(0)
        for member, info in zip(node.members(), source.structs(1)):
            member.doc = info.text(0)

    # ---- checks ----

    def node(self, number, *kinds):
        """The node of this id, which is one of these kinds."""
        found = self.nodes.get(number)
        if found is None:
            raise SchemaError(f"there is no node {number:#x}")
        if kinds and found.kind not in kinds:
            raise SchemaError(f"{found.display_name} is a {found.kind}, where a {' or '.join(kinds)} belongs")
        return found

    def check(self, node):
        where = node.display_name
        for file in self.files:
            self.node(file.id, "file")
        seen, scope = {node.id}, node
        while scope.scope:
            scope = self.nodes.get(scope.scope)
            if scope is None:
                break # an import of which only parts are here
            if scope.id in seen:
                raise SchemaError(f"{where} is inside itself")
            seen.add(scope.id)
        if len({member.name for member in node.members()}) != len(node.members()):
            raise SchemaError(f"{where}: two members have one name")
        if any(not member.name for member in node.members()):
            raise SchemaError(f"{where}: a member has no name")
        if node.kind == "struct":
            self.check_struct(node, where)
        for method in node.methods:
            self.node(method.params, "struct")
            self.node(method.results, "struct")
        for above, _brand in node.superclasses:
            self.node(above, "interface")
        self.check_ancestors(node, where)
        if node.type is not None:
            self.check_type(node.type, where)
        if node.value is not None:
            self.check_value(node.type, node.value, where)

    def check_ancestors(self, node, where, above=()):
        if node.id in above:
            raise SchemaError(f"{where} inherits itself")
        for superclass, _brand in node.superclasses:
            self.check_ancestors(self.node(superclass, "interface"), where, (*above, node.id))

    def check_struct(self, node, where):
        discriminants = sorted(f.discriminant for f in node.fields if f.discriminant is not None)
        if len(discriminants) != node.discriminants or discriminants != list(range(len(discriminants))) or len(discriminants) == 1:
            raise SchemaError(f"{where}: the fields of its union are not numbered from 0 to {node.discriminants - 1}")
        if discriminants and 16 * (node.discriminant_offset + 1) > 64 * node.data_words:
            raise SchemaError(f"{where}: the discriminant is outside its data")
        for field in node.fields:
            name = f"{where}.{field.name}"
            if field.group is not None:
                group = self.node(field.group, "struct")
                if not group.is_group or group.scope != node.id or (group.data_words, group.pointers) != (node.data_words, node.pointers):
                    raise SchemaError(f"{name} is not a group of {where}")
                continue
            self.check_type(field.type, name)
            self.check_value(field.type, field.default, name)
            if field.type.is_pointer():
                if field.offset >= node.pointers:
                    raise SchemaError(f"{name} is outside the pointers of {where}")
            elif (field.offset + 1) * field.type.bits() > 64 * node.data_words:
                raise SchemaError(f"{name} is outside the data of {where}")

    def check_type(self, of, where):
        if of.kind in ("enum", "struct", "interface"):
            self.node(of.id, of.kind)
        elif of.kind == "list":
            self.check_type(of.element, where)
        for scope in of.brand:
            for bound in scope.binds or []:
                if bound is not None:
                    self.check_type(bound, where)

    def check_value(self, of, value, where):
        if value.kind != of.kind:
            raise SchemaError(f"{where} is of type {of.kind}, and its value of type {value.kind}")
        if value.kind == "struct" and not isinstance(value.value, (message.Struct, type(None))):
            raise SchemaError(f"the value of {where} is not a struct")
        if value.kind == "list" and not isinstance(value.value, (message.List, type(None))):
            raise SchemaError(f"the value of {where} is not a list")


# ---- from the request ----

def read_node(source):
    tag = source.uint(6, 16)
    if tag >= len(NODE_KINDS):
        raise SchemaError(f"a node of unknown kind {tag}")
    name, prefix = source.text(0), source.uint(2, 32)
    node = Node(source.uint(0, 64), NODE_KINDS[tag], name, name.encode()[prefix:].decode(errors="replace"), source.uint(2, 64),
                [p.text(0) for p in source.structs(5)], bool(source.uint(288, 1)),
                [(n.text(0), n.uint(0, 64)) for n in source.structs(1)], read_annotations(source, 2), source)
    match node.kind:
        case "struct":
            node.data_words, node.pointers = source.uint(7, 16), source.uint(12, 16)
            node.element_size, node.is_group = source.uint(13, 16), bool(source.uint(224, 1))
            node.discriminants, node.discriminant_offset = source.uint(15, 16), source.uint(8, 32)
            node.fields = [read_field(field, index) for index, field in enumerate(source.structs(3))]
        case "enum":
            node.enumerants = [Enumerant(e.text(0), e.uint(0, 16), read_annotations(e, 1), index)
                               for index, e in enumerate(source.structs(3))]
        case "interface":
            node.methods = [read_method(method, index) for index, method in enumerate(source.structs(3))]
            node.superclasses = [(s.uint(0, 64), read_brand(s.struct(0))) for s in source.structs(4)]
        case "const":
            node.type, node.value = read_type(source.struct(3)), read_value(source.struct(4))
        case "annotation":
            node.type = read_type(source.struct(3))
            node.targets = {target for index, target in enumerate(TARGETS) if source.uint(112 + index, 1)}
    return node


def read_annotations(source, index):
    return [Annotation(a.uint(0, 64), read_value(a.struct(0))) for a in source.structs(index)]


def read_field(source, index):
    discriminant = source.uint(1, 16) ^ NO_DISCRIMINANT
    field = Field(source.text(0), source.uint(0, 16), read_annotations(source, 1), index,
                  discriminant=None if discriminant == NO_DISCRIMINANT else discriminant,
                  ordinal=source.uint(6, 16) if source.uint(5, 16) == 1 else None)
    match source.uint(4, 16):
        case 0:
            field.offset, field.explicit_default = source.uint(1, 32), bool(source.uint(128, 1))
            field.type, field.default = read_type(source.struct(2)), read_value(source.struct(3))
        case 1:
            field.group = source.uint(2, 64)
        case tag:
            raise SchemaError(f"field {field.name} is of unknown kind {tag}")
    return field


def read_method(source, index):
    return Method(source.text(0), source.uint(0, 16), read_annotations(source, 1), index,
                  params=source.uint(1, 64), results=source.uint(2, 64), params_brand=read_brand(source.struct(2)),
                  results_brand=read_brand(source.struct(3)), type_parameters=[p.text(0) for p in source.structs(4)])


def read_type(source):
    tag = source.uint(0, 16)
    if tag >= len(KINDS):
        raise SchemaError(f"a type of unknown kind {tag}")
    kind = KINDS[tag]
    if kind == "list":
        return Type(kind, element=read_type(source.struct(0)))
    if kind in ("enum", "struct", "interface"):
        return Type(kind, id=source.uint(1, 64), brand=read_brand(source.struct(0)))
    if kind != "any":
        return Type(kind)
    match source.uint(4, 16):
        case 0 if source.uint(5, 16) < len(ANY_KINDS):
            return Type(kind, any=ANY_KINDS[source.uint(5, 16)])
        case 1:
            return Type(kind, scope=source.uint(2, 64), parameter=source.uint(5, 16))
        case 2:
            return Type(kind, parameter=source.uint(5, 16))
    raise SchemaError("an any-pointer of unknown kind")


def read_brand(source):
    scopes = []
    for scope in source.structs(0):
        inherit = scope.uint(4, 16) == 1
        binds = None if inherit else [read_type(b.struct(0)) if b.uint(0, 16) == 1 else None for b in scope.structs(0)]
        scopes.append(Scope(scope.uint(0, 64), binds))
    return scopes


def read_value(source):
    tag = source.uint(0, 16)
    if tag >= len(KINDS):
        raise SchemaError(f"a value of unknown kind {tag}")
    kind = KINDS[tag]
    if kind == "text":
        return Value(kind, source.text(0))
    if kind == "data":
        return Value(kind, source.bytes(0))
    if kind in ("list", "struct", "any"):
        return Value(kind, source.pointer(0))
    if kind in ("void", "interface"):
        return Value(kind, None)
    size = BITS[kind]
    bits = source.uint({1: 16, 8: 2, 16: 1, 32: 1, 64: 1}[size], size)
    value = bits
    if kind.startswith("int"):
        value = message.signed(bits, size)
    elif kind == "float32":
        value = struct.unpack("<f", bits.to_bytes(4, "little"))[0]
    elif kind == "float64":
        value = struct.unpack("<d", bits.to_bytes(8, "little"))[0]
    return Value(kind, value, bits)
