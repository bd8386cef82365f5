"""Where a manifest is wrong, and which line each part of it is on: manifest_test.py MANIFEST_CHECK."""
import json
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from compiler import ROOT, Compiler, ManifestError, check  # noqa: E402
from places import PlaceError, Sources  # noqa: E402

CHECKER = sys.argv.pop(1)
HEAD = '@0xb5a1c7e04d2f9689;\nusing M = import "/idl/manifest.capnp";\n'
LOGD = '(name = "logd", memoryKib = 64, provides = ["log"])'


def compiled(path):
    compiler = Compiler(path)
    found = compiler.compiled()
    check(compiler, found, CHECKER)
    return found


def decoded(bytes_):
    done = subprocess.run(["capnp", "convert", "flat:json", str(ROOT / "idl" / "manifest.capnp"), "System"],
                          input=bytes_, capture_output=True, check=True)
    return json.loads(done.stdout)


def service(fields):
    """A system with a logger and this service, each of its fields on a line of its own, with room for a comment behind it."""
    lines = "\n    , ".join(fields.split("; "))
    return f'const system :M.System = (name = "a", services = [{LOGD},\n  (name = "b",\n    {lines}\n  )]);\n'


def program(grant):
    return (f'const system :M.System = (name = "a", services = [{LOGD}], programs = [\n  (name = "c", memoryKib = 64,\n'
            f"    grants = [\n      {grant}\n    ])]);\n")


def operations(*which):
    return f'const system :M.System = (name = "a", services = [{LOGD}], operations = [\n' + ",\n".join(which) + "\n]);"


def grants(*which):
    return service("memoryKib = 64; grants = [\n      " + "\n      , ".join(which) + "\n]")


# A mistake and a part of what is said about it. It is on the line with the mark, which is a comment.
# A service that provides its own name and is granted something; the fourth line from its first is the grant's.
NEEDED = ('const {0} :M.Service = (name = "{0}", memoryKib = 64, provides = ["{0}"], grants = [\n'
          '  (name = "{1}", {2}),{3}\n])\n;\n')

MISTAKES = (
    # What the standard tool finds
    ("const system :M.System = (\n  name = 5, #!\n);", "Type mismatch"),
    ("const system :M.System = (name = \"a\",\n  servces = []); #!", "no field named 'servces'"),
    (service("memoryKib = 64; band = urgent #!"), "urgent"),
    (service("memoryKib = 64; grants = [name = \"x\"] #!"), "Parse error"),
    (grants('(name = "x", magic = void) #!'), "no field named 'magic'"),
    (grants('(name = "x", ioport = 5) #!'), "Type mismatch"),
    ("const system :M.System = (name = \"a\", services = [\n  .logd #!\n]);", "Not defined: logd"),
    # Of the constant
    ("const sistem :M.System = (name = \"a\");", "there is no constant `system`"),
    ("const system :M.Service = (name = \"a\");", "is not of type `Manifest.System`"),
    ("const system :M.System =\n  (); #!", "the name for a system is missing"),
    ("const system :M.System = (\n  name = \"A\"); #!", "`A` is no name for a system"),
    ("const system :M.System =\n ( #!\n name = \"a\");", "there is no service"),
    ("const system :M.System =\n ( #!\n name = \"a\", services = [], programs = [(name = \"b\", memoryKib = 64)]);",
     "there is no service"),
    ("const system :M.System = (name = \"a\", services = [" + LOGD + "],\n  include = [\"x\",\n \"y\",\n\"x\"]); #!", "`x` stands here twice"),
    ("const system :M.System = (name = \"a\", services = [" + LOGD + "],\n  include = [\"x\",\n \"Y\"]); #!", "`Y` is no program"),
    ("const system :M.System = (name = \"a\", services = [" + LOGD + "],\n  sources = [\"x\"]); #!", "`sources` is filled in by the compiler"),
    # Names and sizes
    (service("memoryKib = 64").replace('(name = "b",', '(name = "logd", #!'), "the name `logd` is taken by t.capnp:3"),
    (service("memoryKib = 64").replace('(name = "b",', '(name = "9", #!'), "`9` is no name"),
    (service("memoryKib = 64").replace('(name = "b",', '(name = "a-name-that-is-24-long-x", #!'), "too long for a name: at most 23"),
    (service("band = normal").replace('(name = "b",', '(name = "b", #!'), "`b` has no memoryKib, which is required"),
    (service("band = normal; memoryKib = 60 #!"), "60 KiB is outside 64 to 1073741824; write `64` instead"),
    (service("memoryKib = 66 #!"), "66 KiB is no multiple of 4, the size of a page; write `68` instead"),
    (service("memoryKib = 64; stackKib = 516 #!"), "516 KiB is outside 8 to 512"),
    (service("memoryKib = 64; stackKib = 4 #!"), "4 KiB is outside 8 to 512"),
    (service("memoryKib = 64; program = \"b/c\" #!"), "`b/c` is no program"),
    (service("memoryKib = 64; line = 5 #!"), "`line` is filled in by the compiler"),
    (grants('(name = "x", trace = void, source = 1) #!'), "`source` is filled in by the compiler"),
    (service('memoryKib = 64; args = [(text = "x"),\n (bootCommandLine = void), (text = "a\\tb")] #!'), "a control character"),
    # Grants
    (grants('(name = "x") #!'), "`x` grants nothing"),
    (grants('(trace = void) #!'), "the name for a capability is missing; add `name = \"unnamed\"`"),
    (grants('(name = "x", trace = void)', '(name = "x", inspector = void) #!'), "`x` is granted twice, first in t.capnp:7"),
    (grants('(name = "x",\n  trace = void,\n  control = true) #!'), "`control` is for a service or the supervisor, not for `trace`"),
    (grants('(name = "x", service = "Log") #!'), "`Log` is no what a service provides"),
    (grants('(name = "x",\n service = "nobody") #!'), "no service provides `nobody`"),
    (grants('(name = "x",\n file = "../etc") #!'), "`../etc` is no file"),
    (grants('(name = "x",\n ioport = (base = 65536, count = 1)) #!'), "below 0x10000"),
    (grants('(name = "x", ioport = (base = 65535, count = 2)) #!'), "below 0x10000"),
    (grants('(name = "x", ioport = (base = 1)) #!'), "no range of at least one port"),
    (grants('(name = "x", interrupt = 256) #!'), "256 is no interrupt line"),
    (grants('(name = "x", accountKib = 3) #!'), "3 KiB is outside 4"),
    (grants('(name = "x", ioport = (base = 1, count = 8))', '( #!\n name = "y", ioport = (base = 8, count = 1))'),
     "the same port is granted in t.capnp:7, and can have one holder only; leave it out"),
    (grants('(name = "x", interrupt = 4)', '(name = "y", interrupt = 4) #!'), "the same interrupt line is granted in t.capnp:7"),
    (grants('(name = "x", serial = (port = spare, part = interrupt))', '(name = "y", serial = (port = spare, part = interrupt)) #!'),
     "the same part of a serial port is granted in t.capnp:7"),
    (grants('(name = "x", keepKib = 4) #!'), "4 KiB is outside 8 to 16384"),
    (grants('(name = "x", keepKib = 8)', '(name = "y", keepKib = 8) #!'), "`b` is granted memory to keep already (t.capnp:7)"),
    (program('(name = "x", keepKib = 8) #!'), "`c` is a program, of which nothing is kept"),
    # What is provided and resolved
    (service('memoryKib = 64; provides = ["c",\n "c" #!\n]'), "`c` stands here twice"),
    (service('memoryKib = 64; provides = ["c",\n "log" #!\n]'), "`log` is provided by `logd` already (t.capnp:3)"),
    (service('memoryKib = 64; provides = [\n "supervisor" #!\n]'), "provided by init itself"),
    (service('memoryKib = 64; provides = ["c"]; grants = [\n(name = "x", service = "c")] #!'), "what it provides itself"),
    (service('memoryKib = 64; provides = ["c"]; grants = [\n(name = "c", trace = void)] #!'), "receives what it provides"),
    (service('memoryKib = 64; resolve = [(name = "log"),\n (name = "nobody") #!\n]'), "no service provides `nobody`"),
    (service('memoryKib = 64; resolve = [(name = "log")] #!'), "is not granted the registry"),
    # What programs are granted
    (grants('(name = "x", programs = void) #!'), "`x` is to be called `programs`"),
    (program('(name = "programs", programs = void) #!'), "`c` is a program; only a service runs programs"),
    (grants('(name = "x", crashes = void) #!'), "`x` is to be called `crashes`"),
    (program('(name = "crashes", crashes = void) #!'), "`c` is a program; only a service is told of crashes"),
    (program('(name = "x", interrupt = 4) #!'), "`c` is a program, which may run several times, but a device has one holder"),
    # Who needs whom
    (NEEDED.format("c", "d", "service = \"d\"", " #!") + NEEDED.format("d", "c", "service = \"c\"", "") +
     'const system :M.System = (name = "a", services = [.c, .d]);', "each waits for the next: `c` needs `d` (t.capnp:4), `d` needs `c` (t.capnp:8)"),
    (grants('(name = "x", trace = void, weak = true) #!'), "`weak` is for a service, not for `trace`"),
    (grants('(name = "programs", programs = void, unshared = true) #!'), "`unshared` is not for `programs`"),
    (service("memoryKib = 64; modes = [full, slow] #!"), "slow"),
    (service("memoryKib = 64; answerMs = 0 #!"), "given no time to answer"),
    (service("memoryKib = 64; budget = 0 #!"), "may not even fail once"),
    ('const system :M.System = (name = "a", services = [(name = "log", memoryKib = 64, provides = ["log"], modes = [full]),\n' +
     '(name = "b", memoryKib = 64, modes = [full, safe], grants = [\n(name = "log", service = "log"), #!\n])]);',
     "`b` runs in mode safe, and `log` (t.capnp:3), which it needs, does not"),
    # What people may have done
    (operations('(name = "Run") #!'), "`Run` is no name"),
    (operations('(name = "run")', '(name = "run", role = user) #!'), "`run` is named in t.capnp:"),
    (operations('(name = "run", role = king) #!'), "king"),
    # In a constant that is used elsewhere
    ('const bad :List(M.Grant) = [\n  (name = "x", trace = void), (name = "y",\n  service = "nobody"), #!\n];\n' +
     service("memoryKib = 64; grants = .bad"), "no service provides `nobody`"),
    ('const none :Text = "nobody";\n' + grants('(name = "x",\n service = .none) #!'), "no service provides `nobody`"),
)


class Mistakes(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="tessera-test-")
        self.path = pathlib.Path(self.folder.name) / "t.capnp"

    def tearDown(self):
        self.folder.cleanup()

    def complaint(self, text):
        self.path.write_text(text)
        with self.assertRaises((ManifestError, PlaceError)) as caught:
            compiled(self.path)
        return str(caught.exception)

    def test_each_is_told_with_its_line(self):
        for text, says in MISTAKES:
            with self.subTest(says):
                whole = HEAD + text
                marked = [number for number, line in enumerate(whole.splitlines(), 1) if "#!" in line]
                said = self.complaint(whole)
                self.assertIn(says, said)
                self.assertLessEqual(len(marked), 1)
                self.assertRegex(said, rf"^\S*t\.capnp:{(marked or [1])[0]}:\d+(-\d+)?: error: ")

    def test_a_weak_grant_ends_a_cycle(self):
        self.path.write_text(HEAD + NEEDED.format("c", "d", 'service = "d"', "") + NEEDED.format("d", "c", 'service = "c", weak = true', "") +
                             'const system :M.System = (name = "a", services = [.c, .d]);')
        self.assertTrue(compiled(self.path))

    def test_in_another_file(self):
        other = self.path.with_name("other.capnp")
        other.write_text('@0xb5a1c7e04d2f968a;\nusing M = import "/idl/manifest.capnp";\nstruct Parts {\n'
                         '  const bad :M.Service = (name = "c",\n    memoryKib = 5);\n}\n')
        said = self.complaint(HEAD + 'using import "other.capnp".Parts;\n'
                              f'const system :M.System = (name = "a", services = [{LOGD}, Parts.bad]);\n')
        self.assertRegex(said, rf"^{other}:5:\d+: error: 5 KiB is outside")

    def test_the_command(self):
        """As the build runs it, from another folder: status 1, what is wrong and no output; or an output and not a word."""
        output = self.path.with_suffix(".manifest")
        command = [sys.executable, str(ROOT / "tools" / "manifest" / "manifestc"), "--check", str(pathlib.Path(CHECKER).resolve()),
                   "--output", output.name]
        def run(source):
            done = subprocess.run([*command, source], cwd=self.path.parent, capture_output=True, text=True)
            return done.returncode, done.stdout, done.stderr
        self.path.write_text(HEAD + grants('(name = "x", file = "A")'))
        status, out, said = run(self.path.name)
        self.assertEqual((status, out, output.exists()), (1, "", False))
        self.assertRegex(said, rf"^{self.path.resolve()}:7:20: error: `A` is no file")
        self.assertEqual(run(str(ROOT / "system" / "test.capnp")), (0, "", ""))
        self.assertEqual(decoded(output.read_bytes())["sources"], ["system/tessera.capnp", "system/test.capnp"])

    def test_columns_count(self):
        said = self.complaint(HEAD + grants('(name = "x", file = "A")'))
        self.assertRegex(said, rf"^{self.path}:7:20: error: `A` is no file")


class Writer:
    """A file in the making: what it is put in random form, and the line that each thing came to be on."""

    SPACE = (" ", " ", "  ", "\n", "\n\n   ", "\t", " # a \"comment\" (with, [brackets\n", "\n#\n", "")

    def __init__(self, source, number):
        self.random, self.text = source, f"@{0xb5a1c7e04d2f9600 + number:#x};"

    def space(self):
        self.text += self.random.choice(self.SPACE)

    def put(self, word):
        self.space()
        joins = self.text[-1:].isalnum() and word[:1].isalnum() or self.text[-1:] in "=.:,$@" and word[:1] in "=.:-$@"
        self.text += (" " if joins else "") + word

    def line(self):
        return self.text.count("\n") + 1

    def string(self, text):
        cut = self.random.randrange(len(text) + 1)
        for part in ([text] if self.random.random() < 0.7 else [text[:cut], text[cut:]]):
            escaped = "".join(f"\\x{ord(c):02x}" if self.random.random() < 0.1 else c for c in part)
            self.put(f'"{escaped}"')


class Generator:
    """A random system in some files. `lines`: name of a unit, or of a unit and a grant, -> file and line."""

    DEVICES = ("ioport", "interrupt")  # not for programs
    KINDS = ("inspector", "trace", "notification", "endpoint", "ioport", "interrupt", "file", "service")

    def __init__(self, folder, seed):
        self.random, self.folder, self.lines = random.Random(seed), folder, {}
        self.files = [Writer(self.random, number) for number in range(3)]
        self.names = ["a.capnp", "b.capnp", "t.capnp"]
        self.count, self.port = 0, 0
        self.preambles()
        self.system()
        for name, file in zip(self.names, self.files):
            file.space()
            (folder / name).write_text(file.text + "\n")

    def preambles(self):
        for number, file in enumerate(self.files):
            for word in ("using", "Manifest", "=", "import", '"/idl/manifest.capnp"', ";"):
                file.put(word)
            for below in range(number):
                for word in ("using", f"File{below}", "=", "import", f'"{self.names[below]}"', ";"):
                    file.put(word)

    def fresh(self, prefix):
        self.count += 1
        return f"{prefix}{self.count}"

    def write(self, number, type_, body):
        """Writes a value into the file; or a constant into it or into one below, and refers to that."""
        file = self.files[number]
        if number == 0 or self.random.random() < 0.6:
            body(number)
            return
        below = self.random.randrange(number)
        name, other = self.fresh("x"), self.files[below]
        inside = self.random.random() < 0.3
        if inside:
            for word in ("struct", name.upper(), "{"):
                other.put(word)
        for word in ("const", name, ":", *type_, "="):
            other.put(word)
        body(below)
        other.put(";")
        if inside:
            other.put("}")
        file.put(".".join([f"File{below}", *([name.upper()] if inside else []), name]))

    def listed(self, number, items):
        file = self.files[number]
        file.put("[")
        for index, item in enumerate(items):
            if index:
                file.put(",")
            item()
        if items and self.random.random() < 0.3:
            file.put(",")
        file.put("]")

    def fields(self, number, key, fields):
        """`fields`: (name, function). In any order."""
        file = self.files[number]
        self.random.shuffle(fields)
        file.put("(")
        if key is not None:
            self.lines[key] = (self.names[number], file.line())
        for index, (name, function) in enumerate(fields):
            if index:
                file.put(",")
            file.put(name)
            file.put("=")
            function()
        file.put(")")

    def grant(self, unit, name):
        def body(number):
            file = self.files[number]
            kind = self.random.choice([kind for kind in self.KINDS if unit.startswith("s") or kind not in self.DEVICES])
            def what():
                if kind == "ioport":
                    self.port += 8
                    base = self.port
                    self.fields(number, None, [("base", lambda: file.put(str(base))), ("count", lambda: file.put("0x8"))])
                elif kind == "interrupt":
                    self.port += 8
                    file.put(str(self.port // 8))
                elif kind in ("file", "service"):
                    file.string({"file": "manual", "service": "log"}[kind])
                else:
                    file.put("void")
            self.fields(number, (unit, name), [("name", lambda: file.string(name)), (kind, what)])
        return body

    def unit(self, name, is_service):
        def body(number):
            file = self.files[number]
            names = [f"g{index}" for index in range(self.random.randrange(4))]
            def each(where):
                return [lambda n=n: self.write(where, ["Manifest", ".", "Grant"], self.grant(name, n)) for n in names]
            fields = [("name", lambda: file.string(name)), ("memoryKib", lambda: file.put("64")),
                      ("grants", lambda: self.write(number, ["List", "(", "Manifest", ".", "Grant", ")"],
                                                    lambda where: self.listed(where, each(where))))]
            if is_service and name == "s0":
                fields[2:] = [("provides", lambda: self.listed(number, [lambda: file.string("log")]))]
            self.fields(number, (name, None), fields)
        return body

    def system(self):
        number, file = 2, self.files[2]
        services = [self.unit(f"s{index}", True) for index in range(self.random.randrange(1, 4))]
        programs = [self.unit(f"p{index}", False) for index in range(self.random.randrange(3))]
        for word in ("const", "system", ":", "Manifest", ".", "System", "="):
            file.put(word)
        def each(units, type_):
            return lambda: self.listed(number, [lambda u=u: self.write(number, ["Manifest", ".", type_], u) for u in units])
        self.fields(number, None, [("name", lambda: file.string("random")), ("services", each(services, "Service")),
                                   ("programs", each(programs, "Program"))])
        file.put(";")


class Lines(unittest.TestCase):
    def test_of_random_systems_in_random_form(self):
        for seed in range(60):
            with tempfile.TemporaryDirectory(prefix="tessera-test-") as folder, self.subTest(seed):
                made = Generator(pathlib.Path(folder), seed)
                try:
                    system = decoded(compiled(pathlib.Path(folder) / "t.capnp"))
                except ManifestError as error:
                    self.fail(f"{error}\n" + (pathlib.Path(folder) / "t.capnp").read_text())
                found = {}
                for unit in system.get("services", []) + system.get("programs", []):
                    for grant in [None, *unit.get("grants", [])]:
                        of = grant or unit
                        found[unit["name"], grant and grant["name"]] = (system["sources"][of.get("source", 0)], of["line"])
                self.assertEqual(found, made.lines)

    def test_sources_are_all_that_is_imported(self):
        found = {path.name for path in Sources([ROOT]).closure(ROOT / "system" / "test.capnp")}
        self.assertEqual(found, {"test.capnp", "tessera.capnp", "manifest.capnp"})

    def test_a_value_that_is_not_that_of_the_source_is_noticed(self):
        """As if the source had changed after the standard tool had read it."""
        with tempfile.TemporaryDirectory(prefix="tessera-test-") as folder:
            path = pathlib.Path(folder) / "t.capnp"
            for before, after in (('"logd"', '"other"'), ('"log"', '"log", "b"'), ("provides", "resolve"), (LOGD, f"{LOGD}, {LOGD}")):
                path.write_text(HEAD + f'const system :M.System = (name = "a", services = [{LOGD}]);\n')
                compiler = Compiler(path)
                path.write_text(path.read_text().replace(before, after))
                compiler.sources = Sources([ROOT])
                compiler.literal = compiler.sources.constant(path, "system")
                if before == "provides":
                    self.assertTrue(compiler.compiled())  # a default: its line is that of what is around it
                    continue
                with self.assertRaisesRegex(ManifestError, rf"^{path}:3:\d+: error: cannot follow this in the source"):
                    compiler.compiled()


if __name__ == "__main__":
    unittest.main()
