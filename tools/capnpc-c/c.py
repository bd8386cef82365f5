"""Text of C in the style of the tree: lines, comments, functions, words."""
import math
import re
import struct
import textwrap

COLUMNS = 110
PIECE = 72 # of a string, on one line


def declare(kind, name):
    return f"{kind}{name}" if kind.endswith("*") else f"{kind} {name}"


def comment(text, indent=""):
    """Lines of `//` for a documentation comment; none for none. Paragraphs with lines that are too long are set anew."""
    out, width = [], COLUMNS - len(indent) - 3
    for paragraph in paragraphs(text):
        if max(map(len, paragraph)) > width:
            paragraph = textwrap.wrap(" ".join(paragraph), width, break_long_words=False, break_on_hyphens=False)
        out += [f"{indent}// {line}".rstrip() for line in paragraph]
    return [f"{line}." if line.endswith("\\") else line for line in out]  # it would continue the comment


def paragraphs(text):
    """Lines that belong together. One that is indented, or empty, stands for itself."""
    out = []
    for line in text.rstrip().splitlines():
        line = line.rstrip()
        alone = not line or line[0] in " \t"
        if alone or not out or out[-1] == [""] or out[-1][0][:1] in " \t":
            out.append([line])
        else:
            out[-1].append(line)
    return out


def wrap(line):
    """A line that is too long is broken after a comma or operator, and goes on below what follows the bracket it is in;
    where that is too far to the right, four columns to the right of its beginning."""
    out = aligned(line)
    return out if max(map(len, out)) <= COLUMNS else hanging(line)


def hanging(line):
    out, indent = [], len(line) - len(line.lstrip()) + 4
    while len(line) > COLUMNS:
        code = re.sub(r'"((?:[^"\\]|\\.)*)"', lambda found: '"' + "x" * len(found[1]) + '"', line)
        at = max(code.rfind(mark, indent, COLUMNS) + len(mark) for mark in (", ", "(", "){", '" "'))
        at -= code[at - 3:at] == '" "'
        if at <= indent + 2:
            break
        out.append(line[:at].rstrip())
        line = " " * indent + line[at:].lstrip()
    return out + [line]


def aligned(line):
    out, stack = [], []
    while len(line) > COLUMNS:
        at, inside = break_of(line, stack)
        if at is None:
            break
        indent = inside[-1] if inside else len(line) - len(line.lstrip()) + 4
        out.append(line[:at].rstrip())
        line, stack = " " * indent + line[at:].lstrip(), inside
    return out + [line]


def break_of(line, stack):
    """(the last place to break, columns inside the brackets that are open there). `stack`: those open at the start."""
    indent = len(line) - len(line.lstrip())
    best, stack, quoted = (None, []), list(stack), False
    for i, char in enumerate(line[:COLUMNS]):
        if char == '"' and not (quoted and escaped(line, i)):
            quoted = not quoted
        elif quoted:
            continue
        elif char in "({[":
            stack.append(i + 1)
        elif char in ")}]" and stack:
            stack.pop()
        elif char == " " and i > indent and (line[i - 1] in ',"' or line[i - 1] == "=" and not stack):
            best = (i + 1, list(stack))
    return best


def escaped(line, at):
    """Whether an odd number of backslashes stands before this."""
    before = line[:at]
    return (len(before) - len(before.rstrip("\\"))) % 2 == 1


def function(result, name, params, body, inline=True):
    """A definition. One statement that fits stands on the line."""
    head = heading("static inline " if inline else "", result, name, params, " {")
    if len(body) == 1 and len(head) == 1 and len(head[0]) + len(body[0]) + 3 <= COLUMNS and inline:
        return [f"{head[0]} {body[0]} }}"]
    return head + [line for statement in body for line in wrap(f"    {statement}")] + ["}"]


def prototype(result, name, params):
    return heading("", result, name, params, ";")


def heading(storage, result, name, params, end):
    """On one line, or broken between parameters, or also after the result."""
    whole = f"{storage}{declare(result, name)}({signature(params)}){end}"
    lines = aligned(whole)
    if max(map(len, lines)) <= COLUMNS:
        return lines
    return [f"{storage}{result}".rstrip(), *wrap(f"{name}({signature(params)}){end}")]


def signature(params):
    return ", ".join(declare(kind, name) for kind, name in params) or "void"


ESCAPES = {ord('"'): '\\"', ord("\\"): "\\\\", ord("\n"): "\\n", ord("\t"): "\\t", ord("\r"): "\\r"}


def string(raw):
    """A literal of these bytes, in pieces where it is long; text in UTF-8 stays readable."""
    try:
        text = raw.decode()
        readable = all(ch.isprintable() or ch in "\n\t\r" for ch in text)
    except UnicodeDecodeError:
        readable = False
    if readable:
        parts = (ESCAPES.get(ord(ch), ch) for ch in text)
    else:
        parts = (ESCAPES.get(b) or (chr(b) if 32 <= b < 127 else f"\\{b:03o}") for b in raw)
    pieces = [""]
    for part in parts:
        if len(pieces[-1]) + len(part) > PIECE:
            pieces.append("")
        pieces[-1] += part
    return " ".join('"' + piece.replace("??", "?\\?") + '"' for piece in pieces)


def integer(value, kind):
    """A literal of a type of C, as it is written in a declaration."""
    if kind == "int64" and value == -1 << 63:
        return "INT64_MIN"
    if kind == "int32" and value == -1 << 31:
        return "INT32_MIN"
    return f"{value}u" if value > (1 << 63) - 1 or kind in ("uint32", "uint64") and value > (1 << 31) - 1 else str(value)


def floating(value, single):
    suffix = "f" if single else ""
    if math.isnan(value):
        return f'__builtin_nan{suffix}("")'
    if math.isinf(value):
        return f"{'-' if value < 0 else ''}__builtin_inf{suffix}()"
    return f"{shortest(value) if single else repr(value)}{suffix}"


def shortest(value):
    """The fewest digits that are this float and no other one."""
    for digits in range(1, 10):
        text = f"{value:.{digits}g}"
        try:
            if struct.pack("<f", float(text)) == struct.pack("<f", value):
                break
        except OverflowError:
            continue
    return text if any(ch in text for ch in ".e") else text + ".0"


def words(name, values, storage="const"):
    """An array of message words, four a line."""
    out = [f"{storage} uint64_t {name}[{len(values)}] = {{"]
    for at in range(0, len(values), 4):
        out.append("    " + ", ".join(f"{word:#018x}" if word else "0" for word in values[at:at + 4]) + ",")
    return out + ["};"]
