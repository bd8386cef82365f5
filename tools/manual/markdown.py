"""Markdown as text for a terminal, as far as the handbook uses it: headings, paragraphs, lists, tables, code.

Headings stand at the left, everything else is shifted. Code between backquotes keeps them, as in the shell's own messages.
"""
import dataclasses
import re
import textwrap
import unicodedata

COLUMNS = 80
INDENT = "  "
CODE_INDENT = "      "

LINK = re.compile(r"\[([^\]]*)\]\(([^)]*)\)")
ADDRESS = re.compile(r"<(https?://[^>]*)>")
STRONG = re.compile(r"(?<![\w*])(\*{1,2})(?=\S)([^*]+?)(?<=\S)\1(?![\w*])")
ITEM = re.compile(r"( *)([-*]|\d+\.) +(.*)")
HEADING = re.compile(r"(#+) +(.*)")
CODE_SPAN = re.compile(r"(`[^`]*`)")


@dataclasses.dataclass
class Heading:
    level: int
    text: str
    line: int # of the rendered text


def width(text):
    """Columns on the terminal."""
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def inline(text):
    """Links become what they are called, emphasis goes; code stays as it is."""
    out = []
    for piece in CODE_SPAN.split(LINK.sub(r"\1", text)):
        out.append(piece if piece.startswith("`") else STRONG.sub(r"\2", ADDRESS.sub(r"\1", piece)))
    return "".join(out)


def wrapped(text, first, rest, columns=COLUMNS):
    """Lines of a paragraph; `first` and `rest` begin them."""
    return textwrap.wrap(inline(text), columns, initial_indent=first, subsequent_indent=rest, break_on_hyphens=False,
                         break_long_words=True) or [first.rstrip()]


class Rendered:
    """`lines` of text, `headings` with their places in it, `links`: targets, in order."""

    def __init__(self, text):
        self.lines, self.headings, self.links = [], [], []
        self.source = re.sub(r"<!--.*?-->", lambda found: "\n" * found.group().count("\n"), text, flags=re.DOTALL).splitlines()
        self.at = 0
        while self.at < len(self.source):
            self.block()
        while self.lines and not self.lines[-1]:
            self.lines.pop()

    def peek(self):
        return self.source[self.at] if self.at < len(self.source) else ""

    def put(self, lines):
        """A block, with an empty line before it."""
        if self.lines and self.lines[-1]:
            self.lines.append("")
        self.lines += [line.rstrip() for line in lines]

    def block(self):
        line = self.peek()
        if not line.strip():
            self.at += 1
        elif HEADING.match(line):
            self.heading()
        elif line.startswith("```"):
            self.code()
        elif line.startswith("|"):
            self.table()
        elif ITEM.match(line):
            self.items()
        else:
            self.put(wrapped(self.paragraph(), INDENT, INDENT))

    def heading(self):
        marks, text = HEADING.match(self.peek()).groups()
        self.put([inline(text)])
        self.headings.append(Heading(len(marks), inline(text), len(self.lines) - 1))
        self.at += 1

    def code(self):
        """Shifted as far as its widest line allows; what is wider than the screen goes on below."""
        begin = self.at + 1
        self.at = begin
        while self.at < len(self.source) and not self.peek().startswith("```"):
            self.at += 1
        block = [line.expandtabs(4) for line in self.source[begin:self.at]]
        self.at += 1
        indent = INDENT if any(width(CODE_INDENT + line) > COLUMNS for line in block) else CODE_INDENT
        self.put([piece for line in block for piece in self.fitted(indent + line)])

    @staticmethod
    def fitted(line):
        if width(line) <= COLUMNS:
            return [line]
        own = line[:len(line) - len(line.lstrip())]
        return textwrap.wrap(line.strip(), COLUMNS, initial_indent=own, subsequent_indent=f"{own}    ", break_on_hyphens=False)

    def paragraph(self):
        """The text up to an empty line or another block."""
        out = []
        while (line := self.peek()).strip() and not line.startswith(("```", "|")) and not HEADING.match(line) and \
                (not out or not ITEM.match(line)):
            out.append(line.strip())
            self.at += 1
        return self.noted(" ".join(out))

    def noted(self, text):
        self.links += [target for _text, target in LINK.findall(CODE_SPAN.sub("", text))]
        return text

    def items(self):
        """A list, with what is nested in it."""
        out = []
        while (found := ITEM.match(self.peek())) or self.item_follows():
            if found is None:
                self.at += 1
                continue
            indent, mark, _text = found.groups()
            self.source[self.at] = self.source[self.at][found.start(3):]
            first = f"{INDENT}{indent}{mark} "
            out += wrapped(self.paragraph(), first, " " * len(first))
        self.put(out)

    def item_follows(self):
        """An empty line between two items."""
        return not self.peek().strip() and self.at + 1 < len(self.source) and ITEM.match(self.source[self.at + 1])

    # ---- tables ----

    def table(self):
        rows = []
        while self.peek().startswith("|"):
            cells = [cell.strip().replace("\\|", "|") for cell in re.split(r"(?<!\\)\|", self.peek().strip().strip("|"))]
            if not all(re.fullmatch(r":?-+:?", cell) for cell in cells):
                rows.append([self.noted(cell) for cell in cells])
            self.at += 1
        count = max(map(len, rows))
        rows = [[inline(cell) for cell in row] + [""] * (count - len(row)) for row in rows]
        head, body = [cell.upper() for cell in rows[0]], rows[1:]
        widths = self.widths([head, *body])
        self.put([line for row in ([head, *body] if any(head) else body) for line in self.row(row, widths)])

    @staticmethod
    def widths(rows):
        """Of the columns: what is too much is taken from the widest, and from words only when nothing else is left."""
        out = [max(map(width, column)) for column in zip(*rows)]
        words = [max(width(word) for cell in column for word in cell.split() or [""]) for column in zip(*rows)]
        while sum(out) + 2 * (len(out) - 1) > COLUMNS - len(INDENT):
            loose = [i for i, columns in enumerate(out) if columns > words[i]] or range(len(out))
            out[max(loose, key=lambda i: out[i])] -= 1
        return out

    @staticmethod
    def row(cells, widths):
        columns = [textwrap.wrap(cell, columns, break_on_hyphens=False) if cell else [""] for cell, columns in zip(cells, widths)]
        for line in range(max(map(len, columns))):
            pieces = [column[line] if line < len(column) else "" for column in columns]
            yield INDENT + "  ".join(piece + " " * (columns - width(piece)) for piece, columns in zip(pieces, widths)).rstrip()
