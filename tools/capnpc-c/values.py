"""Types as C says them, and constants and defaults."""
import c
import message

PLAIN = {"bool": "bool", "int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "int64": "int64_t", "uint8": "uint8_t",
         "uint16": "uint16_t", "uint32": "uint32_t", "uint64": "uint64_t", "float32": "float", "float64": "double"}
LISTS = {"void": "void", "bool": "bool", "int8": "i8", "int16": "i16", "int32": "i32", "int64": "i64", "uint8": "u8",
         "uint16": "u16", "uint32": "u32", "uint64": "u64", "float32": "f32", "float64": "f64", "text": "text", "data": "data"}
ELEMENTS = {"struct": "CAPNP_STRUCTS", "enum": "CAPNP_2_BYTES"}


class Types:
    """How the types of one request are spelled."""

    def __init__(self, request, names):
        self.request, self.names = request, names

    def name(self, of):
        return self.names.type(self.request.node(of.id))

    def is_handle(self, of):
        return of.kind == "interface" or of.kind == "any" and of.any == "capability"

    def list_name(self, of):
        """What the functions of a list of these elements begin with."""
        if of.kind in ("struct", "enum", "interface"):
            return f"{self.name(of)}_list"
        return f"capnp_{LISTS.get(of.kind, 'pointer')}_list"

    def element(self, of):
        """How elements of a type of the schema's own lie in a list: enum capnp_element."""
        return ELEMENTS.get(of.kind, "CAPNP_POINTERS")

    def c(self, of):
        """The type of what a getter returns."""
        if of.kind in PLAIN:
            return PLAIN[of.kind]
        if of.kind == "enum":
            return f"enum {self.name(of)}"
        if of.kind in ("struct", "interface"):
            return f"struct {self.name(of)}"
        if of.kind == "list":
            return f"struct {self.list_name(of.element)}"
        if of.kind == "any":
            return "handle_t" if self.is_handle(of) else "struct capnp_pointer"
        return f"struct capnp_{of.kind}"

    def at(self, of, pointer):
        """An expression for what a pointer holds."""
        match of.kind:
            case "text" | "data":
                return f"capnp_{of.kind}_at({pointer})"
            case "list":
                return f"{self.list_name(of.element)}_at({pointer})"
            case "any":
                return f"capnp_handle_at({pointer})" if self.is_handle(of) else pointer
        return f"{self.name(of)}_at({pointer})"

    def schema_text(self, of):
        """As the schema says it; for comments on what generics are bound to."""
        match of.kind:
            case "list":
                return f"List({self.schema_text(of.element)})"
            case "enum" | "struct" | "interface":
                bound = [self.schema_text(b) if b else "AnyPointer" for scope in of.brand if scope.id == of.id
                         for b in scope.binds or []]
                return self.request.node(of.id).short_name + (f"({', '.join(bound)})" if bound else "")
            case "any":
                if of.parameter is None:
                    return {"any": "AnyPointer", "struct": "AnyStruct", "list": "AnyList", "capability": "Capability"}[of.any]
                scope = self.request.nodes.get(of.scope)
                return scope.parameters[of.parameter] if scope and of.parameter < len(scope.parameters) else "AnyPointer"
        return {"uint8": "UInt8", "uint16": "UInt16", "uint32": "UInt32", "uint64": "UInt64"}.get(of.kind, of.kind.capitalize())

    def plain_value(self, of, value):
        """A literal of a number, Bool or enum."""
        if of.kind == "bool":
            return "true" if value.value else "false"
        if of.kind == "enum":
            return self.enumerant(of, value.value)
        if of.kind.startswith("float"):
            return c.floating(value.value, of.kind == "float32")
        return c.integer(value.value, of.kind)

    def enumerant(self, of, number):
        node = self.request.node(of.id)
        if number < len(node.enumerants):
            return self.names.member(node, node.enumerants[number])
        return f"({self.c(of)}){number}"


def is_default(field):
    """Whether a field reads as zero, or as null, when nothing was set."""
    default = field.default
    if field.type.is_pointer():
        return default.value is None or default.value in ("", b"")
    return default.bits == 0


def text_literal(value):
    return f"CAPNP_TEXT({c.string(value.encode())})"


def data_literal(value):
    return f"(struct capnp_data){{(const uint8_t *){c.string(value)}, {len(value)}}}"


def default_words(value):
    """The words of a message that holds a struct or list."""
    return message.canonical(value)
