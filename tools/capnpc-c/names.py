"""What things of a schema are called in C (docs/decisions/capnp-c.md, Names).

A name follows from the schema alone. Two things that would have one name are an error (Taken), never renamed.
"""
import pathlib
import re

from schema import SchemaError

# Annotations of idl/tessera.capnp.
PREFIX = 0xA64C92E7F1350BD8
NAME = 0xD1E0A5B79C24F683
REPEATABLE = 0xE3F40B9D6C1A5827
ONE_WAY = 0x97B1E5A26D08C4F3
MAX_BYTES = 0xD82B6F430E9AC175
MAX_COUNT = 0x8F5E1D72C4B903AA
KERNEL_OBJECT = 0xC96D30B1F27E4A58

KEYWORDS = frozenset("""
    alignas alignof auto bool break case char const constexpr continue default do double else enum extern false float for
    goto if inline int long nullptr register restrict return short signed sizeof static static_assert struct switch
    thread_local true typedef typeof typeof_unqual union unsigned void volatile while asm
    and and_eq bitand bitor compl not not_eq or or_eq xor xor_eq
    NULL errno stdin stdout stderr unix linux""".split())

# What the generator itself adds to the name of a type: a group or nested type of that name would be taken for it, and
# so would the constant of a member.
CONSTANTS = ("id", "data_words", "pointers")
DERIVED = frozenset("list builder list_builder which server target".split())


class NamingError(SchemaError):
    """Two things with one name, or a name that is none."""


def snake(name):
    """peerID2: peer_id2; HTTPServer: http_server; and what C does not take becomes an underscore."""
    name = re.sub(r"[^A-Za-z0-9]+", "_", name)
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    name = re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name)
    return name.lower().strip("_")


def variable(name, taken=()):
    """A parameter or member: what is a word of C, or taken, gets an underscore."""
    name = snake(name)
    while name in KEYWORDS or name in taken:
        name += "_"
    return name


class Names:
    def __init__(self, request):
        self.request = request
        self.parents = {}  # id of a group or of a method's own struct -> (parent node, its part of the name)
        self.cache = {}
        for node in request.nodes.values():
            for field in node.fields:
                if field.group is not None:
                    self.parents[field.group] = (node, self.own(field, field.name), "group")
            for method in node.methods:
                for kind, struct in (("params", method.params), ("results", method.results)):
                    if request.node(struct).scope == 0:
                        self.parents[struct] = (node, f"{self.own(method, method.name)}_{kind}", "call")
            for name, child in node.nested:
                if child in request.nodes:
                    self.parents[child] = (node, self.own(request.nodes[child], name), "nested")

    @staticmethod
    def annotation_of(of, number):
        """The value of an annotation, True for one without; None where it is not there."""
        found = [a.value for a in of.annotations if a.id == number]
        return None if not found else True if found[0].kind == "void" else found[0].value

    def own(self, of, name):
        """The part of the name that a declaration itself gives."""
        return snake(self.annotation_of(of, NAME) or name)

    def parent(self, node):
        """(node around this one, own part of the name, "nested", "group" or "call")."""
        if node.id in self.parents:
            return self.parents[node.id]
        if node.scope not in self.request.nodes:
            raise NamingError(f"{node.display_name} is in no file that is here")
        return self.request.nodes[node.scope], self.own(node, node.short_name), "nested"

    def file(self, node):
        """The file that a node is in."""
        while node.kind != "file":
            node = self.parent(node)[0]
        return node

    def prefix(self, file):
        given = self.annotation_of(file, PREFIX)
        return snake(pathlib.PurePosixPath(file.display_name).name.removesuffix(".capnp")) if given is None else given

    def type(self, node):
        """log_record; what every function and constant of the type begins with."""
        if node.id not in self.cache:
            self.cache[node.id] = self.make(node)
        return self.cache[node.id]

    def make(self, node):
        given = self.annotation_of(node, PREFIX)
        if given is not None:
            return self.checked(node, snake(given))
        parent, own, kind = self.parent(node)
        if parent.kind != "file":
            if own in DERIVED and kind != "call":
                own += "_group" if kind == "group" else "_type"
            return f"{self.type(parent)}_{own}"
        prefix = self.prefix(parent)
        return self.checked(node, own if not prefix or own == prefix or own.startswith(prefix + "_") else f"{prefix}_{own}")

    @staticmethod
    def checked(node, name):
        if name in KEYWORDS:
            name += "_"
        if not re.fullmatch(r"[a-z_][a-z0-9_]*", name):
            raise NamingError(f"{node.display_name}: {name!r} is no name in C")
        return name

    def upper(self, node):
        return self.type(node).upper()

    def member(self, node, member):
        """log_level, error: LOG_LEVEL_ERROR."""
        own = self.own(member, member.name)
        return f"{self.type(node)}_{own}{'_' if own in CONSTANTS else ''}".upper()

    def field(self, field):
        return self.own(field, field.name)

    def short(self, node, taken=()):
        """A variable that holds one of this type."""
        return variable(self.parent(node)[1], taken)


class Taken:
    """The names of one generated file, each with what has it."""

    def __init__(self):
        self.owners = {}

    def take(self, name, owner):
        if name in self.owners:
            raise NamingError(f"{self.owners[name]} and {owner} would both be called {name}: "
                             "rename one, or give it another name with $C.name")
        self.owners[name] = owner
