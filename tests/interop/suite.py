"""Suite "interop": what lib/capnp writes, the standard tool reads, and the other way round; the text of lib/reflect, too.

The tool is `capnp` (package capnproto). The library is driven through tests/interop/mirror.c, which knows a schema
only through the tool's own compiled form of it, so that any schema will do: one with everything, random ones with random
values, and the tool's own.
"""

import os
import random
import re
import subprocess

from testing import check, deadline, expect_equal, patience
from random_values import RandomSchema, random_everything

ARCHITECTURES = ("x86_64", "riscv64")
SIZE_LIMIT = 24 << 10     # bytes of the library on the target
RANDOM_SCHEMAS = 12
VALUES = 12               # of each schema
ROUNDS = 1000             # of twenty.c and twenty.cpp
SEGMENT_WORDS = (1, 3, 16, 200)
NEED_SCHEMA = ("text", "pretty", "encode", "rebuild")
STANDARD = "/usr/include/capnp"


class Tool:
    """The standard tool and the mirror, for one schema and one of its structs."""

    def __init__(self, ctx, schema, struct):
        self.ctx, self.schema, self.struct = ctx, schema, struct
        self.mirror_program = ctx.build / "tests" / "interop" / "mirror"
        self.request = ctx.scratch / "request"
        self.request.write_bytes(self.run(["capnp", "compile", "-o-", schema], cwd=ctx.scratch))

    def run(self, command, data=b"", words=0, cwd=None):
        """Standard output of a command that must succeed."""
        environment = {**os.environ, "WORDS": str(words), "ASAN_OPTIONS": "detect_leaks=0"}
        process = self.ctx.start([str(part) for part in command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, env=environment, cwd=cwd)
        out, err = process.communicate(data, timeout=patience(60))
        check(process.returncode == 0, f"{command[0]} {command[1]} ended otherwise than it should", "exit status 0",
              f"exit status {process.returncode}\n{err.decode(errors='replace')[-3000:]}")
        return out

    def encode(self, text):
        return self.run(["capnp", "encode", self.schema, self.struct], text.encode())

    def decode(self, data, *options):
        return self.run(["capnp", "decode", *(options or ["--short"]), "--quiet", self.schema, self.struct], data).decode()

    def convert(self, formats, data, *options):
        return self.run(["capnp", "convert", "--quiet", formats, *options], data)

    def mirror(self, mode, data, words=0):
        schema = [self.request, self.struct] if mode in NEED_SCHEMA else []
        return self.run([self.mirror_program, mode, *schema], data, words)


def expect_same_bytes(saw, expected, what):
    first = next((i for i, pair in enumerate(zip(saw, expected)) if pair[0] != pair[1]), min(len(saw), len(expected)))
    check(saw == expected, f"{what} differs at byte {first}", f"{len(expected)} bytes, there {expected[first:first + 16].hex()}",
          f"{len(saw)} bytes, there {saw[first:first + 16].hex()}")


def same_text(tool, data, expected, source):
    """Text of a stream of messages, and messages of a text: of the tool's own, and of the one it made the stream of."""
    expect_equal(tool.mirror("text", data).decode(), expected, "the text of what was read")
    expect_equal(tool.mirror("pretty", data).decode(), tool.decode(data, "--quiet"), "the same in many lines")
    if source is not None:
        expect_equal(tool.decode(tool.mirror("encode", expected.encode())), expected, "what the tool reads of a message made of text")
        made = tool.mirror("encode", source.encode())
        expect_same_bytes(tool.convert("binary:canonical", made), tool.convert("binary:canonical", data), "a message made of text")


def same_encoded(tool, text):
    same_both_ways(tool, tool.encode(text), source=text)


def same_both_ways(tool, data, text=True, sizes=SEGMENT_WORDS, source=None):
    """Everything that can be compared about a stream of messages that the tool wrote."""
    expected = tool.decode(data)
    if text:
        same_text(tool, data, expected, source)
    for words in (0, *sizes):
        for mode in ("rebuild", "copy"):
            expect_equal(tool.decode(tool.mirror(mode, data, words)), expected, f"{mode} in segments of {words} words")
    for words in sizes:
        pieces = tool.convert("binary:binary", data, f"--segment-size={words}")
        expect_equal(tool.decode(tool.mirror("copy", pieces)), expected, f"a copy of segments of {words} words")
        if text:
            expect_equal(tool.mirror("text", pieces).decode(), expected, f"the text of segments of {words} words")
        expect_same_bytes(tool.mirror("canonical", pieces), tool.convert("binary:canonical", data), "the canonical form")
    packed = tool.convert("binary:packed", data)
    expect_same_bytes(tool.mirror("unpack", packed), tool.convert("packed:binary", packed), "what was unpacked")
    ours = tool.mirror("pack", data)
    expect_same_bytes(tool.convert("packed:binary", ours), tool.convert("binary:binary", data), "what the tool unpacked")
    expect_same_bytes(tool.mirror("pack", tool.convert("binary:binary", data)), packed, "the packed form")


def build(ctx, *targets):
    ctx.run(["tools/build", "--arch", ctx.arch, "--quiet", *targets], timeout=300, status=0)


def code_size(ctx):
    """All that the target's library has, also what a program would not link."""
    for arch in ARCHITECTURES:
        ctx.run(["tools/build", "--arch", arch, "--quiet", "lib/capnp/libcapnp.a"], timeout=300, status=0)
        library = ctx.root / "build" / arch / "lib" / "capnp" / "libcapnp.a"
        listed = ctx.run(["llvm-size-19", "-t", library], status=0).stdout
        size = int(re.search(r"(\d+)\s+\w+\s+\(TOTALS\)", listed).group(1))
        print(f"        lib/capnp for {arch}: {size} bytes of {SIZE_LIMIT}")
        check(0 < size <= SIZE_LIMIT, f"the library has grown on {arch}", f"at most {SIZE_LIMIT} bytes", size)


def everything(ctx):
    build(ctx, "tests/interop/mirror")
    tool = Tool(ctx, ctx.root / "tests" / "interop" / "everything.capnp", "Everything")
    rng = random.Random(1)
    same_encoded(tool, "\n".join(["()", *(random_everything(rng) for _ in range(40))]))
    # The tool prints the parameters of generics, which lib/reflect takes for anything.
    pair = "(pair = (key = \"key\", value = (name = \"n\", next = (number = 4))), empty = (), empties = [(), ()])"
    same_both_ways(tool, tool.encode(pair), text=False)


def random_schemas(ctx):
    build(ctx, "tests/interop/mirror")
    for seed in range(RANDOM_SCHEMAS):
        schema = RandomSchema(seed)
        path = ctx.scratch / f"random{seed}.capnp"
        path.write_text(schema.text)
        tool = Tool(ctx, path, schema.root)
        try:
            same_encoded(tool, "\n".join(schema.value() for _ in range(VALUES)))
        except Exception:
            print(f"        seed {seed}:\n{schema.text}")
            raise


OLDER = """@0x9a1b2c3d4e5f6071;
struct Root { number @0 :UInt32 = 7; numbers @1 :List(UInt16); names @2 :List(Text); voids @3 :List(Void);
  items @4 :List(Item); one @5 :Item; lists @6 :List(List(Int8)); }
struct Item { id @0 :UInt8; }
"""
NEWER = """@0x9a1b2c3d4e5f6072;
struct Root { number @0 :UInt32 = 7; numbers @1 :List(Number); names @2 :List(Name); voids @3 :List(Item);
  items @4 :List(Item); one @5 :Item; lists @6 :List(List(Byte)); more @7 :Text = "more"; }
struct Item { id @0 :UInt8; text @1 :Text = "none"; big @2 :Int64 = -2; flag @3 :Bool = true; }
struct Number { value @0 :UInt16; next @1 :UInt16 = 3; why @2 :Text; }
struct Name { value @0 :Text; count @1 :UInt64 = 1; }
struct Byte { value @0 :Int8; }
"""


def evolution(ctx):
    """A program with an older or a newer schema reads a message as the standard tool reads it with that schema."""
    build(ctx, "tests/interop/mirror")
    tools = []
    for name, text in (("older", OLDER), ("newer", NEWER)):
        (ctx.scratch / f"{name}.capnp").write_text(text)
        tools.append(Tool(ctx, ctx.scratch / f"{name}.capnp", "Root"))
        tools[-1].request = (ctx.scratch / "request").rename(ctx.scratch / f"{name}.request")
    older, newer = tools
    for writer, reader, text in (
            (older, newer, '(numbers = [1, 65535, 3], names = ["a", "", "long enough for two words"], voids = [void, void],'
                           ' items = [(id = 1), ()], one = (id = 9), lists = [[], [1, -1]])'),
            (newer, older, '(numbers = [(value = 5, why = "x"), (next = 9)], names = [(value = "n"), (count = 7)], voids ='
                           ' [(id = 1)], items = [(id = 3, text = "t", big = 5), (flag = false)], one = (big = 1),'
                           ' lists = [[(value = -8)]], more = "m")')):
        data = writer.encode(text)
        for words in (0, *SEGMENT_WORDS):
            seen = reader.mirror("copy", data, words)
            expect_equal(reader.mirror("text", seen).decode(), reader.decode(data), f"what {reader.schema.name} makes of it")
            expect_equal(writer.decode(seen), writer.decode(data), "what was unknown, after a copy")
            expect_equal(reader.decode(reader.mirror("rebuild", data, words)), reader.decode(data), "what was rebuilt")


def standard_schemas(ctx):
    """The largest messages there are: the tool's schemas as the tool compiles them."""
    build(ctx, "tests/interop/mirror")
    tool = Tool(ctx, f"{STANDARD}/schema.capnp", "CodeGeneratorRequest")
    for name in ("schema", "rpc", "persistent"):
        data = tool.run(["capnp", "compile", "-o-", f"{STANDARD}/{name}.capnp"])
        same_both_ways(tool, data, sizes=(20, 200)) # the tool reads no more than 512 segments


def instructions(ctx, program):
    """What the function `build_and_consume` and all below it take, per round; and what the program printed."""
    counted = ctx.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={ctx.scratch}/callgrind",
                       "--toggle-collect=build_and_consume*", program], timeout=120, status=0).stdout
    return int(re.search(r"Collected : (\d+)", counted).group(1)) // ROUNDS, re.search(r"^\d+$", counted, re.M).group()


def fewer_instructions(ctx):
    """Building and reading the same message with both libraries, optimised alike and given their memory."""
    here, out = ctx.root / "tests" / "interop", ctx.scratch
    build(ctx, "lib/capnp/libcapnp.a") # also makes the generated headers
    sources = [path for path in sorted((ctx.root / "lib" / "capnp").glob("*.c")) if not path.name.endswith("_test.c")]
    for generator, folder in ((ctx.root / "tools" / "capnpc-c" / "capnpc-c", out / "c"), ("c++", out / "c++")):
        folder.mkdir()
        ctx.run(["capnp", "compile", f"-o{generator}:{folder}", f"--src-prefix={here}", here / "twenty.capnp"], status=0)
    ctx.run(["clang-19", "-std=c2x", "-O2", "-gdwarf-4", "-I", ctx.root, "-I", ctx.build, "-I", out / "c", here / "twenty.c",
             out / "c" / "twenty.capnp.c", *sources, "-o", out / "ours"], status=0)
    ctx.run(["g++", "-std=c++17", "-O2", "-gdwarf-4", "-I", out / "c++", here / "twenty.cpp", out / "c++" / "twenty.capnp.c++", "-lcapnp",
             "-lkj", "-o", out / "theirs"], timeout=120, status=0)
    (ours, our_sum), (theirs, their_sum) = instructions(ctx, out / "ours"), instructions(ctx, out / "theirs")
    print(f"        build and read a struct of 20 fields: {ours} instructions; C++ library: {theirs}")
    expect_equal(our_sum, their_sum, "what was read")
    check(ours < theirs, "it takes more instructions than with the C++ library", f"fewer than {theirs}", ours)


def malformed(ctx):
    """What the tool refuses or not: the mirror never does anything but read it or say what is wrong."""
    build(ctx, "tests/interop/mirror")
    tool = Tool(ctx, ctx.root / "tests" / "interop" / "everything.capnp", "Everything")
    rng = random.Random(2)
    data = tool.encode(random_everything(rng))
    for mode in ("text", "pretty", "rebuild", "copy", "canonical", "unpack"):
        for _ in range(60):
            broken = bytearray(data)
            for _ in range(rng.randint(1, 6)):
                broken[rng.randrange(len(broken))] = rng.choice((0, 1, 255, rng.randrange(256)))
            schema = [str(tool.request), tool.struct] if mode in NEED_SCHEMA else []
            process = ctx.start([str(tool.mirror_program), mode, *schema], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})
            _, err = process.communicate(bytes(broken), timeout=patience(60))
            check(process.returncode in (0, 1) and b"Sanitizer" not in err and b"runtime error" not in err,
                  f"{mode} of a broken message ended otherwise than it should", "status 0, or 1 with a sentence",
                  f"status {process.returncode}\n{err.decode(errors='replace')[-3000:]}\n{broken.hex()}")


def cases(ctx):
    return [("code_size", deadline(600)(lambda: code_size(ctx))),
            ("everything", lambda: everything(ctx)),
            ("random_schemas", deadline(300)(lambda: random_schemas(ctx))),
            ("evolution", lambda: evolution(ctx)),
            ("standard_schemas", lambda: standard_schemas(ctx)),
            ("fewer_instructions", lambda: fewer_instructions(ctx)),
            ("malformed", lambda: malformed(ctx))]
