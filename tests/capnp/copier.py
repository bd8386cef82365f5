"""Writes C that copies a struct field by field, with nothing but the functions that tools/capnpc-c generates: what comes
out must be what went in. tests/capnp/round_trip.c is the program around it.

With `target` it copies to the structs of that file instead, which are the same without defaults: what is not there is
copied as what it reads as."""
import sys

sys.dont_write_bytecode = True
import names  # noqa: E402
import schema  # noqa: E402
import values  # noqa: E402


class Copier:
    """`text`: the source, which defines copy_message() for the struct `root` of the file `base`.capnp."""

    def __init__(self, request, base, root, target=None):
        self.base, self.target = base, target or base
        self.request = schema.Request(request)
        self.names = names.Names(self.request)
        self.types = values.Types(self.request, self.names)
        structs = [node for node in self.request.nodes.values() if node.kind == "struct"]
        out = [*(f'#include "{name}.capnp.h"' for name in sorted({base, self.target})), '#include "tests/capnp/round_trip.h"', ""]
        for node in structs:
            out.append(f"{self.head(node)};")
        for node in structs:
            out += ["", f"{self.head(node)} {{", *(f"    {line}" for line in self.body(node)), "}"]
        name = self.names.type(next(node for node in structs if node.short_name == root))
        self.text = "\n".join([*out, "", f"uint64_t root_type_id(void) {{ return {name.upper()}_ID; }}",
                               "void copy_message(struct capnp_message *from, struct capnp_builder *to) {",
                               f"    copy_{name}({name}_root(from), {self.to(name)}_init_root(to));", "}"]) + "\n"

    def to(self, name):
        """The same type of the other file."""
        return self.target + name.removeprefix(self.base) if name.startswith(self.base) else name

    def head(self, node):
        name = self.names.type(node)
        return f"[[maybe_unused]] static void copy_{name}(struct {name} from, struct {self.to(name)}_builder to)"

    def body(self, node):
        out = [line for field in node.plain_fields() for line in self.field(node, field)]
        if node.discriminants:
            out.append(f"switch ({self.names.type(node)}_which(from)) {{")
            for field in node.union_fields():
                out += [f"case {self.names.member(node, field)}: {{", *(f"    {line}" for line in self.field(node, field)),
                        "    break;", "}"]
            out.append("default: break;")
            out.append("}")
        return out or ["(void)from;", "(void)to;"]

    def field(self, node, field):
        name, own = self.names.type(node), self.names.field(field)
        to = self.to(name)
        get, put = f"{name}_get_{own}(from)", f"{to}_set_{own}(to"
        in_union = field.discriminant is not None
        if field.group is not None:
            group = self.names.type(self.request.node(field.group))
            return [f"copy_{group}({get}, {to}_{'init' if in_union else 'edit'}_{own}(to));"]
        of = field.type
        if of.kind == "void":
            return [f"{put});"] if in_union else []
        if not of.is_pointer():
            return [f"{put}, {self.cast(of, get)});"]
        if of.kind in ("text", "data"):
            inner = [f"{put}, {get});"]
        elif of.kind == "struct":
            inner = [f"copy_{self.types.name(of)}({get}, {to}_init_{own}(to));"]
        elif of.kind == "list":
            inner = self.list(of, get, lambda count: f"{to}_init_{own}(to, {count})", 0)
        else:
            inner = []
        if self.target != self.base and field.explicit_default:
            return ["{", *(f"    {line}" for line in inner), "}"]
        otherwise = ["} else {", f"    {to}_clear_{own}(to);", "}"] if in_union else ["}"]
        return [f"if ({name}_has_{own}(from)) {{", *(f"    {line}" for line in inner), *otherwise]

    def cast(self, of, value):
        return f"(enum {self.to(self.types.name(of))}){value}" if of.kind == "enum" and self.target != self.base else value

    def list(self, of, get, init, depth):
        name, element = self.types.list_name(of.element), of.element
        to = self.to(name)
        source, target, i = f"source{depth}", f"target{depth}", f"i{depth}"
        out = [f"struct {name} {source} = {get};",
               f"struct {to}_builder {target} = {init(f'{name}_count({source})')};"]
        inside = self.element(element, name, source, target, i, depth)
        if not inside:
            return [*out, f"(void){target};"]
        return [*out, f"for (uint32_t {i} = 0; {i} < {name}_count({source}); {i}++) {{", *(f"    {line}" for line in inside), "}"]

    def element(self, element, name, source, target, i, depth):
        get = f"{name}_get({source}, {i})"
        match element.kind:
            case "void":
                return []
            case "struct":
                return [f"copy_{self.types.name(element)}({get}, {self.to(name)}_edit({target}, {i}));"]
            case "text" | "data":
                return [f"if (!capnp_is_null(capnp_list_pointer({source}.list, {i}))) {{",
                        f"    {name}_set({target}, {i}, {get});", "}"]
            case "list":
                inner = self.list(element, f"{self.types.list_name(element.element)}_at(pointer{depth})",
                                  lambda count: f"{self.to(self.types.list_name(element.element))}_init_at({name}_edit({target}, {i}), {count})",
                                  depth + 1)
                return [f"struct capnp_pointer pointer{depth} = {get};", f"if (!capnp_is_null(pointer{depth})) {{",
                        *(f"    {line}" for line in inner), "}"]
        return [f"{self.to(name)}_set({target}, {i}, {self.cast(element, get)});"]
