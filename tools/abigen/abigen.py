#!/usr/bin/env python3
"""Makes everything that follows from abi/abi.toml.

    abigen.py --out build/x86_64/abi/gen     headers and tables (see OUTPUTS)
    abigen.py --doc docs/reference/abi.md    the reference page
    abigen.py --contract idl/kernel.capnp    the objects as contracts
    abigen.py --check FILE                   fails unless that file, one of these two, is current

The table is checked first; every complaint names the entry. Output depends on the table only.
"""
import argparse
import pathlib
import re
import sys
import tomllib

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import contract  # noqa: E402
import emit  # noqa: E402

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
OUTPUTS = ("abi.h", "methods.h", "methods.c", "stubs.h", "decode.h", "decode.c")

# Limits that other headers rely on: the handle slot keeps the type above 24 bits of rights
# (kernel/object/handle.h), and struct inspect_system counts 24 types (abi/inspect.h).
MAX_RIGHT_BIT = 23
MAX_OBJECT_TYPE = 23
MAX_WORDS = 8
FIELD_TYPES = ("u64", "u32", "bool", "handle")  # an argument may also be a handle to an object: `type`, `type+RIGHT`, with `?` perhaps 0
ARGUMENT_ERRORS = ("BAD_HANDLE", "WRONG_TYPE", "NO_RIGHT")
LOWER = re.compile(r"[a-z][a-z0-9_]*")
UPPER = re.compile(r"[A-Z][A-Z0-9_]*")

KEYS = {
    "abi": {"version", "message_words", "message_page_bytes", "message_handles"},
    "status": {"name", "value", "doc"},
    "right": {"name", "bit", "doc"},
    "syscall": {"name", "number", "target", "right", "may_block", "doc", "errors"},
    "object": {"name", "type", "doc", "method"},
    "method": {"name", "number", "right", "args", "results", "doc", "errors"},
    "registers": {"number", "status", "handle", "info", "deadline", "words", "preserved", "clobbered"},
}
OPTIONAL = {"method"}


class TableError(Exception):
    """A mistake in the table, with the entry it is in."""


class Checker:
    """Walks the table and collects every complaint, so that one run shows them all."""

    def __init__(self):
        self.complaints = []

    def complain(self, where, what):
        self.complaints.append(f"{where}: {what}")

    def keys(self, where, kind, entry):
        if not isinstance(entry, dict):
            self.complain(where, "is not a table")
            return False
        known = KEYS[kind]
        for key in sorted(set(entry) - known):
            self.complain(where, f'unknown key "{key}"')
        missing = sorted(known - OPTIONAL - set(entry))
        for key in missing:
            self.complain(where, f'key "{key}" is missing')
        return not missing

    def text(self, where, entry):
        doc = entry["doc"]
        if not isinstance(doc, str) or not doc.strip() or "\n" in doc:
            self.complain(where, "doc must be one line of text")

    def numbers(self, kind, entries, key, first, limit, dense=True):
        """Numbers and names are unique; `dense`: first, first + 1, ... in this order."""
        seen_numbers, seen_names = {}, set()
        for index, entry in enumerate(entries):
            where = f"{kind} {entry['name']}"
            number = entry[key]
            if type(number) is not int or not first <= number <= limit:
                self.complain(where, f"{key} {number!r} is not in {first}..{limit}")
                continue
            if number in seen_numbers:
                self.complain(where, f"{key} {number} is taken by {seen_numbers[number]}")
            elif dense and number != first + index:
                self.complain(where, f"{key} {number} leaves a gap; {first + index} is next")
            seen_numbers.setdefault(number, entry["name"])
            if entry["name"] in seen_names:
                self.complain(where, "name is taken")
            seen_names.add(entry["name"])

    def name(self, where, entry, pattern):
        if not isinstance(entry["name"], str) or not pattern.fullmatch(entry["name"]):
            self.complain(where, f"name does not match {pattern.pattern}")

    def errors(self, where, errors, statuses):
        for error in errors:
            if error not in statuses or error == "OK":
                self.complain(where, f'unknown error "{error}"')
        if len(set(errors)) != len(errors):
            self.complain(where, "an error is listed twice")

    def fields(self, where, what, fields, objects):
        """`name:type` strings to (name, type) pairs; `objects` is what says which handles there may be."""
        result = []
        for field in fields:
            name, colon, kind = str(field).partition(":")
            if not colon or not LOWER.fullmatch(name):
                self.complain(where, f'{what} "{field}" is not name:type')
            elif kind not in FIELD_TYPES and not objects.fullmatch(kind):
                self.complain(where, f'{what} "{field}": unknown type "{kind}", expected one of {", ".join(FIELD_TYPES)}')
            else:
                result.append((name, kind))
        if len({name for name, _ in result}) != len(result):
            self.complain(where, f"two {what}s have one name")
        if len(fields) > MAX_WORDS:
            self.complain(where, f"{len(fields)} {what}s do not fit in {MAX_WORDS} words")
        return result

    def argument(self, where, kinds, errors):
        """One argument may be a handle, and what can be wrong with arguments is documented."""
        handles = [kind for kind in kinds if kind not in ("u64", "u32", "bool")]
        if len(handles) > 1:
            self.complain(where, "two arguments are handles")
        possible = {"BAD_ARGUMENT"} if {"u32", "bool"} & set(kinds) else set()
        for kind in handles:
            possible |= set(ARGUMENT_ERRORS[:1 if kind == "handle" else 3 if "+" in kind else 2])
        for error in sorted(possible - set(errors)):
            self.complain(where, f"{error} is not among the errors, but an argument can cause it")

    def travelling(self, where, args, results, types):
        """Handles are in words 6 and 7 of a message; those that come back are the first results, and called what they are."""
        numbers = ("u64", "u32", "bool")
        handles = [index for index, (_, kind) in enumerate(results) if kind not in numbers]
        if handles != list(range(len(handles))) or len(handles) > 2:
            self.complain(where, "the results that are handles, at most two, come first")
        for of, kinds in (("argument", args), ("result", [kind for _, kind in results])):
            if len(kinds) > MAX_WORDS - 2 and not set(kinds) <= set(numbers):
                self.complain(where, f"{len(kinds)} {of}s leave no words to a handle that travels")
        for name, kind in results:
            if kind == "handle" and name not in types:
                self.complain(where, f'result "{name}" is a handle, and not called what it is of')

    def section(self, table, kind, pattern):
        """The complete entries of [[kind]]; incomplete ones are complained about and left out."""
        entries = table.get(kind, [])
        if not isinstance(entries, list) or not entries:
            self.complain(f"[[{kind}]]", "no entries")
            return []
        good = []
        for index, entry in enumerate(entries):
            where = f"[[{kind}]] {entry.get('name', f'number {index + 1}') if isinstance(entry, dict) else index + 1}"
            if self.keys(where, kind, entry):
                self.name(where, entry, pattern)
                self.text(where, entry)
                good.append(entry)
        return good

    def methods(self, obj, types, statuses, rights):
        where = f"[[object]] {obj['name']}"
        objects = re.compile(rf"({'|'.join(types)})(\+({'|'.join(rights)}))?\??")
        good = []
        for index, method in enumerate(obj.get("method", [])):
            here = f"{where}, method {method.get('name', f'number {index + 1}')}"
            if not self.keys(here, "method", method):
                continue
            self.name(here, method, LOWER)
            self.text(here, method)
            if method["right"] not in rights:
                self.complain(here, f'unknown right "{method["right"]}"')
            self.errors(here, method["errors"], statuses)
            args = self.fields(here, "argument", method["args"], objects)
            results = self.fields(here, "result", method["results"], re.compile("|".join(types)))
            self.argument(here, [kind for _, kind in args], method["errors"])
            self.travelling(here, [kind for _, kind in args], results, types)
            good.append(dict(method, args=args, results=results))
        self.numbers(f"{where}, method", good, "number", 1, 255)
        return good


def check(table):
    """The table with fields taken apart, or TableError with every complaint."""
    c = Checker()
    for key in sorted(set(table) - {"abi", "status", "right", "syscall", "object", "registers"}):
        c.complain(f"[{key}]", "unknown section")
    abi = table.get("abi", {})
    if c.keys("[abi]", "abi", abi) and abi["message_words"] != MAX_WORDS:
        c.complain("[abi]", f"message_words is {abi['message_words']}, the generator knows {MAX_WORDS}")
    statuses = c.section(table, "status", UPPER)
    c.numbers("[[status]]", statuses, "value", 0, 255)
    if statuses and statuses[0]["name"] != "OK":
        c.complain(f"[[status]] {statuses[0]['name']}", "the first status must be OK")
    rights = c.section(table, "right", UPPER)
    c.numbers("[[right]]", rights, "bit", 0, MAX_RIGHT_BIT)
    status_names = {s["name"] for s in statuses}
    right_names = {r["name"] for r in rights}
    syscalls = c.section(table, "syscall", LOWER)
    c.numbers("[[syscall]]", syscalls, "number", 0, 31, dense=False)  # numbers are kept for calls to come
    for call in syscalls:
        where = f"[[syscall]] {call['name']}"
        if not isinstance(call["may_block"], bool):
            c.complain(where, "may_block is not true or false")
        c.errors(where, call["errors"], status_names)
        if call["right"] and call["right"] not in right_names:
            c.complain(where, f"there is no right {call['right']!r}")
    objects = []
    entries = c.section(table, "object", LOWER)
    types = [obj["name"] for obj in entries]
    for call in syscalls:
        if call["target"] and call["target"] not in types:
            c.complain(f"[[syscall]] {call['name']}", f"there is no object {call['target']!r}")
    for obj in entries:
        objects.append(dict(obj, method=c.methods(obj, types, status_names, sorted(right_names))))
    c.numbers("[[object]]", objects, "type", 1, MAX_OBJECT_TYPE)
    for arch, registers in table.get("registers", {}).items():
        if c.keys(f"[registers.{arch}]", "registers", registers) and len(registers["words"]) != MAX_WORDS:
            c.complain(f"[registers.{arch}]", f"{len(registers['words'])} words, expected {MAX_WORDS}")
    if c.complaints:
        raise TableError("\n".join(c.complaints))
    return {"abi": abi, "status": statuses, "right": rights, "syscall": syscalls, "object": objects,
            "registers": table.get("registers", {})}


def load(path):
    """Reads and checks a table file."""
    try:
        with open(path, "rb") as file:
            return check(tomllib.load(file))
    except tomllib.TOMLDecodeError as error:
        raise TableError(str(error)) from error


def write_if_changed(path, text):
    """Keeps the time stamp of a file that is right already, so that nothing is rebuilt for it."""
    if not path.exists() or path.read_text() != text:
        path.write_text(text)


def main(argv):
    parser = argparse.ArgumentParser(description="generate code and reference from the ABI table")
    parser.add_argument("--table", type=pathlib.Path, default=ROOT / "abi" / "abi.toml")
    parser.add_argument("--out", type=pathlib.Path, help="folder for " + ", ".join(OUTPUTS))
    parser.add_argument("--doc", type=pathlib.Path, help="write the reference page")
    parser.add_argument("--contract", type=pathlib.Path, help="write the objects as contracts")
    parser.add_argument("--check", type=pathlib.Path, help="fail unless this page, or contract (NAME.capnp), is current")
    options = parser.parse_args(argv)
    try:
        table = load(options.table)
    except TableError as error:
        for line in str(error).splitlines():
            print(f"{options.table}: {line}", file=sys.stderr)
        return 1
    if options.out:
        options.out.mkdir(parents=True, exist_ok=True)
        for name in OUTPUTS:
            write_if_changed(options.out / name, emit.EMITTERS[name](table))
    if options.doc:
        options.doc.parent.mkdir(parents=True, exist_ok=True)
        write_if_changed(options.doc, emit.reference(table))
    if options.contract:
        write_if_changed(options.contract, contract.contract(table))
    return check_current(table, options) if options.check else 0


def check_current(table, options):
    of_contract = options.check.suffix == ".capnp"
    expected = contract.contract(table) if of_contract else emit.reference(table)
    actual = options.check.read_text() if options.check.exists() else ""
    if actual == expected:
        return 0
    again = "--contract idl/kernel.capnp" if of_contract else "--doc docs/reference/abi.md"
    print(f"{options.check} is not what {options.table} says; run: python3 tools/abigen/abigen.py {again}", file=sys.stderr)
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
