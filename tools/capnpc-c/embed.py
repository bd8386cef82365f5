"""The schema embedded in what is generated, so that a tool can decode and call anything by name."""
import c
import message
from names import snake


def table_name(base):
    return snake(base.removesuffix(".capnp")) + "_capnp"


def schemas(generated):
    """One `struct capnp_schema` for each type of the file, and the table of them."""
    out, names = [], generated.names
    nodes = generated.of_kind("struct", "interface", "enum")
    for node in nodes:
        name = names.type(node)
        words = message.canonical(node.source)
        others = [f"&{names.type(other)}_schema" for other in needed(generated, node)]
        out += ["", *c.words(f"{name}_node", words, "static const")]
        if others:
            out += [f"static const struct capnp_schema *const {name}_needs[] = {{",
                    *(f"    {other}," for other in others), "    nullptr,", "};"]
        out += [f"const struct capnp_schema {name}_schema = {{",
                f"    .id = {node.id:#x},",
                f"    .name = {c.string(node.display_name.encode())},",
                f"    .words = {name}_node,",
                f"    .word_count = {len(words)},",
                *([f"    .needs = {name}_needs,"] if others else []),
                "};"]
    out += ["", f"const struct capnp_schema *const {generated.table()}[] = {{",
            *(f"    &{names.type(node)}_schema," for node in nodes), "    nullptr,", "};"]
    return out


def needed(generated, node):
    """The types that a node refers to, itself not among them."""
    seen = {node.id: None}
    for number in generated.refers(node):
        seen.setdefault(number, None)
    for field in node.fields:
        if field.group is not None:
            seen.setdefault(field.group, None)
    del seen[node.id]
    return [generated.request.node(number) for number in seen]
