"""Where the parts of a constant stand in the files that it is written in.

Values of Cap'n Proto have no line numbers. So the source of a constant is taken apart once more, after the compiler has
accepted it: only as far as is needed to find each struct, list and text in it, through constants that it names in this file or in
imported ones. (Grammar: https://capnproto.org/language.html, and the compiler's lexer.c++ and parser.c++.)
"""
import dataclasses
import os
import pathlib
import re

TOKEN = re.compile(r"""
    (?P<space>  (?:\s | \ufeff | \#[^\n]*)+ )
  | (?P<data>   0x"[^"]*" )
  | (?P<text>   "(?:[^"\\]|\\.)*" )
  | (?P<name>   [A-Za-z_]\w* )
  | (?P<number> \d(?:[eE][+-]\d|[\w.])* )
  | (?P<mark>   [()\[\]{},;] )
  | (?P<operator> [!$%&*+\-./:<=>?@^|~]+ )
""", re.VERBOSE | re.DOTALL | re.ASCII)
ESCAPE = re.compile(rb"\\(?:x([0-9A-Fa-f]{2})|([0-7]{1,3})|(.))", re.DOTALL)
ESCAPED = {b"a": b"\a", b"b": b"\b", b"f": b"\f", b"n": b"\n", b"r": b"\r", b"t": b"\t", b"v": b"\v"}
CLOSING = {"(": ")", "[": "]", "{": "}"}


class PlaceError(Exception):
    """A source that cannot be followed: the compiler would have refused it, or it says what manifests do not need."""


@dataclasses.dataclass(frozen=True)
class Place:
    path: pathlib.Path
    line: int   # from 1, as the column
    column: int

    def __str__(self):
        return f"{self.path}:{self.line}:{self.column}"


@dataclasses.dataclass
class Value:
    """An expression. `kind` is "struct" (`fields`: name -> (place of the name, value)), "list" (`elements`), "text" (`text`, bytes),
    "name" (`path`, seen from `scope`; "" at its beginning is the file, and an `imported` file comes before it) or "other"."""
    kind: str
    place: Place
    scope: "Scope"
    fields: dict = None
    elements: list = None
    text: bytes = None
    path: list = None
    imported: str = None


@dataclasses.dataclass
class Scope:
    """A file or what is in a declaration. Members are values (of `const` and `using`) and scopes."""
    file: pathlib.Path
    parent: "Scope" = None
    members: dict = dataclasses.field(default_factory=dict)


def unescaped(literal):
    """The bytes of a text between quotes."""
    def replace(match):
        hexadecimal, octal, other = match.groups()
        if other is not None:
            return ESCAPED.get(other, other)
        return bytes([int(hexadecimal, 16) if hexadecimal else int(octal, 8) & 0xFF])
    return ESCAPE.sub(replace, literal[1:-1].encode())


class Parser:
    """One file: a list of tokens (kind, text, offset), and where in it we are."""

    def __init__(self, path, text):
        self.path, self.text, self.tokens, self.at = path, text, [], 0
        offset = 0
        while offset < len(text):
            match = TOKEN.match(text, offset)
            if match is None:
                raise PlaceError(f"{self.place(offset)}: `{text[offset]}` is no part of a schema")
            if match.lastgroup != "space":
                self.tokens.append((match.lastgroup, match.group(), offset))
            offset = match.end()
        self.tokens.append(("end", "", len(text)))

    def place(self, offset):
        begin = self.text.rfind("\n", 0, offset) + 1
        return Place(self.path, self.text.count("\n", 0, offset) + 1, offset - begin + 1)

    def here(self):
        return self.place(self.tokens[self.at][2])

    def peek(self, ahead=0):
        return self.tokens[min(self.at + ahead, len(self.tokens) - 1)][:2]

    def take(self, text=None):
        kind, found, _offset = self.tokens[self.at]
        if kind == "end" or text not in (None, found):
            raise PlaceError(f"{self.here()}: `{text or 'something'}` is expected")
        self.at += 1
        return found

    def skip_group(self):
        """Behind the bracket that closes this one."""
        closing = CLOSING[self.take()]
        while self.peek()[1] != closing:
            if self.peek()[1] in CLOSING and self.peek()[0] == "mark":
                self.skip_group()
            else:
                self.take()
        self.take(closing)

    def skip_to(self, *ends):
        """At the next of these marks or operators that is outside of brackets."""
        while self.peek()[1] not in ends:
            if self.peek() in (("mark", "("), ("mark", "["), ("mark", "{")):
                self.skip_group()
            else:
                self.take()

    # ---- declarations ----

    def file(self):
        scope = Scope(self.path)
        self.declarations(scope, ("end", ""))
        return scope

    def declarations(self, scope, end):
        while self.peek() != end:
            self.declaration(scope)

    def declaration(self, scope):
        (kind, word), (next_kind, name) = self.peek(), self.peek(1)
        named = kind == "name" and next_kind == "name"
        if named and word == "const":
            self.skip_to("=", ";")
            self.take("=")
            scope.members[name] = self.expression(scope)
        elif kind == "name" and word == "using" and next_kind in ("name", "operator"):
            self.using(scope)
        elif named and word in ("struct", "interface"):
            self.skip_to("{")
            self.take("{")
            scope.members[name] = Scope(self.path, scope)
            self.declarations(scope.members[name], ("mark", "}"))
            self.take("}")
            return
        self.skip_to(";", "{")
        if self.peek()[1] == "{":
            self.skip_group()
        else:
            self.take(";")

    def using(self, scope):
        """`using NAME = VALUE`, or of a name that is the last part of the value."""
        self.take("using")
        name = None
        if self.peek()[0] == "name" and self.peek(1) == ("operator", "="):
            name = self.take()
            self.take("=")
        value = self.expression(scope)
        if value.kind == "name" and (name or value.path[1:]):
            scope.members[name or value.path[-1]] = value

    # ---- expressions ----

    def expression(self, scope):
        (kind, word), place = self.peek(), self.here()
        value = Value("other", place, scope)
        if (kind, word) == ("mark", "("):
            value.kind, value.fields = "struct", self.fields(scope)
        elif (kind, word) == ("mark", "["):
            value.kind, value.elements = "list", self.elements(scope)
        elif kind == "text":
            value.kind, value.text = "text", b""
            while self.peek()[0] == "text":
                value.text += unescaped(self.take())
        elif (kind, word) == ("name", "embed"):
            self.take()
            self.take()
        elif kind == "name" or (kind, word) == ("operator", "."):
            self.name(value)
        else:
            self.take()
            if kind == "operator":  # a sign
                self.take()
        return value

    def name(self, value):
        value.kind, value.path = "name", []
        if self.peek() == ("name", "import"):
            self.take()
            value.imported, value.path = unescaped(self.take()).decode(), [""]
        elif self.peek()[1] == ".":
            value.path = [""]
        else:
            value.path = [self.take()]
        while self.peek()[1] in (".", "("):
            if self.peek()[1] == "(":
                self.skip_group()  # of a generic type
            else:
                self.take()
                value.path.append(self.take())

    def elements(self, scope):
        found = []
        self.take("[")
        while self.peek()[1] != "]":
            found.append(self.expression(scope))
            if self.peek()[1] != "]":
                self.take(",")
        self.take("]")
        return found

    def fields(self, scope):
        found = {}
        self.take("(")
        while self.peek()[1] != ")":
            place, name = self.here(), self.take()
            self.take("=")
            found[name] = (place, self.expression(scope))
            if self.peek()[1] != ")":
                self.take(",")
        self.take(")")
        return found


class Sources:
    """The files of a constant. `imports` are the folders in which `import "/..."` looks."""

    def __init__(self, imports):
        self.imports, self.files = imports, {}

    def file(self, path):
        key = path.resolve()
        if key not in self.files:
            self.files[key] = Parser(path, path.read_text(encoding="utf-8")).file()
        return self.files[key]

    def imported(self, name, importer):
        folders = self.imports if name.startswith("/") else [importer.parent]
        for folder in folders:
            path = pathlib.Path(os.path.normpath(folder / name.lstrip("/")))
            if path.is_file():
                return path
        raise PlaceError(f"{importer}: there is no file {name} to import")

    def closure(self, path):
        """This file, and each that it or one of those imports."""
        found, todo = {}, [path]
        while todo:
            path = todo.pop()
            if path.resolve() in found:
                continue
            found[path.resolve()] = path
            tokens = Parser(path, path.read_text(encoding="utf-8")).tokens
            for (_kind, word, _at), (kind, name, _offset) in zip(tokens, tokens[1:]):
                if word == "import" and kind == "text":
                    todo.append(self.imported(unescaped(name).decode(), path))
        return list(found.values())

    def literal(self, value, depth=0):
        """The value itself, in the place where it is written out; a scope, when that is what a name means."""
        if isinstance(value, Scope) or value.kind != "name":
            return value
        if depth > 100:
            raise PlaceError(f"{value.place}: the name leads in a circle")
        first, *rest = value.path
        if value.imported is not None:
            found = self.file(self.imported(value.imported, value.scope.file))
        elif first == "":
            found = value.scope
            while found.parent is not None:
                found = found.parent
        else:
            scope = value.scope
            while scope is not None and first not in scope.members:
                scope = scope.parent
            if scope is None:
                raise PlaceError(f"{value.place}: nothing is called `{first}`")
            found = self.literal(scope.members[first], depth + 1)
        for name in rest:
            if not isinstance(found, Scope) or name not in found.members:
                raise PlaceError(f"{value.place}: nothing is called `{'.'.join(value.path)}`")
            found = self.literal(found.members[name], depth + 1)
        return found

    def constant(self, path, name):
        scope = self.file(path)
        if name not in scope.members:
            raise PlaceError(f"{path}: there is no constant `{name}`")
        return self.literal(scope.members[name])
