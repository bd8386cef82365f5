"""What may change in a schema, and what may not."""
import pathlib
import shutil
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path[:0] = [str(HERE), str(HERE.parent)]
import contracts  # noqa: E402
import evolve  # noqa: E402

OLD = """@0xd12fd4713ba24468;
using C = import "tessera.capnp";
annotation note @0xc0ffee00c0ffee01 (*) :Text;
const most :UInt32 = 10;
enum E { a @0; b @1; }
struct S {
  x @0 :Int32 = 5; t @1 :Text; e @2 :E; l @3 :List(UInt32); s @4 :S; ss @5 :List(S);
  union { u @6 :Int8; v @7 :Text = "v"; }
  g :group { h @8 :Int16; }
  pair @9 :Pair(Text, S); bits @10 :List(Bool); any @11 :AnyPointer; origin @12 :Other = (n = 3);
}
struct Other { n @0 :UInt16; }
struct Pair(A, B) { a @0 :A; b @1 :B; }
interface I {
  m @0 (p :S, q :Int8) -> (r :Text);
  n @1 () -> () $C.repeatable;
  w @2 (bytes :Data $C.maxBytes(100), list :List(Text) $C.maxCount(.most), free :Text) -> (taken :UInt32) $C.oneWay;
  lend @3 () -> (i :I);
  take @4 (held :Capability);
}
interface J extends(I) { o @0 S -> S; }
"""

COMPATIBLE = (
    (),
    ("b @1;", "b @1; c @2;"),
    ("{ a @0; b @1; }", "{ renamed @0; b @1; }"),
    ("origin @12", "more @13 :List(E); origin @12"),
    ("x @0 :Int32", "renamed @0 :Int32"),
    ("const most :UInt32 = 10", "const most :UInt32 = 20"),
    ("annotation note @0xc0ffee00c0ffee01 (*) :Text;",
     "annotation note @0xc0ffee00c0ffee01 (*) :Text; annotation mark @0xc0ffee00c0ffee02 (*) :Void;"),
    ("r :Text", "r :Text, added :Int32", "q :Int8", "q :Int8, added :S"),
    ("(p :S, q :Int8)", "Asked", "struct Other", "struct Asked { p @0 :S; q @1 :Int8; } struct Other"),
    ("take @4 (held :Capability);", "take @4 (held :Capability); more @5 ();"),
    ("interface J extends(I) {", "interface K {} interface J extends(I, K) {"),
    ("v @7 :Text = \"v\";", "v @7 :Text = \"v\"; w @13 :S;"),
    ("h @8 :Int16;", "union { h @8 :Int16; hh @13 :Int16; }"),
    ("t @1 :Text;", "inside :group { t @1 :Text; }"),
    ("l @3 :List(UInt32)", "l @3 :List(N)", "struct Other", "struct N { n @0 :UInt32; more @1 :Text; } struct Other"),
    ("maxBytes(100)", "maxBytes(200)"),
    ("held :Capability", "held :I"),
    ("bytes :Data $C.maxBytes(100)", "bytes :Data"),
    ("(r :Text);", "(r :Text) $C.repeatable;"),
    ("e @2 :E;", "e @2 :E $note(\"new\");"),
    ("struct Pair(A, B) { a @0 :A; b @1 :B; }", "struct Pair(A, B) { a @0 :A; b @1 :B; c @2 :Int64; }"),
)

INCOMPATIBLE = (
    ("E.a was number 0 and is number 1", "enum E { a @0; b @1; }", "enum E { b @0; a @1; }"),
    ("E.b is gone", "b @1; }", "}"),
    ("E is gone", "enum E { a @0; b @1; }", "", "e @2 :E", "e @2 :UInt16"),
    ("S.x was of type int32 and is of type int64", "x @0 :Int32 = 5", "x @0 :Int64 = 5"),
    ("S.x was of type int32 and is of type uint32", "x @0 :Int32 = 5", "x @0 :UInt32 = 5"),
    ("S.x has another default", "x @0 :Int32 = 5", "x @0 :Int32 = 6"),
    ("S.x has another default", "x @0 :Int32 = 5", "x @0 :Int32"),
    ("S.t was @1 and is @2", "t @1 :Text; e @2 :E;", "t @2 :Text; e @1 :E;"),
    ("S.e was of type enum and is of type uint16", "e @2 :E;", "e @2 :UInt16;"),
    ("S.l was of type uint32 and is of type int32", "l @3 :List(UInt32)", "l @3 :List(Int32)"),
    ("S.l was of type list and is of type text", "l @3 :List(UInt32)", "l @3 :Text"),
    ("S.s was a S and is a Other", "s @4 :S;", "s @4 :Other;"),
    ("S.ss was a S and is a Other", "ss @5 :List(S);", "ss @5 :List(Other);"),
    ("S.v has another default", "v @7 :Text = \"v\"", "v @7 :Text = \"w\""),
    ("S.u was @6 and is @7", "u @6 :Int8; v", "u @7 :Int8; v", "v @7 :Text", "v @6 :Text"),
    ("S.v is in another union, or has another place in it", "x @0 :Int32 = 5; ", "", "v @7", "x @0 :Int32 = 5; v @7"),
    ("S.u is in another union", "union { u @6 :Int8; v", "u @6 :Int8; union { third @13 :Void; v"),
    ("S.pair was of type text and is of type data", "Pair(Text, S)", "Pair(Data, S)"),
    ("S.bits was of type bool and is of type struct", "bits @10 :List(Bool)", "bits @10 :List(N)",
     "struct Other", "struct N { n @0 :Bool; } struct Other"),
    ("S.any was of type any and is of type any", "any @11 :AnyPointer", "any @11 :Capability"),
    ("S.origin has another default", "(n = 3)", "(n = 4)"),
    ("S.origin (@12) is gone", "origin @12 :Other = (n = 3);", ""),
    ("Other is gone", "struct Other {", "struct Other @0xf123456789abcdef {"),
    ("J no longer extends I", "interface J extends(I)", "interface J"),
    ("I.take is gone", "take @4 (held :Capability);", ""),
    ("I.n was number 1 and is number 2", "n @1 () ->", "n @2 () ->", "w @2", "w @1"),
    ("I.n is no longer $repeatable", "() $C.repeatable", "()"),
    ("I.m (parameters).p was @0 and is @1", "(p :S, q :Int8)", "(q :Int8, p :S)"),
    ("I.m (results).r was of type text and is of type data", "r :Text", "r :Data"),
    ("I.m (parameters).q (@1) is gone", "(p :S, q :Int8)", "(p :S)"),
    ("I.w (parameters).bytes has the limit $maxBytes(99) and had $maxBytes(100)", "maxBytes(100)", "maxBytes(99)"),
    ("I.w (parameters).list has the limit $maxCount(9) and had $maxCount(10)", "most :UInt32 = 10", "most :UInt32 = 9"),
    ("I.w (parameters).free has the limit $maxBytes(9) and had none", "free :Text", "free :Text $C.maxBytes(9)"),
    ("I.lend (results).i was a I and is a J", "(i :I)", "(i :J)"),
    ("I.take (parameters).held was of type any and is of type text", "held :Capability", "held :Text"),
    ("I.lend (results).i was of type interface and is of type any", "(i :I)", "(i :Capability)"),
    ("J was a interface and is a struct", "interface J extends(I) { o @0 S -> S; }", "struct J @%s { }"),
    ("J is gone", "interface J extends(I) { o @0 S -> S; }", ""),
    ("note was of type text and is of type data", "(*) :Text", "(*) :Data"),
)


class Evolution(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.folder = pathlib.Path(self.scratch.name)
        self.write("old", OLD)
        nodes = evolve.request_of(self.folder / "old" / "x.capnp", [ROOT / "idl"]).nodes.values()
        self.ids = {node.display_name: node.id for node in nodes}

    def write(self, name, text):
        (self.folder / name).mkdir(exist_ok=True)
        (self.folder / name / "x.capnp").write_text(text.replace('import "', 'import "/'))

    def compare(self, *changes):
        """Complaints about the old schema with each first text replaced by the second."""
        new = OLD
        for before, after in zip(changes[::2], changes[1::2]):
            self.assertIn(before, new)
            new = new.replace(before, after.replace("%s", f"{self.ids['x.capnp:J']:#x}"))
        self.write("new", new)
        return evolve.complaints(self.folder / "old" / "x.capnp", self.folder / "new" / "x.capnp", [ROOT / "idl"])

    def test_what_may_change(self):
        for changes in COMPATIBLE:
            with self.subTest(changes=changes):
                self.assertEqual(self.compare(*changes), [])

    def test_what_may_not(self):
        for complaint, *changes in INCOMPATIBLE:
            with self.subTest(complaint=complaint):
                found = self.compare(*changes)
                self.assertTrue(any(line.startswith(f"x.capnp:{complaint}") for line in found), found)


class Release(unittest.TestCase):
    """tools/contracts.py over a tree of its own."""

    def setUp(self):
        scratch = tempfile.TemporaryDirectory()
        self.addCleanup(scratch.cleanup)
        self.tree = pathlib.Path(scratch.name)
        (self.tree / "idl").mkdir()
        shutil.copy(ROOT / "idl" / "tessera.capnp", self.tree / "idl")
        self.contract = self.tree / "idl" / "x.capnp"
        self.contract.write_text(OLD)

    def test_what_is_not_released_may_change(self):
        self.assertEqual(contracts.check(self.tree), (0, []))

    def test_what_is_released_holds(self):
        self.assertEqual(contracts.release(self.tree), ["tessera", "x"])
        self.assertEqual(contracts.check(self.tree), (2, []))
        self.contract.write_text(OLD.replace("b @1; }", "b @1; c @2; }"))
        self.assertEqual(contracts.check(self.tree), (2, []))
        self.assertEqual(contracts.release(self.tree), ["x"])
        self.contract.write_text(OLD)  # what was added since is released, too
        self.assertEqual(contracts.check(self.tree), (2, ["idl/x.capnp:E.c is gone"]))
        self.contract.unlink()
        self.assertEqual(contracts.check(self.tree), (2, ["idl/x.capnp is gone, but it was released"]))


if __name__ == "__main__":
    unittest.main()
