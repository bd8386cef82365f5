"""What a contract becomes in the manual, what it is refused for, and how Markdown looks on a terminal."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent / "capnpc-c")]
import contract  # noqa: E402
import markdown  # noqa: E402
import mkmanual  # noqa: E402
import schema  # noqa: E402


def page_of(text):
    """(page in Markdown, complaints) of a contract."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "sample.capnp"
        path.write_text(text)
        done = subprocess.run(["capnp", "compile", "-o-", f"--src-prefix={folder}", f"-I{ROOT / 'idl'}", path],
                              stdin=subprocess.DEVNULL, capture_output=True, check=True)
        request = schema.Request(done.stdout)
        page = contract.Contract(request, request.files[0])
        return page.text(), page.complaints(path)


DOCUMENTED = """@0xd12fd4713ba24468;
# A sample. It is complete.
using T = import "/tessera.capnp";

interface Sample extends(Base) {
  # What it is for.

  ask @0 (question :Text = "why?" $T.maxBytes(9), kinds :List(Kind), depth :Int8 = -3) -> (kind :Kind = good, left :Bool = true) $T.repeatable;
  # Answers.
  stop @1 (reason :Reason);
  # Ends it.

  struct Reason {
    # Why it is to stop.
    text @0 :Text;  # In words.
    union {
      number @1 :UInt32;
      place :group { line @2 :UInt32; }  # Where.
    }
  }
}

interface Base {
  # What others are built on.
}

enum Kind {
  # Of answers.
  bad @0;
  good @1;  # The better ones.
}

const limit :UInt32 = 0x20;  # The most.
"""


class Contracts(unittest.TestCase):
    def test_a_documented_contract_is_a_page(self):
        text, complaints = page_of(DOCUMENTED)
        self.assertEqual(complaints, [])
        for expected in ("# sample\n\nA sample. It is complete.\n", "## Sample\n", "### Sample.ask\n\n```capnp\nask @0 (question :Text = \"why?\" "
                         "$maxBytes(9), kinds :List(Kind),\n    depth :Int8 = -3) -> (kind :Kind = good, left :Bool = true)\n    $repeatable\n```\n\nAnswers.\n",
                         "stop @1 (reason :Reason) -> ()\n", "### Sample.Reason\n", "- `text @0 :Text`: In words.\n- one of:\n"
                         "  - `number @1 :UInt32`\n  - `place :group`: Where.\n    - `line @2 :UInt32`\n", "- `bad @0`\n- `good @1`: The better ones.\n",
                         "const limit :UInt32 = 32\n", "extends(Base)\n"):
            self.assertIn(expected, text)

    def test_what_has_no_comment_is_named_with_its_line(self):
        for comment, line, what in (("# A sample. It is complete.", 1, "the file without a documentation comment"),
                                    ("  # What it is for.", 5, "an interface without a documentation comment: Sample"),
                                    ("  # Answers.", 8, "a method without a documentation comment: Sample.ask"),
                                    ("  # Ends it.", 10, "a method without a documentation comment: Sample.stop"),
                                    ("    # Why it is to stop.", 13, "a struct without a documentation comment: Sample.Reason"),
                                    ("  # Of answers.", 27, "an enum without a documentation comment: Kind"),
                                    ("  # The most.", 33, "a constant without a documentation comment: limit")):
            without = DOCUMENTED.replace(comment + "\n", "\n")
            self.assertNotEqual(DOCUMENTED, without)
            self.assertEqual([f"sample.capnp:{line}: {what}"], page_of(without)[1])

    def test_positions(self):
        found = contract.positions('# interface No {\nconst a :Text = "}{;";\n  interface A @0x1 { # b @0\n b\n@0 (c :Text) -> ();\n struct S {\n'
                                   'struct @0 :Text; }\n}\nenum E { x @0; }')
        self.assertEqual({"a": 2, "A": 3, "A.b": 4, "A.S": 6, "A.S.struct": 7, "E": 9, "E.x": 9}, found)

    def test_the_build_ends_where_something_has_no_comment(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "sample.capnp"
            for text, status in ((DOCUMENTED, 0), (DOCUMENTED.replace("# Answers.", ""), 1)):
                path.write_text(text)
                done = subprocess.run(["capnp", "compile", f"-o{HERE / 'capnpc-manual'}:{folder}", f"--src-prefix={folder}",
                                       f"-I{ROOT / 'idl'}", path], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
                self.assertEqual(status, done.returncode, done.stderr)
                self.assertEqual(status == 0, (pathlib.Path(folder) / "sample.capnp.md").exists())
                path.with_name("sample.capnp.md").unlink(missing_ok=True)
            self.assertIn("a method without a documentation comment: Sample.ask", done.stderr)


class Markdown(unittest.TestCase):
    def shown(self, text, *lines):
        self.assertEqual(list(lines), markdown.Rendered(text).lines)

    def test_paragraphs_and_headings(self):
        self.shown("# A title\n\nOne\ntwo.\n\n\nThree.\n## Next\nFour.", "A title", "", "  One two.", "", "  Three.", "", "Next", "", "  Four.")
        found = markdown.Rendered("# A\n\nx\n\n## B `c`\n")
        self.assertEqual([(1, "A", 0), (2, "B `c`", 4)], [(h.level, h.text, h.line) for h in found.headings])
        self.shown("<!-- a\n\ncomment -->x", "  x")

    def test_long_lines_are_wrapped(self):
        words = " ".join(["word"] * 60)
        for text in (words, "x" * 300, f"- {words}", f"|a|b|\n|-|-|\n|{words}|{'x' * 200}|"):
            lines = markdown.Rendered(text).lines
            self.assertGreater(len(lines), 2)
            self.assertLessEqual(max(map(len, lines)), markdown.COLUMNS)
            for letter in "wx":
                self.assertEqual(text.count(letter), "".join(lines).count(letter))

    def test_emphasis_goes_and_code_stays(self):
        self.shown("**Bold** and *so*, [a link](b.md#c), `**p`, 2 * 3 * 4, <https://x.y/>", "  Bold and so, a link, `**p`, 2 * 3 * 4, https://x.y/")
        self.assertEqual(["b.md#c", "d.md"], markdown.Rendered("[a](b.md#c) `[x](y)`\n\n|t|\n|-|\n|[u](d.md)|").links)

    def test_lists(self):
        self.shown("- one\n  more\n- two\n  - deep\n\n1. a\n2. b", "  - one more", "  - two", "    - deep", "  1. a", "  2. b")

    def test_tables(self):
        self.shown("| Name | What |\n|---|--:|\n| a | `x \\| y` |\n| long one |  |", "  NAME      WHAT", "  a         `x | y`", "  long one")
        self.shown("| | |\n|---|---|\n| a | b |", "  a  b")
        narrow = markdown.Rendered("|A|B|\n|-|-|\n|" + "`keeps_together_what_is_one_word`|" + "blah " * 40 + "|").lines
        self.assertIn("`keeps_together_what_is_one_word`", narrow[1])

    def test_code(self):
        self.shown("```c\nint x;\n\n  y\n```\n", "      int x;", "", "        y")
        wide = "x" * 78
        self.shown(f"```\ny\n{wide}\n```", "  y", f"  {wide}")
        words = " ".join(["word"] * 20)
        self.shown(f"```\n  {words}\n```", "    " + words[:74], "        " + words[75:])

    def test_wide_characters(self):
        self.assertEqual(5, markdown.width("a漢e\u0301b"))


class Pages(unittest.TestCase):
    def page(self, text, section="concepts", name="sample"):
        folder = pathlib.Path(self.folder.name) / section
        folder.mkdir(exist_ok=True)
        path = folder / f"{name}.md"
        path.write_text(text)
        return mkmanual.Page(path, section, "what it answers")

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)

    def filled(self, *pages):
        for page, rendered in [(page, mkmanual.parse(page)) for page in pages]:
            mkmanual.fill(page, rendered, pages)
        mkmanual.check(pages)
        return pages

    def test_parts_of_a_contract(self):
        page, = self.filled(self.page(page_of(DOCUMENTED)[0], "contracts"))
        self.assertEqual("A sample", page.summary)
        found = {part.name: part for part in page.parts}
        self.assertEqual({"Sample", "Sample.ask", "Sample.stop", "Sample.Reason", "Base", "Kind", "limit"}, set(found))
        whole = page.text.encode()
        ask = found["Sample.ask"]
        self.assertEqual("Answers", ask.summary)
        self.assertEqual(b"  Answers.\n", whole[ask.comment:ask.end])
        self.assertTrue(whole[ask.begin:ask.end].startswith(b"Sample.ask\n\n      ask @0 ("))
        self.assertTrue(found["Sample"].begin < ask.begin < ask.end < found["Sample"].end)

    def test_links_to_other_pages_become_see_also(self):
        one, other, _same = self.filled(self.page("# One\n\nSee [that](../objects/other.md#there) and [no](gone.md).\n"),
                                        self.page("# Other\n\nText.\n", "objects", "other"), self.page("# Sample\n\nText.\n", "objects"))
        self.assertTrue(one.text.endswith("\nSee also\n\n  other\n"))
        self.assertNotIn("See also", other.text)

    def test_what_cannot_be_found_or_shown_is_refused(self):
        for pages, what in (([self.page("no title\n", name="a")], r"a\.md:1: a page begins with its title"),
                            ([self.page("# T\n\nx\n", name="c"), self.page("# T\n\nx\n", name="c")], "the page `c` of concepts, too")):
            with self.assertRaisesRegex(mkmanual.ManualError, what):
                self.filled(*pages)
        missing = self.page("# T\n")
        missing.path.unlink()
        with self.assertRaisesRegex(mkmanual.ManualError, "No such file"):
            self.filled(missing)

    def test_an_index_without_pages_is_refused(self):
        index = pathlib.Path(self.folder.name) / "README.md"
        index.write_text("## Concepts\n\n| [a](concepts/a.md) | what a is |\n")
        with self.assertRaisesRegex(mkmanual.ManualError, "Kernel objects"):
            mkmanual.handbook(index)

    def test_the_standard_tool_reads_what_is_written(self):
        text = 'quote " backslash \\ n\\n é µ'
        page, = self.filled(self.page(f"# T\n\n{text}\n"))
        encoded = subprocess.run(["capnp", "convert", "--quiet", "text:canonical", mkmanual.SCHEMA, "Manual"],
                                 input=mkmanual.message([page]).encode(), stdout=subprocess.PIPE, check=True).stdout
        self.assertIn(text.encode(), encoded)

    def test_first_sentences(self):
        for text, wanted in (("One. Two.", "One"), ("Has 1.5 of it. Two", "Has 1.5 of it"), ("No end", "No end"), ("As NAME.ID it goes. Yes.", "As NAME.ID it goes"),
                             ("word " * 50 + ".", " ".join(["word"] * 21) + "...")):
            self.assertEqual(wanted, mkmanual.first_sentence(text))


if __name__ == "__main__":
    unittest.main()
