#!/usr/bin/env python3
"""Makes the manual that the system carries: tools/manual/mkmanual.py --output FILE --depfile FILE CONTRACT.md...

Pages are the contracts (made by tools/manual/capnpc-manual) and those of the handbook that docs/README.md lists under
"Concepts" and "Kernel objects", with what it says they answer; and the how-tos of HOWTOS. The file is a message of
idl/manual.capnp in canonical form: one segment, which lib/manual reads where it lies.
"""
import argparse
import dataclasses
import pathlib
import re
import subprocess
import sys

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path.insert(0, str(HERE))
import markdown  # noqa: E402

SCHEMA = ROOT / "idl" / "manual.capnp"
SECTIONS = {"Concepts": "concepts", "Kernel objects": "objects"} # headings of docs/README.md
HOWTOS = {"debug": "look into a running system"}                 # what is of use at the prompt
ROW = re.compile(r"^\| \[[^\]]*\]\(([\w/-]+)\.md\) \| (.*) \|$", re.MULTILINE)
SUMMARY_COLUMNS = 110


class ManualError(Exception):
    """What is wrong, with file and line where there is one."""


@dataclasses.dataclass
class Part:
    name: str
    summary: str
    begin: int
    end: int
    comment: int


@dataclasses.dataclass
class Page:
    path: pathlib.Path
    section: str
    summary: str
    text: str = ""
    parts: list = dataclasses.field(default_factory=list)
    links: list = dataclasses.field(default_factory=list)

    @property
    def name(self):
        return self.path.name.removesuffix(".md").removesuffix(".capnp")


def handbook(index):
    """The pages that docs/README.md lists."""
    out, sections = [], re.split(r"^## (.*)$", index.read_text(encoding="utf-8"), flags=re.MULTILINE)
    for title, text in zip(sections[1::2], sections[2::2]):
        if title in SECTIONS:
            out += [Page(index.parent / f"{target}.md", SECTIONS[title], markdown.inline(summary)) for target, summary in ROW.findall(text)]
    out += [Page(index.parent / "howto" / f"{name}.md", "howto", summary) for name, summary in HOWTOS.items()]
    for title, section in SECTIONS.items():
        if not any(page.section == section for page in out):
            raise ManualError(f"{index}: under the heading \"{title}\" there is no table of pages")
    return out


def first_sentence(text):
    """For a list: the first sentence, without the full stop."""
    text = " ".join(text.split())
    found = re.match(r"(.*?[^.])\.(?= |$)", text)
    text = found.group(1) if found else text
    return text if len(text) <= SUMMARY_COLUMNS else text[:SUMMARY_COLUMNS - 3].rsplit(" ", 1)[0] + "..."


def parse(page):
    """The page's text for the terminal."""
    try:
        rendered = markdown.Rendered(page.path.read_text(encoding="utf-8"))
    except OSError as problem:
        raise ManualError(f"{page.path}: {problem.strerror}") from None
    if not rendered.headings or rendered.headings[0].level != 1 or rendered.headings[0].line != 0:
        raise ManualError(f"{page.path}:1: a page begins with its title")
    return rendered


def fill(page, rendered, pages):
    """Makes the page's text and parts of what was rendered. The title gives way to "NAME - SUMMARY"."""
    lines, titles = rendered.lines, rendered.headings
    ends = [next((later.line for later in titles[i + 1:] if later.level <= title.level), len(lines)) for i, title in enumerate(titles)]
    body = 1
    if page.section == "contracts":
        first, last = comment(lines, 0, len(lines))
        said = " ".join(" ".join(lines[first:last]).split())
        page.summary = first_sentence(said)
        body = last if said.rstrip(".") == page.summary else 1 # it is not said twice
    head = markdown.wrapped(f"{page.name} - {page.summary}", "", markdown.INDENT)
    see_also = [] if any(title.text == "See also" for title in titles) else linked(page, rendered.links, pages)
    whole = [*head, *lines[body:], *see_also]
    offsets = [0] # of each line, in bytes
    for line in whole:
        offsets.append(offsets[-1] + len(line.encode()) + 1)
    page.text = "".join(f"{line}\n" for line in whole)
    for title, end in zip(titles[1:], ends[1:]) if page.section == "contracts" else ():
        first, last = comment(lines, title.line, end)
        begin, after, at = (offsets[line + len(head) - body] for line in (title.line, trimmed(lines, end), first))
        page.parts.append(Part(title.text, first_sentence(" ".join(lines[first:last])), begin, after, at))


def trimmed(lines, end):
    """Without the empty lines before a line."""
    while not lines[end - 1]:
        end -= 1
    return end


def comment(lines, heading, end):
    """The first paragraph behind a heading and the code below it, as (first line, line behind it)."""
    first = heading + 1
    while first < end and (not lines[first] or lines[first].startswith(markdown.CODE_INDENT)):
        first += 1
    last = first
    while last < end and lines[last]:
        last += 1
    return first, last


def linked(page, links, pages):
    """The section "See also": pages of the manual that this one has links to."""
    targets = {(page.path.parent / link.split("#")[0]).resolve() for link in links if link.split("#")[0].endswith(".md")}
    found = [other for other in pages if other.path.resolve() in targets and other is not page]
    several = {other.name for other in found if sum(same.name == other.name for same in pages) > 1}
    names = [f"{other.name} ({other.section})" if other.name in several else other.name for other in found]
    return ["", "See also", "", *markdown.wrapped(", ".join(names), markdown.INDENT, markdown.INDENT)] if names else []


def check(pages):
    """What would make a page impossible to find, or to show. Contracts may call a type alike: each has it on its page."""
    seen = {}
    for page in pages:
        if (page.section, page.name) in seen:
            raise ManualError(f"{page.path}: {seen[page.section, page.name]} is the page `{page.name}` of {page.section}, too")
        seen[page.section, page.name] = page.path
        for line in page.text.splitlines():
            if markdown.width(line) > markdown.COLUMNS:
                raise ManualError(f"{page.path}: wider than {markdown.COLUMNS} columns: {line}")


# ---- the file ----

def quoted(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n") + '"'


def message(pages):
    """Cap'n Proto's text of the manual."""
    def part(of):
        return f"(name = {quoted(of.name)}, summary = {quoted(of.summary)}, begin = {of.begin}, end = {of.end}, comment = {of.comment})"

    def one(page):
        return (f"(name = {quoted(page.name)}, section = {page.section}, summary = {quoted(page.summary)}, text = {quoted(page.text)}, "
                f"parts = [{', '.join(map(part, page.parts))}])")
    return f"(pages = [{', '.join(map(one, pages))}])"


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True, type=pathlib.Path)
    parser.add_argument("--depfile", type=pathlib.Path)
    parser.add_argument("contracts", nargs="*", type=pathlib.Path)
    args = parser.parse_args()
    index = ROOT / "docs" / "README.md"
    pages = [Page(path, "contracts", "") for path in args.contracts] + handbook(index)
    for page, rendered in [(page, parse(page)) for page in pages]:
        fill(page, rendered, pages)
    check(pages)
    encoded = subprocess.run(["capnp", "convert", "--quiet", "text:canonical", SCHEMA, "Manual"], input=message(pages).encode(),
                             stdout=subprocess.PIPE, check=True).stdout
    args.output.write_bytes(encoded)
    if args.depfile:
        read = [pathlib.Path(__file__).resolve(), index, *(page.path for page in pages)]
        args.depfile.write_text(f"{args.output}: {' '.join(map(str, read))}\n")


if __name__ == "__main__":
    try:
        main()
    except ManualError as problem:
        sys.exit(f"mkmanual: {problem}")
