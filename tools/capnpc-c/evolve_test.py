"""What may change in a schema, and what may not."""
import pathlib
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
import evolve  # noqa: E402

OLD = """@0xd12fd4713ba24468;
enum E { a @0; b @1; }
struct S {
  x @0 :Int32 = 5; t @1 :Text; e @2 :E; l @3 :List(UInt32); s @4 :S; ss @5 :List(S);
  union { u @6 :Int8; v @7 :Text = "v"; }
  g :group { h @8 :Int16; }
}
interface I { m @0 (p :S, q :Int8) -> (r :Text); n @1 () -> (); }
interface J extends(I) { o @0 S -> S; }
"""


class Evolution(unittest.TestCase):
    def compare(self, *changes):
        new = OLD
        for before, after in changes:
            self.assertIn(before, new)
            new = new.replace(before, after)
        with tempfile.TemporaryDirectory() as folder:
            for name, text in (("old", OLD), ("new", new)):
                (pathlib.Path(folder) / name).mkdir()
                (pathlib.Path(folder) / name / "x.capnp").write_text(text)
            return evolve.complaints(f"{folder}/old/x.capnp", f"{folder}/new/x.capnp")

    def test_what_may_change(self):
        for changes in ((),
                        (("b @1;", "b @1; c @2;"),),
                        (("ss @5 :List(S);", "ss @5 :List(S); more @9 :List(E);"),),
                        (("x @0 :Int32", "renamed @0 :Int32"),),
                        (("r :Text", "r :Text, added :Int32"), ("q :Int8", "q :Int8, added :S")),
                        (("n @1 () -> ();", "n @1 () -> (); o @2 ();"),),
                        (("interface J extends(I) {", "interface K {} interface J extends(I, K) {"),),
                        (("v @7 :Text = \"v\";", "v @7 :Text = \"v\"; w @9 :S;"),),
                        (("h @8 :Int16;", "union { h @8 :Int16; hh @9 :Int16; }"),),
                        (("l @3 :List(UInt32)", "l @3 :List(N)"), ("interface I", "struct N { n @0 :UInt32; more @1 :Text; } interface I"))):
            self.assertEqual(self.compare(*changes), [], changes)

    def test_what_may_not(self):
        for changes, complaint in (
                ((("enum E { a @0; b @1; }", "enum E { b @0; a @1; }"),), "x.capnp:E.a was number 0 and is number 1"),
                ((("b @1; }", "}"),), "x.capnp:E.b is gone"),
                ((("x @0 :Int32 = 5", "x @0 :Int64 = 5"),), "x.capnp:S.x was of type int32 and is of type int64"),
                ((("x @0 :Int32 = 5", "x @0 :Int32 = 6"),), "x.capnp:S.x has another default"),
                ((("t @1 :Text; e @2 :E;", "t @2 :Text; e @1 :E;"),), "x.capnp:S.t was @1 and is @2"),
                ((("l @3 :List(UInt32)", "l @3 :List(Int32)"),), "x.capnp:S.l was of type uint32 and is of type int32"),
                ((("v @7 :Text = \"v\"", "v @7 :Text = \"w\""),), "x.capnp:S.v has another default"),
                ((("u @6 :Int8; v", "u @7 :Int8; v"), ("v @7 :Text", "v @6 :Text")), "x.capnp:S.u was @6 and is @7"),
                ((("interface J extends(I)", "interface J"),), "x.capnp:J no longer extends I"),
                ((("n @1 () -> ();", ""),), "x.capnp:I.n is gone"),
                ((("(p :S, q :Int8)", "(q :Int8, p :S)"),), "x.capnp:I.m (parameters).p was @0 and is @1"),
                ((("r :Text", "r :Data"),), "x.capnp:I.m (results).r was of type text and is of type data"),
                ((("(p :S, q :Int8)", "(p :S)"),), "x.capnp:I.m (parameters).q (@1) is gone"),
                ((("interface J extends(I) { o @0 S -> S; }", ""),), "x.capnp:J is gone")):
            found = self.compare(*changes)
            self.assertTrue(any(line.startswith(complaint) for line in found), (complaint, found))


if __name__ == "__main__":
    unittest.main()
