"""A contract as a page of the manual, in Markdown; and what in it has no documentation comment.

Each declaration has a heading by which `man` finds it: `Log`, `Log.query`, `Log.Stats`.
"""
import re
import textwrap

import names
import schema
import values
from calls import STREAM_RESULT

CODE_COLUMNS = 72 # of a code block, which the manual shifts to the right
TOGETHER = "\x1f"  # stands for a blank at which no line is broken
KINDS = {"interface": "an interface", "struct": "a struct", "enum": "an enum", "const": "a constant", "annotation": "an annotation"}


class Contract:
    """One requested file."""

    def __init__(self, request, file):
        self.request, self.root = request, request.node(file.id, "file")
        self.names = names.Names(request)
        self.types = values.Types(request, self.names)
        self.declared = [(self.path(node), node) for node in self.inside(self.root)]

    def inside(self, node):
        """Everything declared in a node, in the order of the source."""
        for _name, number in node.nested:
            if number in self.request.nodes:
                yield self.request.nodes[number]
                yield from self.inside(self.request.nodes[number])

    def path(self, node):
        """Log.Stats"""
        return node.display_name.split(":", 1)[1]

    # ---- what is missing ----

    def complaints(self, source):
        """Lines FILE:LINE: what has no comment."""
        lines = positions(source.read_text(encoding="utf-8")) if source.is_file() else {}
        undocumented = [(path, KINDS[node.kind]) for path, node in self.declared if not node.doc.strip()]
        undocumented += [(f"{path}.{method.name}", "a method") for path, node in self.declared for method in node.methods
                         if not method.doc.strip()]
        if not self.root.doc.strip():
            undocumented.append(("", "the file"))
        return [f"{self.root.display_name}:{lines.get(path, 1)}: {kind} without a documentation comment"
                f"{': ' if path else ''}{path}" for path, kind in sorted(undocumented, key=lambda one: lines.get(one[0], 1))]

    # ---- the page ----

    def text(self):
        out = [f"# {self.root.display_name.rsplit('/', 1)[-1].removesuffix('.capnp')}", "", *prose(self.root.doc)]
        for path, node in self.declared:
            write = {"interface": self.interface, "struct": self.struct, "enum": self.enum, "const": self.constant,
                     "annotation": self.annotation}[node.kind]
            out += [f"{'#' * (2 + path.count('.'))} {path}", "", *write(path, node)]
        return "\n".join(out) + "\n"

    def interface(self, path, node):
        above = [self.request.node(number).short_name for number, _brand in node.superclasses]
        extends = f" extends({', '.join(above)})" if above else ""
        out = [*code([f"interface {node.short_name} @{node.id:#018x}{extends}"]), *prose(node.doc)]
        for method in sorted(called(node), key=lambda m: m.order):
            out += [f"{'#' * (3 + path.count('.'))} {path}.{method.name}", "", *code(self.signature(method)), *prose(method.doc)]
        return out

    def signature(self, method):
        """query @1 (after :UInt64) -> (more :Bool) $repeatable"""
        params, results = self.tuple(method.params), self.tuple(method.results)
        line = f"{method.name} @{method.index} {params} -> {results}{self.annotations(method)}"
        lines = textwrap.wrap(line, CODE_COLUMNS, subsequent_indent="    ", break_long_words=False, break_on_hyphens=False)
        return [line.replace(TOGETHER, " ") for line in lines]

    def tuple(self, number):
        """The parameters or results of a method."""
        if number == STREAM_RESULT:
            return "stream"
        node = self.request.node(number)
        if node.scope != 0:
            return node.short_name
        fields = sorted(node.fields, key=lambda f: f.order)
        return f"({', '.join(self.field(field).replace(' ', TOGETHER) for field in fields)})"

    def struct(self, path, node):
        return [*code([f"struct {node.short_name}"]), *prose(node.doc), *self.fields(node, ""), ""]

    def fields(self, node, indent):
        """One item each; of a union and a group those that are in it, below it."""
        out = []
        for field in node.plain_fields():
            if field.group is not None:
                group = self.request.node(field.group)
                kind = "union" if group.discriminants and not group.plain_fields() else "group"
                out += [item(indent, f"{field.name} :{kind}", field.doc), *self.fields(group, indent + "  ")]
            else:
                out.append(item(indent, self.field(field, numbered=True), field.doc))
        union = node.union_fields()
        if union:
            named = node.is_group and not node.plain_fields()
            deeper = indent if named else indent + "  "
            out += [] if named else [f"{indent}- one of:"]
            for field in union:
                if field.group is not None:
                    out += [item(deeper, f"{field.name} :group", field.doc), *self.fields(self.request.node(field.group), deeper + "  ")]
                else:
                    out.append(item(deeper, self.field(field, numbered=True), field.doc))
        return out

    def field(self, field, numbered=False):
        if field.group is not None:
            return f"{field.name} :group"
        number = f" @{field.ordinal}" if numbered and field.ordinal is not None else ""
        default = "" if not field.explicit_default else f" = {self.value(field.type, field.default)}"
        return f"{field.name}{number} :{self.types.schema_text(field.type)}{default}{self.annotations(field)}"

    def enum(self, path, node):
        out = [*code([f"enum {node.short_name}"]), *prose(node.doc)]
        return [*out, *(item("", f"{e.name} @{e.index}", e.doc) for e in sorted(node.enumerants, key=lambda e: e.order)), ""]

    def constant(self, path, node):
        line = f"const {node.short_name} :{self.types.schema_text(node.type)} = {self.value(node.type, node.value)}"
        return [*code([line]), *prose(node.doc)]

    def annotation(self, path, node):
        targets = "*" if len(node.targets) == len(schema.TARGETS) else ", ".join(t for t in schema.TARGETS if t in node.targets)
        return [*code([f"annotation {node.short_name} ({targets}) :{self.types.schema_text(node.type)}"]), *prose(node.doc)]

    def annotations(self, of):
        """ $maxBytes(1024)"""
        out = ""
        for annotation in of.annotations:
            node = self.request.nodes.get(annotation.id)
            if node is not None:
                given = "" if annotation.value.kind == "void" else f"({self.value(node.type, annotation.value)})"
                out += f" ${node.short_name}{given}"
        return out

    def value(self, of, value):
        """As the schema says it; what is longer than a line is left out."""
        match value.kind:
            case "bool":
                return "true" if value.value else "false"
            case "enum":
                members = self.request.node(of.id).enumerants
                return members[value.value].name if value.value < len(members) else str(value.value)
            case "text":
                return '"' + value.value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'
            case "data":
                return f'0x"{value.value.hex()}"'
            case "list":
                return "[...]"
            case "struct":
                return "(...)"
            case "void" | "interface" | "any":
                return value.kind
        return str(value.value)


def called(node):
    """The methods that there are: number 0 of a kernel object stands for none."""
    return node.methods[1:] if names.Names.annotation_of(node, names.KERNEL_OBJECT) is not None else node.methods


def code(lines):
    return ["```capnp", *lines, "```", ""]


def prose(comment):
    """A comment's lines, paragraphs apart."""
    return [line.strip() for line in comment.strip().splitlines()] + [""]


def item(indent, what, comment):
    text = " ".join(comment.split())
    return f"{indent}- `{what}`{': ' if text else ''}{text}"


TOKEN = re.compile(r'#[^\n]*|"(?:\\.|[^"\\])*"|[A-Za-z_]\w*|[{};()@]|[^\s]', re.DOTALL)


def positions(text):
    """The line of each declaration and member of a schema, by its path: {"Log.query": 31}."""
    out, scopes, words, line, at = {}, [], [], 1, 0
    for found in TOKEN.finditer(text):
        line, at = line + text.count("\n", at, found.start()), found.start()
        token = found.group()
        if token.startswith("#"):
            continue
        if token == "{":
            scopes.append(words[1][0] if len(words) > 1 and words[0][0] in KINDS else words[0][0] if words else "")
            words = []
        elif token == "}":
            if scopes:
                scopes.pop()
            words = []
        elif token == ";":
            words = []
        else:
            words.append((token, line))
            declares = len(words) == 2 and words[0][0] in KINDS and token != "@"
            member = len(words) == 2 and token == "@"
            if declares or member:
                out.setdefault(".".join(filter(None, [*scopes, token if declares else words[0][0]])), words[0][1])
    return out
