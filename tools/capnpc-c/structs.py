"""Readers, builders and lists of structs, and the field accessors (docs/decisions/capnp-c.md, What a schema becomes)."""
import c
import kernel
import values
from names import Taken, variable

LOCALS = ("at", "badge", "builder", "count", "index", "len", "list", "message", "request", "rights", "value")
MINT = (("struct rpc_request *", "request"), ("rights_t", "rights"), ("uint64_t", "badge"))


class Structs:
    """Writes what a struct, group, enum or interface has in the header: `lines`. What a field's default needs beside
    them goes to `words`: (name, words)."""

    def __init__(self, request, names, taken: Taken):
        self.request, self.names, self.taken = request, names, taken
        self.types = values.Types(request, names)
        self.lines, self.words = [], []
        self.minting = set() # results, whose capabilities a service may mint as they go

    def function(self, owner, result, name, params, *body, doc=()):
        self.taken.take(name, owner)
        self.lines += [*doc, *c.function(result, name, params, body)]

    def constant(self, owner, kind, name, value):
        self.taken.take(name, owner)
        self.lines += c.wrap(f"constexpr {kind} {name} = {value};")

    # ---- what each type has ----

    def declare(self, node):
        """Declarations that everything else refers to."""
        name, owner = self.names.type(node), node.display_name
        bodies = {"interface": [("", "handle_t handle;"), ("_target", "struct rpc_target target;")], "enum": [],
                  "struct": [("", "struct capnp_struct s;"), ("_builder", "struct capnp_struct_builder s;")]}[node.kind]
        lists = [] if not self.has_list(node) else [("_list", "struct capnp_list list;"), ("_list_builder", "struct capnp_list_builder list;")]
        for suffix, member in bodies + lists:
            self.taken.take(f"struct {name}{suffix}", owner)
            whole = f"struct {name}{suffix} {{ {member} }};"
            self.lines += [whole] if len(whole) <= c.COLUMNS else [f"struct {name}{suffix} {{", f"    {member}", "};"]

    def has_list(self, node):
        """Groups are in their struct, and what a method made for itself is in a message of its own."""
        return not node.is_group and not (node.kind == "struct" and node.scope == 0)

    def whole(self, node):
        """From and to pointers, messages and lists, for a struct that is no group."""
        name, upper, owner = self.names.type(node), self.names.upper(node), node.display_name
        reader, builder, var = f"struct {name}", f"struct {name}_builder", self.names.short(node, LOCALS)
        self.lines += c.comment(node.doc)
        self.constant(owner, "uint64_t", f"{upper}_ID", f"{node.id:#x}")
        self.constant(owner, "uint16_t", f"{upper}_DATA_WORDS", node.data_words)
        self.constant(owner, "uint16_t", f"{upper}_POINTERS", node.pointers)
        self.lines.append("")
        at, at_builder = [("struct capnp_pointer", "at")], [("struct capnp_pointer_builder", "at")]
        self.function(owner, reader, f"{name}_at", at, f"return ({reader}){{capnp_struct_at(at)}};")
        self.function(owner, reader, f"{name}_root", [("struct capnp_message *", "message")],
                      f"return {name}_at(capnp_root(message));")
        self.function(owner, builder, f"{name}_init_at", at_builder,
                      f"return ({builder}){{capnp_init_struct(at, {upper}_DATA_WORDS, {upper}_POINTERS)}};")
        self.function(owner, builder, f"{name}_edit_at", at_builder,
                      f"return ({builder}){{capnp_edit_struct(at, {upper}_DATA_WORDS, {upper}_POINTERS, nullptr)}};")
        self.function(owner, builder, f"{name}_init_root", [("struct capnp_builder *", "builder")],
                      f"return {name}_init_at(capnp_init_root(builder));")
        self.function(owner, reader, f"{name}_read", [(builder, var)], f"return ({reader}){{capnp_read_struct({var}.s)}};")
        if self.has_list(node):
            self.struct_list(node)

    def struct_list(self, node):
        name, upper, owner = self.names.type(node), self.names.upper(node), node.display_name
        reader, builder = f"struct {name}_list", f"struct {name}_list_builder"
        self.list_ends(owner, name, "CAPNP_STRUCTS")
        self.function(owner, f"struct {name}", f"{name}_list_get", [(reader, "list"), ("uint32_t", "index")],
                      f"return (struct {name}){{capnp_list_struct(list.list, index)}};")
        size = f"{upper}_DATA_WORDS, {upper}_POINTERS"
        self.function(owner, builder, f"{name}_list_init_at", [("struct capnp_pointer_builder", "at"), ("uint32_t", "count")],
                      f"return ({builder}){{capnp_init_struct_list(at, {size}, count)}};")
        self.function(owner, builder, f"{name}_list_edit_at", [("struct capnp_pointer_builder", "at")],
                      f"return ({builder}){{capnp_edit_struct_list(at, {size}, nullptr)}};")
        self.function(owner, f"struct {name}_builder", f"{name}_list_edit", [(builder, "list"), ("uint32_t", "index")],
                      f"return (struct {name}_builder){{capnp_list_edit_struct(list.list, index)}};")

    def list_ends(self, owner, name, element):
        reader, builder = f"struct {name}_list", f"struct {name}_list_builder"
        self.function(owner, reader, f"{name}_list_at", [("struct capnp_pointer", "at")],
                      f"return ({reader}){{capnp_list_at(at, {element})}};")
        self.function(owner, "uint32_t", f"{name}_list_count", [(reader, "list")], "return list.list.count;")
        self.function(owner, "uint32_t", f"{name}_list_builder_count", [(builder, "list")], "return list.list.count;")
        self.function(owner, reader, f"{name}_list_read", [(builder, "list")],
                      f"return ({reader}){{capnp_read_list(list.list)}};")

    def enum(self, node):
        name, owner = self.names.type(node), node.display_name
        self.taken.take(f"enum {name}", owner)
        self.lines += [*c.comment(node.doc), f"enum {name} : uint16_t {{"]
        for enumerant in sorted(node.enumerants, key=lambda e: e.order):
            member = self.names.member(node, enumerant)
            self.taken.take(member, f"{owner}.{enumerant.name}")
            self.lines += with_comment(f"    {member} = {enumerant.index},", enumerant.doc)
        if not node.enumerants:
            self.lines.append(f"    {name.upper()}_NONE_ = 0, // there is none yet, and C has no empty enums")
        self.lines.append("};")

    def enum_list(self, node):
        name, owner = self.names.type(node), node.display_name
        reader, builder = f"struct {name}_list", f"struct {name}_list_builder"
        self.constant(owner, "uint64_t", f"{self.names.upper(node)}_ID", f"{node.id:#x}")
        self.lines.append("")
        self.list_ends(owner, name, "CAPNP_2_BYTES")
        self.function(owner, f"enum {name}", f"{name}_list_get", [(reader, "list"), ("uint32_t", "index")],
                      f"return (enum {name})capnp_u16_list_get((struct capnp_u16_list){{list.list}}, index);")
        self.function(owner, builder, f"{name}_list_init_at", [("struct capnp_pointer_builder", "at"), ("uint32_t", "count")],
                      f"return ({builder}){{capnp_u16_list_init_at(at, count).list}};")
        self.function(owner, builder, f"{name}_list_edit_at", [("struct capnp_pointer_builder", "at")],
                      f"return ({builder}){{capnp_u16_list_edit_at(at).list}};")
        self.function(owner, "void", f"{name}_list_set", [(builder, "list"), ("uint32_t", "index"), (f"enum {name}", "value")],
                      "capnp_u16_list_set((struct capnp_u16_list_builder){list.list}, index, value);")

    def handle(self, node):
        """A capability as a field or an element of a list."""
        name, owner = self.names.type(node), node.display_name
        reader, builder = f"struct {name}_list", f"struct {name}_list_builder"
        self.lines += c.comment(node.doc)
        self.constant(owner, "uint64_t", f"{self.names.upper(node)}_ID", f"{node.id:#x}")
        self.lines.append("")
        self.function(owner, f"struct {name}", f"{name}_at", [("struct capnp_pointer", "at")],
                      f"return (struct {name}){{capnp_handle_at(at)}};")
        self.list_ends(owner, name, "CAPNP_POINTERS")
        self.function(owner, f"struct {name}", f"{name}_list_get", [(reader, "list"), ("uint32_t", "index")],
                      f"return {name}_at(capnp_pointer_list_get((struct capnp_pointer_list){{list.list}}, index));")
        self.function(owner, builder, f"{name}_list_init_at", [("struct capnp_pointer_builder", "at"), ("uint32_t", "count")],
                      f"return ({builder}){{capnp_pointer_list_init_at(at, count).list}};")
        self.function(owner, builder, f"{name}_list_edit_at", [("struct capnp_pointer_builder", "at")],
                      f"return ({builder}){{capnp_pointer_list_edit_at(at).list}};")
        for verb in ("set", "give"):
            element = "capnp_pointer_list_edit((struct capnp_pointer_list_builder){list.list}, index)"
            self.function(owner, "void", f"{name}_list_{verb}",
                          [(builder, "list"), ("uint32_t", "index"), (f"struct {name}", "value")],
                          f"capnp_{verb}_handle({element}, value.handle);")

    # ---- fields ----

    def fields(self, node):
        name, owner = self.names.type(node), node.display_name
        if node.is_group:
            self.lines += c.comment(node.doc)
            var = self.names.short(node, LOCALS)
            self.function(owner, f"struct {name}", f"{name}_read", [(f"struct {name}_builder", var)],
                          f"return (struct {name}){{capnp_read_struct({var}.s)}};")
        for field in node.plain_fields():
            Accessors(self, node, field).write()
        if node.discriminants:
            self.which(node)
        for field in node.union_fields():
            Accessors(self, node, field).write()

    def which(self, node):
        name, owner, var = self.names.type(node), node.display_name, self.names.short(node, LOCALS)
        self.taken.take(f"enum {name}_which", owner)
        self.lines += ["", f"enum {name}_which : uint16_t {{"]
        for field in node.union_fields():
            tag = self.names.member(node, field)
            self.taken.take(tag, f"{owner}.{field.name}")
            self.lines.append(f"    {tag} = {field.discriminant},")
        self.lines.append("};")
        self.function(owner, f"enum {name}_which", f"{name}_which", [(f"struct {name}", var)],
                      f"return (enum {name}_which)capnp_get_u16({var}.s, {2 * node.discriminant_offset});")


def with_comment(line, doc):
    """A short comment stands behind the line, a long one above it."""
    lines = c.comment(doc)
    if len(lines) == 1 and len(line) + 1 + len(lines[0]) <= c.COLUMNS:
        return [f"{line} {lines[0]}"]
    indent = " " * (len(line) - len(line.lstrip()))
    return [indent + comment for comment in lines] + [line]


class Accessors:
    """The functions of one field."""

    def __init__(self, structs, node, field):
        self.out, self.node, self.field = structs, node, field
        self.types, names = structs.types, structs.names
        self.type_name = names.type(node)
        self.name = names.field(field)
        self.var = names.short(node, LOCALS)
        self.reader, self.builder = (f"struct {self.type_name}", self.var), (f"struct {self.type_name}_builder", self.var)
        self.owner = f"{node.display_name}.{field.name}"
        self.tag = []
        if field.discriminant is not None:
            self.tag = [f"capnp_put_u16({self.var}.s, {2 * node.discriminant_offset}, {names.member(node, field)});"]
        self.doc = c.comment(field.doc)
        if field.group is None and field.type.kind in ("struct", "interface", "list", "any"):
            text = structs.types.schema_text(field.type)
            if "(" in text.removeprefix("List(") or field.type.parameter is not None:
                self.doc += c.comment(text)
        self.doc.insert(0, "")

    def add(self, result, verb, params, *body):
        """One function; the first has the field's comment."""
        self.out.function(self.owner, result, f"{self.type_name}_{verb}_{self.name}", params, *body, doc=self.doc)
        self.doc = []

    def write(self):
        if self.field.group is not None:
            self.group()
        elif self.field.type.kind == "void":
            if self.tag:
                self.add("void", "set", [self.builder], *self.tag)
        elif self.field.type.is_pointer():
            self.pointer()
        else:
            self.plain()

    def plain(self):
        field, of = self.field, self.field.type
        kind = self.types.c(of)
        if of.kind.startswith("float"):
            self.floating(of, kind)
            return
        if of.kind == "bool":
            flip = "!" if field.default.bits else ""
            get = f"{flip}capnp_get_bool({self.var}.s, {field.offset})"
            put = f"capnp_put_bool({self.var}.s, {field.offset}, {flip}value);"
        else:
            get, put = self.number(of, kind)
        self.add(kind, "get", [self.reader], f"return {get};")
        self.add("void", "set", [self.builder, (kind, "value")], *self.tag, put)

    def floating(self, of, kind):
        """By its bits, which a program without floating-point registers can handle, and by its value."""
        bits, var = of.bits(), self.var
        raw = f"uint{bits}_t"
        mask = f" ^ {self.field.default.bits:#x}" if self.field.default.bits else ""
        place = f"{var}.s, {self.field.offset * bits // 8}"
        self.add(raw, "bits", [self.reader], f"return capnp_get_u{bits}({place}){mask};")
        self.add("void", "put_bits", [self.builder, (raw, "value")], *self.tag, f"capnp_put_u{bits}({place}, value{mask});")
        self.add(kind, "get", [self.reader], f"return capnp_f{bits}({self.type_name}_bits_{self.name}({var}));")
        self.add("void", "set", [self.builder, (kind, "value")],
                 f"{self.type_name}_put_bits_{self.name}({var}, capnp_f{bits}_bits(value));")

    def number(self, of, kind):
        """Stored XORed with the default, so that zero bits read as the default."""
        bits, mask = of.bits(), ""
        if self.field.default.bits:
            value = self.types.enumerant(of, self.field.default.bits) if of.kind == "enum" else f"{self.field.default.bits:#x}"
            mask = f" ^ {value}"
        place = f"{self.var}.s, {self.field.offset * bits // 8}"
        get = f"capnp_get_u{bits}({place})"
        if not of.kind.startswith("uint") or mask and bits < 32:
            get = f"({kind})({get}{mask})" if mask else f"({kind}){get}"
        else:
            get += mask
        value = f"value{mask}"
        if bits < 32 and mask and of.kind != "enum":
            value = f"(uint{bits}_t)({value})"
        elif of.kind.startswith("int"):
            value = f"(uint{bits}_t){value}"
        return get, f"capnp_put_u{bits}({place}, {value});"

    def pointer(self):
        field, of = self.field, self.field.type
        kind = self.types.c(of)
        get = f"capnp_get_pointer({self.var}.s, {field.offset})"
        edit = f"capnp_edit_pointer({self.var}.s, {field.offset})"
        fallback = self.fallback()
        if of.kind == "any" and fallback:
            self.add(kind, "get", [self.reader], f"struct capnp_pointer found = {get};",
                     f"return capnp_is_null(found) ? capnp_constant({fallback}) : found;")
        else:
            self.add(kind, "get", [self.reader], f"return {self.read(of, get, fallback)};")
        self.add("bool", "has", [self.reader], f"return capnp_has({self.var}.s, {field.offset});")
        if of.kind in ("text", "data"):
            self.add("void", "set", [self.builder, (kind, "value")], *self.tag, f"capnp_set_{of.kind}({edit}, value);")
            made = "char *" if of.kind == "text" else "uint8_t *"
            self.add(made, "init", [self.builder, ("uint32_t", "len")], *self.tag, f"return capnp_init_{of.kind}({edit}, len);")
        elif self.types.is_handle(of):
            value = "value.handle" if of.kind == "interface" else "value"
            for verb in ("set", "give"):
                self.add("void", verb, [self.builder, (kind, "value")], *self.tag, f"capnp_{verb}_handle({edit}, {value});")
            if of.kind == "interface" and self.node.id in self.out.minting and not kernel.is_object(self.types.request.node(of.id)):
                mint = f"(struct rpc_mint){{badge, {self.types.name(of).upper()}_ID, rights}}"
                self.add("void", "mint", [self.builder, *MINT], *self.tag, f"rpc_mint(request, {edit}, {mint});")
        else:
            self.container(of, kind, edit, fallback)
        self.add("void", "clear", [self.builder], *self.tag, f"capnp_clear({edit});")

    def container(self, of, kind, edit, fallback):
        """A struct, a list, or any of them."""
        if of.kind == "any":
            filled = [] if fallback is None else [f"if (capnp_is_null(capnp_read_pointer({edit}))) {{",
                                                  f"    capnp_set_pointer({edit}, capnp_constant({fallback}));", "}"]
            self.add("struct capnp_pointer_builder", "edit", [self.builder], *self.tag, *filled, f"return {edit};")
            self.add("void", "set", [self.builder, (kind, "value")], *self.tag, f"capnp_set_pointer({edit}, value);")
            return
        made = f"{kind}_builder"
        if of.kind == "list":
            name = self.types.list_name(of.element)
            self.add(made, "init", [self.builder, ("uint32_t", "count")], *self.tag, f"return {name}_init_at({edit}, count);")
            self.add(made, "edit", [self.builder], *self.tag, f"return {self.edit_list(of, name, edit, fallback)};")
            self.add("void", "set", [self.builder, (kind, "value")], *self.tag, f"capnp_set_list({edit}, value.list);")
            return
        name = self.types.name(of)
        self.add(made, "init", [self.builder], *self.tag, f"return {name}_init_at({edit});")
        if fallback:
            size = f"{name.upper()}_DATA_WORDS, {name.upper()}_POINTERS"
            again = f"({made}){{capnp_edit_struct({edit}, {size}, {fallback})}}"
        else:
            again = f"{name}_edit_at({edit})"
        self.add(made, "edit", [self.builder], *self.tag, f"return {again};")
        self.add("void", "set", [self.builder, (kind, "value")], *self.tag, f"capnp_set_struct({edit}, value.s);")

    def edit_list(self, of, name, edit, fallback):
        if fallback is None:
            return f"{name}_edit_at({edit})"
        made = f"(struct {name}_builder)"
        match of.element.kind:
            case "struct":
                upper = self.types.name(of.element).upper()
                return f"{made}{{capnp_edit_struct_list({edit}, {upper}_DATA_WORDS, {upper}_POINTERS, {fallback})}}"
            case "enum":
                return f"{made}{{capnp_edit_list({edit}, CAPNP_2_BYTES, {fallback})}}"
        return f"{name}_edit_or({edit}, {fallback})"

    def fallback(self):
        """How the default is named in C; None where it is nothing."""
        field = self.field
        if values.is_default(field):
            return None
        if field.type.kind == "text":
            return values.text_literal(field.default.value)
        if field.type.kind == "data":
            return values.data_literal(field.default.value)
        name = f"{self.type_name}_default_{self.name}"
        words = values.default_words(field.default.value)
        self.out.taken.take(name, self.owner)
        self.out.words.append((name, words))
        self.doc += c.wrap(f"extern const uint64_t {name}[{len(words)}];")
        return name

    def read(self, of, get, fallback):
        if fallback is None:
            return self.types.at(of, get)
        if of.kind in ("text", "data"):
            return f"capnp_{of.kind}_or({get}, {fallback})"
        if of.kind == "struct":
            return f"({self.types.c(of)}){{capnp_struct_or({get}, {fallback})}}"
        if of.kind == "list":
            if of.element.kind in ("struct", "enum"):
                return f"({self.types.c(of)}){{capnp_list_or({get}, {self.types.element(of.element)}, {fallback})}}"
            return f"{self.types.list_name(of.element)}_or({get}, {fallback})"
        raise AssertionError(of.kind)

    # ---- groups ----

    def group(self):
        node = self.out.request.node(self.field.group)
        name = self.out.names.type(node)
        reader, builder = f"struct {name}", f"struct {name}_builder"
        self.add(reader, "get", [self.reader], f"return ({reader}){{{self.var}.s}};")
        self.add(builder, "edit", [self.builder], *self.tag, f"return ({builder}){{{self.var}.s}};")
        if self.tag:
            self.add(builder, "init", [self.builder], *self.tag, *self.zeroed(node), f"return ({builder}){{{self.var}.s}};")

    def zeroed(self, group):
        """Statements that empty a group: its fields, and those of the groups in it, as far as they do not overlap."""
        data, pointers = set(), set()
        self.collect(group, data, pointers)
        kept = [place for place in data
                if not any(other != place and other[0] <= place[0] and place[0] + place[1] <= other[0] + other[1] for other in data)]
        out = []
        for offset, bits in sorted(kept):
            out.append(f"capnp_put_bool({self.var}.s, {offset}, false);" if bits == 1 else
                       f"capnp_put_u{bits}({self.var}.s, {offset // 8}, 0);")
        return out + [f"capnp_clear(capnp_edit_pointer({self.var}.s, {index}));" for index in sorted(pointers)]

    def collect(self, group, data, pointers):
        if group.discriminants:
            data.add((16 * group.discriminant_offset, 16))
        for field in group.fields:
            if field.group is not None:
                self.collect(self.out.request.node(field.group), data, pointers)
            elif field.type.is_pointer():
                pointers.add(field.offset)
            elif field.type.bits():
                data.add((field.offset * field.type.bits(), field.type.bits()))
