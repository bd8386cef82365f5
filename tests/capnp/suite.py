"""Suite "capnp": tools/capnpc-c against the standard's own tool (docs/decisions/capnp-c.md).

What is generated is what is kept (tidy.capnp.*), compiles as the tree compiles its contracts, for everything that a schema can say
and for the standard's schemas; and what its accessors copy is what `capnp` encoded, for random schemas and values.
"""

import json
import os
import pathlib
import random
import re
import shlex
import sys

from testing import check, deadline, expect_equal, expect_match

sys.dont_write_bytecode = True
HERE = pathlib.Path(__file__).resolve().parent
ROOT = HERE.parent.parent
sys.path[:0] = [str(ROOT / "tools" / "capnpc-c"), str(ROOT / "tools")]
import copier  # noqa: E402
import port  # noqa: E402
import random_schema  # noqa: E402

PLUGIN = ROOT / "tools" / "capnpc-c" / "capnpc-c"
STANDARD = pathlib.Path("/usr/include/capnp")
SCHEMAS = 8          # random ones; CAPNP_SCHEMAS for more, CAPNP_SEED for the first
VALUES = 8           # of each
# The standard compiler itself gives up on some schemas that it once compiled wrongly.
GIVES_UP = "Cap'n Proto 0.5.x and previous contained a bug"


def generate(ctx, schema, prefix, out, *options, status=0):
    return ctx.run(["capnp", "compile", f"-o{PLUGIN}:{out}", f"--src-prefix={prefix}", *options, schema], status=status)


def compiler(ctx, library):
    """The command with which the build compiles a source of this library, without the files. It is run in the build folder."""
    listed = json.loads((ctx.build / "compile_commands.json").read_text())
    words = shlex.split(next(entry["command"] for entry in listed if f"/{library}.p/" in entry["output"]))
    kept, skip = [], False
    for word in words:
        if not skip and word not in ("-MD", "-c", "-o", "-MF", "-MQ"):
            kept.append(word)
        skip = word in ("-c", "-o", "-MF", "-MQ")
    return kept


def libraries(ctx):
    """What programs for the machine that builds are linked with."""
    names = ("lib/capnp/libcapnp_native.a", "base/libbase_native.a")
    ctx.run(["tools/build", "--arch", ctx.arch, "--quiet", *names], timeout=300, status=0)
    return [ctx.build / name for name in names]


def golden(ctx):
    """A change of what is generated shows in the tree."""
    generate(ctx, HERE / "tidy.capnp", HERE, ctx.scratch, f"-I{ROOT / 'idl'}")
    for name in ("tidy.capnp.h", "tidy.capnp.c"):
        made, kept = (ctx.scratch / name).read_text(), (HERE / f"{name}.golden").read_text()
        check(made == kept, f"what is generated is no longer {name}.golden: python3 tests/capnp/renew.py renews it", kept, made)
    compiled(ctx, ctx.scratch / "tidy.capnp.c")


def compiled(ctx, source, *includes):
    """For the target, as the tree's own contracts are."""
    command = compiler(ctx, "libidl.a")
    ctx.run([*command, *(f"-I{folder}" for folder in includes), "-c", source, "-o", ctx.scratch / "object.o"], cwd=ctx.build,
            timeout=120, status=0)


def everything(ctx):
    generate(ctx, HERE / "everything.capnp", HERE, ctx.scratch)
    generate(ctx, STANDARD / "schema.capnp", STANDARD.parent, ctx.scratch, "--no-standard-import", f"-I{STANDARD.parent}")
    compiled(ctx, ctx.scratch / "everything.capnp.c", ctx.scratch)


def imports_in_a_circle(ctx):
    """Two files that import each other, each of which is included first by its own source."""
    texts = {"here": '@0xa1f3b5c7d9e10245; using There = import "there.capnp"; enum Colour { red @0; blue @1; } const some :There.Shape = round;'
                     " struct Here { there @0 :There.There; all @1 :List(There.There); shape @2 :There.Shape = round; at @3 :There.Place; }"
                     " interface Desk { ask @0 (there :There.There, place :There.Place) -> (here :Here); }",
             "there": '@0xb1f3b5c7d9e10246; using Here = import "here.capnp"; enum Shape { flat @0; round @1; } const some :Here.Colour = blue;'
                      " struct There { here @0 :Here.Here; all @1 :List(Here.Here); colour @2 :Here.Colour = blue; desk @3 :Here.Desk; }"
                      " interface Place { go @0 (here :Here.Here, desk :Here.Desk) -> (there :There); }"}
    for name, text in texts.items():
        (ctx.scratch / f"{name}.capnp").write_text(text)
    for name in texts:
        generate(ctx, ctx.scratch / f"{name}.capnp", ctx.scratch, ctx.scratch)
    for name in texts:
        compiled(ctx, ctx.scratch / f"{name}.capnp.c", ctx.scratch)


FLOATS = """@0xb7d1c3f5e2a40968;
struct Weight { grams @0 :Float64 = 1.5; }
interface Scale {
  weigh @0 (grams :Float64, factor :Float32) -> (sum :Float32, all :List(Float64), last :Weight);
}
const unit :Float64 = 0.001;
"""
WEIGHS = """#include "floats.capnp.h"
uint64_t weigh(struct floats_scale scale, uint64_t grams);
uint64_t weigh(struct floats_scale scale, uint64_t grams) {
    RPC_CALL(call);
    struct floats_scale_weigh_results results;
    struct floats_scale_weigh_params_builder params = floats_scale_begin_weigh(scale, &call);
    floats_scale_weigh_params_put_bits_grams(params, grams);
    if (!status_ok(floats_scale_finish_weigh(&call, DEADLINE_NEVER, &results))) {
        return 0;
    }
    return floats_scale_weigh_results_bits_sum(results) + floats_weight_bits_grams(floats_scale_weigh_results_get_last(results)) +
           capnp_f64_list_bits(floats_scale_weigh_results_get_all(results), 0);
}
"""


def floats(ctx):
    """A program without floating-point registers, as those for the target are, can speak a contract that has floats."""
    (ctx.scratch / "floats.capnp").write_text(FLOATS)
    (ctx.scratch / "weighs.c").write_text(WEIGHS)
    generate(ctx, ctx.scratch / "floats.capnp", ctx.scratch, ctx.scratch)
    for source in ("floats.capnp.c", "weighs.c"):
        compiled(ctx, ctx.scratch / source, ctx.scratch)


def standard(ctx):
    """The schema of schemas, of remote calls, and all others that the packages bring. Imports are of their own folder."""
    for name in ("schema", "rpc", "rpc-twoparty", "persistent", "stream", "c++"):
        generate(ctx, STANDARD / f"{name}.capnp", STANDARD.parent, ctx.scratch, "--no-standard-import", f"-I{STANDARD.parent}")
    for name in ("schema", "rpc", "rpc-twoparty", "persistent", "stream", "c++"):
        compiled(ctx, ctx.scratch / "capnp" / f"{name}.capnp.c", ctx.scratch)


def standard_tests(ctx):
    """The standard's own test.capnp, which no binary package brings."""
    source = port.fetch(port.Recipe(ROOT / "ports" / "capnproto" / "port.toml")) / "src"
    generate(ctx, source / "capnp" / "test.capnp", source, ctx.scratch, "--no-standard-import", f"-I{source}")
    compiled(ctx, ctx.scratch / "capnp" / "test.capnp.c", ctx.scratch)


def embedded_schemas(ctx):
    """What is embedded of the schema of schemas, read with what was generated from it, has every field."""
    generate(ctx, STANDARD / "schema.capnp", STANDARD.parent, ctx.scratch, "--no-standard-import", f"-I{STANDARD.parent}")
    ctx.run([*compiler(ctx, "libcapnp_native.a"), f"-I{ctx.scratch}", HERE / "reflect.c", ctx.scratch / "capnp" / "schema.capnp.c",
             *libraries(ctx), "-o", ctx.scratch / "reflect"], cwd=ctx.build, timeout=120, status=0)
    printed = ctx.run([ctx.scratch / "reflect"], status=0).stdout.split()
    text = (STANDARD / "schema.capnp").read_text()
    check(len(printed) > 80, "schemas have fields", "more than 80", len(printed))
    for line in printed:
        expect_match(text, rf"\b{line.rsplit('.')[-1]} *(@\d+ *)?:", "schema.capnp")


def example_of_the_page(ctx):
    """What docs/decisions/capnp-c.md shows of its example is what the generator makes of it."""
    generate(ctx, ROOT / "lib" / "capnp" / "example.capnp", ROOT, ctx.scratch, f"-I{ROOT / 'idl'}")
    made = (ctx.scratch / "lib" / "capnp" / "example.capnp.h").read_text()
    names = r"^(?:static inline )?[a-z][\w ]*[ *](\w+)\("
    shown = {name for name in re.findall(names, (ROOT / "docs" / "decisions" / "capnp-c.md").read_text(), re.MULTILINE)
             if name.startswith("log_")}
    check(len(shown) > 40, "the page shows functions of its example", "more than 40", sorted(shown))
    missing = sorted(shown - set(re.findall(names, made, re.MULTILINE)))
    check(not missing, "functions that the page shows are not generated", "none", missing)


def kernel_objects(ctx):
    """What stands in for the kernel's objects is called as they are: mistakes of such a contract are named."""
    begin = '@0xeeee5ff456071042;\nusing C = import "/tessera.capnp";\n$C.prefix("");\n'
    path = ctx.scratch / "odd.capnp"
    path.write_text(begin + """interface Odd @0xb0b0b0b0b0b0b0b0 $C.kernelObject {
      none @0 ();
      swap @1 (other :Odd, small :UInt32, sure :Bool) -> (first :Odd, second :Capability, count :UInt32, done :Bool);
    }""")
    generate(ctx, path, ctx.scratch, ctx.scratch, f"-I{ROOT / 'idl'}")
    compiled(ctx, ctx.scratch / "odd.capnp.c", ctx.scratch)
    header = (ctx.scratch / "odd.capnp.h").read_text()
    for line in ("constexpr uint32_t ODD_SWAP_METHOD = 1;", "struct tess_message message = {.info = ODD_SWAP_METHOD | tess_accept(2) |",
                 ".words = {other.handle.v, small, sure, [6] = other.handle.v}",
                 ".first = {rpc_kernel_handle(call, 0)}, .second = rpc_kernel_handle(call, 1)",
                 "struct odd_target odd_swap_promise_first(struct rpc_promise promise)",
                 ".first = {rpc_kernel_taken_handle(slot, 0)}, .second = rpc_kernel_taken_handle(slot, 1), .count = (uint32_t)slot->message.words[2]"):
        check(line in " ".join(header.split()), "a call of a kernel object", line, header)
    expect_match((ctx.scratch / "odd.capnp.c").read_text(), r"if \(words\[1\] > UINT32_MAX \|\| words\[2\] > 1\)", "its dispatch")
    check("ODD_NONE" not in header, "method 0 is none", "nothing of it", header)
    for text, complaint in (
            ("interface Odd extends(Even) $C.kernelObject {} interface Even {}", "is a kernel object, and extends something"),
            ("interface Odd $C.kernelObject { none @0 (); bad @1 (text :Text); }", r"Odd\.bad: text is neither UInt64"),
            ("interface Odd $C.kernelObject { none @0 (); bad @1 () -> (a :UInt64, b :Odd); }", r"Odd\.bad: results that are capabilities come first"),
            ("interface Odd $C.kernelObject { none @0 (); bad @1 (a :Odd, b :Odd); }", r"Odd\.bad: the kernel takes one capability"),
            ("interface Odd $C.kernelObject { none @0 (); bad @1 (a :Odd, b :Bool, c :Bool, d :Bool, e :Bool, f :Bool, g :Bool); }",
             r"Odd\.bad: 7 fields do not fit in 6 words"),
            ("interface Odd $C.kernelObject { none @0 (); bad @1 Given; } struct Given { a @0 :UInt64; }", r"Odd\.bad: .* are listed by its method"),
            ("interface Odd $C.kernelObject { none @0 (); bad @1 () -> stream; }", r"Odd\.bad: a kernel object has no streams")):
        path.write_text(begin + text)
        expect_match(generate(ctx, path, ctx.scratch, ctx.scratch, f"-I{ROOT / 'idl'}", status=1).stdout, complaint, "the complaint")


def refused(ctx):
    """Mistakes are named, by a message and not by the generator's own failure."""
    for text, complaint in (("struct A { struct Bc {} } struct ABc {}", r"A\.Bc and .*ABc would both be called"),
                            ("struct A { x @0 :Int8; hasX @1 :Int8; xList @2 :Text; } struct AList {}", "would both be called"),
                            ("interface I { m @0 () -> (a :Text $C.maxBytes(3)); }", r"I\.m: \$maxBytes on a would be checked by nobody"),
                            ("struct A { x @0 :Text $C.maxBytes(3); }", "cannot be applied to this kind of declaration")):
        path = ctx.scratch / "wrong.capnp"
        path.write_text(f"@0xeeee5ff456071041;\nusing C = import \"/tessera.capnp\";\n{text}\n")
        done = generate(ctx, path, ctx.scratch, ctx.scratch, f"-I{ROOT / 'idl'}", status=1)
        expect_match(done.stdout, complaint, "the complaint")
        check("Traceback" not in done.stdout, "the generator failed", "a complaint", done.stdout)
    done = ctx.run([PLUGIN], stdin="\0\0\0\0", status=1)
    expect_match(done.stdout, "capnpc-c: the request is malformed", "the complaint")


# ---- random schemas and values ----

class RoundTrip:
    """A random schema, and the programs that copy its messages: to itself, and to the same schema without defaults."""

    def __init__(self, ctx, seed):
        self.ctx, self.seed = ctx, seed
        self.schema = random_schema.RandomSchema(seed)
        self.folder = ctx.scratch / str(seed)
        self.folder.mkdir()
        (self.folder / "random.capnp").write_text(self.schema.text)
        (self.folder / "plain.capnp").write_text(self.schema.plain_text)

    def build(self, libraries):
        """False when the standard's compiler gives up on the schema."""
        for name in ("random", "plain"):
            done = self.shell(f"capnp compile -o- {name}.capnp > {name}.request")
            if GIVES_UP in done.stdout:
                return False
            check(done.returncode == 0, f"seed {self.seed} makes no schema", "a schema", done.stdout)
            self.must(f"{PLUGIN} < {name}.request", "C is generated")
        request = (self.folder / "random.request").read_bytes()
        for target in ("random", "plain"):
            source = self.folder / f"copy_to_{target}.c"
            source.write_text(copier.Copier(request, "random", "Root", target).text)
            self.ctx.run([*compiler(self.ctx, "libcapnp_native.a"), "-O0", f"-I{self.folder}", source, HERE / "round_trip.c",
                          *(self.folder / f"{name}.capnp.c" for name in sorted({"random", target})), *libraries,
                          "-o", source.with_suffix("")], cwd=self.ctx.build, timeout=300, status=0)
        return True

    def shell(self, line):
        """Binary data goes through files of the folder."""
        return self.ctx.run(["sh", "-c", f"cd {self.folder} && {line}"])

    def must(self, line, what):
        done = self.shell(line)
        check(done.returncode == 0 and not done.stdout, f"seed {self.seed}: {what}", "no complaint", f"{line}\n{done.stdout}")

    def value(self, source, number):
        tree = self.schema.value(source)
        (self.folder / "text").write_text(self.schema.write(tree))
        (self.folder / "explicit").write_text(self.schema.write(self.schema.explicit(tree)))
        segment = source.choice(("", "--segment-size=1", "--segment-size=7", "--segment-size=100"))
        packed = source.choice(("", "-p"))
        self.must(f"capnp encode {segment} {packed} random.capnp Root < text > message", "the standard encodes")
        self.must(f"capnp convert --quiet {'packed' if packed else 'binary'}:canonical random.capnp Root < message > wanted",
                  "the standard makes the canonical form")
        self.must("capnp convert --quiet text:canonical plain.capnp Root < explicit > wanted-plain", "the standard encodes all defaults")
        for target, mode, wanted in (("random", "fields", "wanted"), ("random", "whole", "wanted"), ("random", "canonical", "wanted"),
                                     ("plain", "fields", "wanted-plain")):
            packed_out, words = source.choice(("", "-P")), source.choice((1, 5, 40, 1 << 16))
            what = f"value {number}, {mode} to {target}, segments of {words} words"
            self.must(f"./copy_to_{target} {mode} {packed} {packed_out} {words} < message > copy", what)
            self.must(f"capnp convert --quiet {'packed' if packed_out else 'binary'}:canonical {target}.capnp Root < copy > got",
                      f"the standard reads {what}")
            self.same(wanted, "got", f"{target}.capnp", what)
            if mode == "canonical" and not packed_out:
                expect_equal((self.folder / "copy").read_bytes()[8:].hex(), (self.folder / wanted).read_bytes().hex(),
                             f"seed {self.seed}: the canonical form")

    def same(self, wanted, got, schema, what):
        if (self.folder / wanted).read_bytes() != (self.folder / got).read_bytes():
            texts = [self.shell(f"capnp convert --quiet canonical:text {schema} Root < {name}").stdout for name in (wanted, got)]
            check(False, f"seed {self.seed}: {what}: the copy differs", *texts)


def random_messages(ctx):
    """What the generated getters read, the generated setters write: the same for the standard's tool, byte by byte."""
    built = libraries(ctx)
    count, seed = int(os.environ.get("CAPNP_SCHEMAS", SCHEMAS)), int(os.environ.get("CAPNP_SEED", 1))
    while count > 0:
        trip = RoundTrip(ctx, seed)
        if trip.build(built):
            count -= 1
            source = random.Random(seed)
            for number in range(VALUES):
                trip.value(source, number)
        seed += 1


def cases(ctx):
    limit = 120 + 30 * int(os.environ.get("CAPNP_SCHEMAS", SCHEMAS))
    return [("golden", lambda: golden(ctx)),
            ("everything_compiles", lambda: everything(ctx)),
            ("imports_in_a_circle_compile", lambda: imports_in_a_circle(ctx)),
            ("floats_without_registers", lambda: floats(ctx)),
            ("standard_schemas_compile", lambda: standard(ctx)),
            ("standard_tests_compile", lambda: standard_tests(ctx)),
            ("example_of_the_page", lambda: example_of_the_page(ctx)),
            ("embedded_schemas", lambda: embedded_schemas(ctx)),
            ("kernel_objects", lambda: kernel_objects(ctx)),
            ("mistakes_are_named", lambda: refused(ctx)),
            ("random_messages", deadline(limit)(lambda: random_messages(ctx)))]
