"""What the generator's own reader refuses, how names are made, and how C is written."""
import pathlib
import struct
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.dont_write_bytecode = True
sys.path.insert(0, str(HERE))
import c  # noqa: E402
import files  # noqa: E402
import message  # noqa: E402
import names  # noqa: E402
import schema  # noqa: E402


def request_of(text, name="sample.capnp"):
    """The CodeGeneratorRequest of a schema."""
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / name
        path.write_text(f"@0xd12fd4713ba24468;\nusing C = import \"/tessera.capnp\";\n{text}\n")
        done = subprocess.run(["capnp", "compile", "-o-", f"--src-prefix={folder}", f"-I{ROOT / 'idl'}", path],
                              stdin=subprocess.DEVNULL, capture_output=True, check=True)
        return done.stdout


def generated(text, name="sample.capnp"):
    request = schema.Request(request_of(text, name))
    return files.Generated(request, request.files[0])


def framed(*words):
    return struct.pack(f"<II{len(words)}Q", 0, len(words), *words)


class Messages(unittest.TestCase):
    def refused(self, data, what):
        with self.assertRaisesRegex(message.MessageError, what):
            root = message.Message.framed(data).root()
            message.canonical(root)

    def test_frames(self):
        for data, what in ((b"", "ends in its header"), (b"\0\0\0\0", "a header of 1 segments"),
                           (struct.pack("<II", 0, 2) + bytes(8), "larger than what is left"),
                           (framed(0) + bytes(8), "8 bytes after"), (struct.pack("<II", 0xFFFFFFFF, 0), "a header of")):
            self.refused(data, what)

    def test_pointers_out_of_the_segment(self):
        self.refused(framed(0x0000_0001_0000_0000), "not in the message")        # a struct of one word, behind the end
        self.refused(framed(0x0000_0001_8000_0000), "not in the message")        # the same, before the beginning
        self.refused(framed(0xFFFF_FFFD_0000_0001), "not in the message")        # a list of 2^29 - 1 words
        self.refused(framed(0x0000_0009_0000_0002), "not in the message")        # far, to segment 9
        self.refused(framed(0x0000_0001_0000_0003 | 4), "unknown kind")

    def test_malformed_lists(self):
        self.refused(framed(0x0000_000F_0000_0001, 0x0001_0000_0000_0008, 0), "tag of a list")   # more than its words
        self.refused(framed(0x0000_000F_0000_0001, 1, 0), "tag of a list")                        # a tag that is a list

    def test_depth(self):
        words = [0x0001_0000_0000_0000] * 200 + [0]
        self.refused(framed(*words), "too deeply")

    def test_work_is_bounded(self):
        zero_sized = 0x3FFF_FFFF << 2
        self.refused(framed(0x0000_0007_0000_0001, zero_sized), "read more often")

    def test_canonical_form(self):
        # A struct of two words and two pointers, of which the second of each is zero.
        words = (0x0002_0002_0000_0000, 5, 0, 0x0000_001A_0000_0005, 0, 0x0061_6263)
        root = message.Message.framed(framed(*words)).root()
        self.assertEqual(message.canonical(root), [0x0001_0001_0000_0000, 5, 0x0000_001A_0000_0001, 0x0061_6263])

    def test_canonical_form_is_the_compilers(self):
        data = request_of("struct S { a @0 :Text = \"x\"; b @1 :List(List(UInt8)) = [[1], []]; }")
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(["capnp", "convert", "binary:canonical", "/usr/include/capnp/schema.capnp", "CodeGeneratorRequest"],
                                  input=data, capture_output=True, check=True, cwd=folder)
        root = message.Message.framed(data).root()
        ours = message.canonical(root)
        self.assertEqual(struct.pack(f"<{len(ours)}Q", *ours), done.stdout)

    def test_damaged_requests_are_refused_or_read(self):
        data = request_of("struct S { a @0 :Text; b @1 :List(S); union { c @2 :Int8 = 3; d @3 :S; } } interface I { m @0 (s :S); }")
        for at in range(0, len(data), 3):
            for value in (0, 1, 0x7F, 0xFF):
                damaged = data[:at] + bytes([value]) + data[at + 1:]
                try:
                    request = schema.Request(damaged)
                    for file in request.files:
                        files.Generated(request, file)
                except (schema.SchemaError, message.MessageError):
                    pass


class NamesOf(unittest.TestCase):
    def test_words(self):
        for name, expected in (("peerID2", "peer_id2"), ("HTTPServer", "http_server"), ("uInt8Field", "u_int8_field"),
                               ("test-import2", "test_import2"), ("A", "a"), ("getURLOf", "get_url_of"), ("x1Y2", "x1_y2")):
            self.assertEqual(names.snake(name), expected)

    def test_prefix_is_not_said_twice(self):
        header = generated("struct Log {} struct LogRecord {} struct Record2 {} struct Logger {}", "log.capnp").header_text
        for name in ("log", "log_record", "log_record2", "log_logger"):
            self.assertIn(f"struct {name} {{", header)

    def test_annotations(self):
        header = generated("$C.prefix(\"other\"); struct A { b @0 :Int8 $C.name(\"see\"); }"
                           " struct D $C.prefix(\"whole\") { e @0 :Int8; enum F $C.name(\"gee\") { h @0; } }").header_text
        for name in ("struct other_a {", "other_a_get_see(", "whole_get_e(", "enum whole_gee :", "WHOLE_GEE_H"):
            self.assertIn(name, header)
        self.assertIn("struct a {", generated("$C.prefix(\"\"); struct A {}").header_text)

    def test_words_of_c(self):
        header = generated("interface I { return @0 (int :UInt8, call :UInt8, i :UInt8) -> (for :Text); }").header_text
        self.assertIn("status_t (*return_)(void *self", header)
        self.assertIn("sample_i_call_return(struct sample_i i, struct rpc_call *call, uint8_t int_, uint8_t call_, uint8_t i_",
                      " ".join(header.split()))

    def test_what_the_generator_adds(self):
        header = generated("struct S { list :group { a @0 :Int8; } struct Builder { b @0 :Int8; }"
                           " union { id @1 :Int8; pointers @2 :Int8; } }").header_text
        for name in ("struct sample_s_list_group {", "struct sample_s_builder_type {", "SAMPLE_S_ID_ = 0", "SAMPLE_S_POINTERS_ = 1"):
            self.assertIn(name, header)

    def test_two_with_one_name(self):
        for text, first, second in (
                ("struct A { fooBar @0 :Int8; fooBAR @1 :Int8; }", "A.fooBar", "A.fooBAR"),
                ("struct A { struct Bc {} } struct ABc {}", "A.Bc", "ABc"),
                ("struct A {} struct AList {}", "A", "AList"),
                ("struct A { b :group { c @0 :Int8; } struct B {} }", "A.b", "A.B"),
                ("const fooBar :Int8 = 1; const fooBAR :Int8 = 2;", "fooBar", "fooBAR")):
            with self.assertRaises(names.NamingError) as caught:
                generated(text)
            for name in (first, second):
                self.assertRegex(str(caught.exception), rf"sample.capnp:{name}\b")


class Calls(unittest.TestCase):
    def test_limits_that_nobody_would_check(self):
        for text, what in (("interface I { m @0 (a :UInt32 $C.maxBytes(3)); }", r"I\.m: \$maxBytes on a .* texts or data"),
                           ("interface I { m @0 (a :List(Text) $C.maxBytes(3)); }", r"I\.m: \$maxBytes on a "),
                           ("interface I { m @0 (a :Text $C.maxCount(3)); }", r"I\.m: \$maxCount on a .* lists"),
                           ("interface I { m @0 () -> (a :Text $C.maxBytes(3)); }", r"I\.m: \$maxBytes on a ")):
            with self.assertRaisesRegex(schema.SchemaError, what):
                generated(text)
        for text in ("struct S { a @0 :Text $C.maxBytes(3); }", "struct S { union { a @0 :List(Text) $C.maxCount(3); b @1 :Int8; } }"):
            with self.assertRaises(subprocess.CalledProcessError): # the standard compiler's own
                request_of(text)

    def test_plain_parameters_stay_in_registers(self):
        header = generated("interface I { a @0 (x :UInt64, y :Bool, z :UInt64, u :UInt64, v :UInt64); b @1 (x :Text);"
                           " c @2 (p :UInt64, q :UInt64, r :UInt64, s :UInt64, t :UInt64, u :Bool); d @3 (); }").header_text
        plain = [name for name in "abcd" if f"rpc_call_plain(call, i.handle, &sample_i_{name}_method" in header]
        self.assertEqual(plain, ["a", "d"])


class C(unittest.TestCase):
    def test_strings(self):
        self.assertEqual(c.string(b'a"\\\n'), r'"a\"\\\n"')
        self.assertEqual(c.string("♫".encode()), '"♫"')
        self.assertEqual(c.string(b"\x01" + b"1"), r'"\0011"')
        self.assertEqual(c.string(b"??/"), r'"?\?/"')
        self.assertEqual(c.string(b""), '""')
        self.assertEqual(c.string(b"x" * 100), f'"{"x" * c.PIECE}" "{"x" * (100 - c.PIECE)}"')

    def test_numbers(self):
        self.assertEqual(c.integer(-(1 << 63), "int64"), "INT64_MIN")
        self.assertEqual(c.integer((1 << 64) - 1, "uint64"), "18446744073709551615u")
        self.assertEqual(c.floating(456.0, True), "456.0f")
        self.assertEqual(c.floating(struct.unpack("<f", struct.pack("<f", 0.1))[0], True), "0.1f")
        self.assertEqual(c.floating(float("-inf"), False), "-__builtin_inf()")
        self.assertEqual(c.floating(float("nan"), True), '__builtin_nanf("")')

    def test_lines(self):
        name = "f" * 60
        for lines in (c.function("int", name, [("struct some_type *", "parameter"), ("int", "other")], ["return 0;"]),
                      c.function("struct " + "r" * 60, name, [("int", "x")], [f"return call({'a' * 30}, {'b' * 30}, {'c' * 40});"]),
                      c.comment("word " * 60)):
            self.assertLessEqual(max(map(len, lines)), c.COLUMNS)
        self.assertEqual(c.function("int", "f", [], ["return 0;"]), ["static inline int f(void) { return 0; }"])
        self.assertEqual(c.comment("a\\\n\nb"), ["// a\\.", "//", "// b"])


if __name__ == "__main__":
    unittest.main()
