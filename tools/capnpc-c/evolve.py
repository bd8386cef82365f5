#!/usr/bin/env python3
"""Compares a schema with an earlier version of itself: tools/capnpc-c/evolve.py OLD.capnp NEW.capnp [-I FOLDER]

Names what programs built with the old one and with the new one would understand differently (evolution rules of the
encoding: fields, enumerants and methods may be added, never changed, moved or taken away). Exit status 1 if there is anything.
"""
import argparse
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import message  # noqa: E402
import schema  # noqa: E402
from names import MAX_BYTES, MAX_COUNT, REPEATABLE, Names  # noqa: E402


class Comparison:
    """`complaints`: lines of text."""

    def __init__(self, old, new):
        self.old, self.new, self.complaints, self.seen = old, new, [], set()
        for node in old.nodes.values():
            if node.kind in ("struct", "enum", "interface", "annotation") and not node.is_group and self.is_own(node):
                self.nodes(node.id, node.id, node.display_name)

    def is_own(self, node):
        """Whether it is declared in the file itself. Of an imported one, the request has only what is used."""
        while node is not None and node.scope:
            node = self.old.nodes.get(node.scope)
        return node is not None and node.id in {file.id for file in self.old.files}

    def complain(self, where, what):
        self.complaints.append(f"{where} {what}")

    def nodes(self, old_id, new_id, where):
        """Two types, of which the new one takes the place of the old one."""
        if (old_id, new_id) in self.seen:
            return
        self.seen.add((old_id, new_id))
        old, new = self.old.nodes[old_id], self.new.nodes.get(new_id)
        if new is None:
            self.complain(where, f"is gone (or has another id than {old_id:#x})")
        elif new.kind != old.kind:
            self.complain(where, f"was a {old.kind} and is a {new.kind}")
        else:
            getattr(self, old.kind)(old, new, where)

    def enum(self, old, new, where):
        now = {e.name: e.index for e in new.enumerants}
        for enumerant in old.enumerants:
            if enumerant.index >= len(new.enumerants):
                self.complain(f"{where}.{enumerant.name}", "is gone")
            elif now.get(enumerant.name, enumerant.index) != enumerant.index:
                self.complain(f"{where}.{enumerant.name}", f"was number {enumerant.index} and is number {now[enumerant.name]}")

    def annotation(self, old, new, where):
        self.types(old.type, new.type, where)

    def interface(self, old, new, where):
        above = {number for number, _brand in new.superclasses}
        for number, _brand in old.superclasses:
            if number not in above:
                self.complain(where, f"no longer extends {self.old.nodes[number].short_name}")
        now = {method.name: method.index for method in new.methods}
        for method in old.methods:
            name = f"{where}.{method.name}"
            if method.index >= len(new.methods):
                self.complain(name, "is gone")
            elif now.get(method.name, method.index) != method.index:
                self.complain(name, f"was number {method.index} and is number {now[method.name]}")
            else:
                other = new.methods[method.index]
                if Names.annotation_of(method, REPEATABLE) is not None and Names.annotation_of(other, REPEATABLE) is None:
                    self.complain(name, "is no longer $repeatable, but older clients do repeat it")
                self.nodes(method.params, other.params, f"{name} (parameters)")
                self.nodes(method.results, other.results, f"{name} (results)")

    # ---- structs ----

    def leaves(self, request, node, tags=()):
        """{ordinal: (field, discriminants on the way to it)} of a struct and the groups in it."""
        out = {}
        for field in node.fields:
            inside = tags if field.discriminant is None else (*tags, (node.discriminant_offset, field.discriminant))
            if field.group is not None:
                out |= self.leaves(request, request.nodes[field.group], inside)
            else:
                out[field.index if field.ordinal is None else field.ordinal] = (field, inside)
        return out

    def struct(self, old, new, where):
        now = self.leaves(self.new, new)
        names = {field.name: ordinal for ordinal, (field, _tags) in now.items()}
        for ordinal, (field, tags) in sorted(self.leaves(self.old, old).items()):
            name = f"{where}.{field.name}"
            if ordinal not in now:
                self.complain(name, f"(@{ordinal}) is gone")
                continue
            other, other_tags = now[ordinal]
            if other.name != field.name and names.get(field.name, ordinal) != ordinal:
                self.complain(name, f"was @{ordinal} and is @{names[field.name]}")
            elif field.offset != other.offset and field.type.kind != "void":
                self.complain(name, "lies elsewhere in the struct")
            elif not self.same_tags(tags, other_tags):
                self.complain(name, "is in another union, or has another place in it")
            elif self.types(field.type, other.type, name) and self.value(field.default) != self.value(other.default):
                self.complain(name, "has another default")
            else:
                self.limits(field, other, name)

    def limits(self, old, new, where):
        """What older clients send is not too long now."""
        for name, number in (("maxBytes", MAX_BYTES), ("maxCount", MAX_COUNT)):
            before, now = Names.annotation_of(old, number), Names.annotation_of(new, number)
            if now is not None and (before is None or now < before):
                had = "none" if before is None else f"${name}({before})"
                self.complain(where, f"has the limit ${name}({now}) and had {had}")

    @staticmethod
    def same_tags(old, new):
        """A field may get into a new union, as the member that old messages seem to have: the one whose tag is 0."""
        rest = list(new)
        for tag in old:
            if tag not in rest:
                return False
            rest.remove(tag)
        return all(value == 0 for _offset, value in rest)

    @staticmethod
    def value(default):
        if default.kind == "interface":
            return None  # null, as of every pointer
        if default.kind in ("list", "struct", "any"):
            return None if default.value is None else message.canonical(default.value)
        return default.value if default.kind in ("text", "data") else default.bits

    def types(self, old, new, where):
        """False, with a complaint, unless what was written as the one is read as the other."""
        if old.kind == "list" and new.kind == "list":
            if old.element.kind not in ("struct", "bool") and new.element.kind == "struct":
                first = self.leaves(self.new, self.new.nodes[new.element.id]).get(0)
                if first is not None and first[0].offset == 0 and first[0].type.kind == old.element.kind:
                    return True  # a list of numbers that became one of structs that begin with such a number
            return self.types(old.element, new.element, where)
        if old.kind == "any" and old.any == "capability" and old.parameter is None and new.kind == "interface":
            return True  # the same pointer; what it had to be only the comment said
        if old.kind != new.kind or old.kind == "any" and (old.any, old.parameter) != (new.any, new.parameter):
            self.complain(where, f"was of type {old.kind} and is of type {new.kind}")
            return False
        if old.kind in ("enum", "struct", "interface") and old.id != new.id:
            self.complain(where, f"was a {self.old.nodes[old.id].short_name} and is a {self.new.nodes[new.id].short_name}")
            return False
        return self.brands(old.brand, new.brand, where)

    def brands(self, old, new, where):
        """What the parameters of a generic type are bound to. Those that are not are read by whoever knows what they are."""
        now = {scope.id: scope.binds or [] for scope in new}
        return all(self.types(before, after, where) for scope in old
                   for before, after in zip(scope.binds or [], now.get(scope.id, []))
                   if before is not None and after is not None)


def request_of(path, folders=()):
    """The schema in a file, which stands for itself."""
    path = pathlib.Path(path)
    done = subprocess.run(["capnp", "compile", "-o-", f"--src-prefix={path.parent}", *(f"-I{folder}" for folder in folders), path],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return schema.Request(done.stdout)


def complaints(old, new, folders=()):
    """What is incompatible between two files."""
    return Comparison(request_of(old, folders), request_of(new, folders)).complaints


def main():
    parser = argparse.ArgumentParser(prog="tools/capnpc-c/evolve.py", description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("-I", dest="folders", action="append", default=[], metavar="FOLDER", help="where imports are found")
    args = parser.parse_args()
    found = complaints(args.old, args.new, args.folders)
    print("\n".join(found), end="\n" if found else "")
    sys.exit(1 if found else 0)


if __name__ == "__main__":
    main()
