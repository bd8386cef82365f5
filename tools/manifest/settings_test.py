"""Where a schema of settings is wrong: settings_test.py SETTINGS_CHECK."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
TOOLS = pathlib.Path(__file__).resolve().parent
CHECKER = sys.argv.pop(1)
HEAD = '@0xb5a1c7e04d2f9689;\nusing C = import "/idl/config.capnp";\n'


def schema(key, namespace="", overlays=""):
    """A schema with this key, on a line of its own."""
    return (f'const settings :C.Schema = (namespaces = [(name = "a", {namespace} keys = [\n  {key}\n])], overlays = [\n  {overlays}\n]);\n')


def key(fields):
    return f'(name = "k", summary = "s", {fields})'


FLAG = key("open = [vendor], flag = (default = true)")

# A mistake and a part of what is said about it. It is on the line with the mark, which is a comment.
MISTAKES = (
    (schema('(name = "K", #!\n summary = "s", flag = ())'), "a name is a lower-case letter"),
    (schema('( #!\n name = "k", flag = ())'), "`summary`"),
    (schema('( #!\n name = "k", summary = "s")'), "the type is missing, as in `flag = (default = true)`"),
    (schema(key("\nopen = [default], #!\n flag = ()")), "open to vendor, system, admin or session"),
    (schema(key("\nopen = [everybody], #!\n flag = ()")), "everybody"),
    (schema(key("integer = (min = 5,\n max = 5 #!\n)")), "`max` is above `min`"),
    (schema("( #!\n" + key("integer = (default = 9, min = 0, max = 5, unit = \"ms\")")[1:]),
     "`a.k` is an integer from 0 to 5 ms; 9 is out of range"),
    (schema("( #!\n" + key('text = (default = "abc", maxBytes = 2)')[1:]), "`a.k` is a text of at most 2 bytes; this one has 3"),
    (schema(key("text = (default = \"\",\n maxBytes = 201 #!\n)")), "`maxBytes` is 1 to 200"),
    (schema(key("choice = (default = \"b\",\n choices = [\"b\"] #!\n)")), "at least two names"),
    (schema("( #!\n" + key('choice = (default = "x", choices = ["b", "c"])')[1:]), "`a.k` is one of b, c; `x` is not"),
    (schema("( #!\n" + key('list = (default = ["x", "y"], maxCount = 1)')[1:]), "this one has 2"),
    (schema(FLAG + ',\n (summary = "s", name = "k", #!\n flag = ())'), "there is a key `a.k` already"),
    (schema(FLAG, overlays='(layer = vendor, key = "a.j", #!\n value = (flag = true))'), "there is no such key"),
    (schema(FLAG, overlays='(layer = admin, key = "a.k", #!\n value = (flag = true))'), "vendor and system have overlays"),
    (schema(FLAG, overlays='(layer = system, key = "a.k", #!\n value = (flag = true))'),
     "`a.k` is not open to `system`; `open = [system]` at the key is expected"),
    (schema(FLAG, overlays='(layer = vendor, key = "a.k",\n value = (integer = 1)) #!'), "`a.k` is on or off; this is of another type"),
    (schema(FLAG, overlays='(layer = vendor, key = "a.k", value = (flag = true)),\n(layer = vendor, key = "a.k", value = (flag = true)) #!'),
     "has a value in this layer already"),
    (schema(FLAG, "version = 2, migrations = [(\ntoVersion = 3, #!\n key = \"x\", removed = void)],"), "from 2 to that of its namespace, 2"),
    (schema(FLAG, "version = 2, migrations = [\n(toVersion = 2, key = \"x\") #!\n],"), "what becomes of `x` is missing"),
    (schema(FLAG, "version = 2, migrations = [(toVersion = 2, key = \"x\", scaled = (\ndivide = 0))], #!\n"), "divided by 1 or more"),
    ("const sittings :C.Schema = ();", "there is no constant `settings`"),
    ("const settings :C.Key = ();", "is not of type `Config.Schema`"),
)


def run(source):
    with tempfile.TemporaryDirectory() as folder:
        path, output = pathlib.Path(folder) / "s.capnp", pathlib.Path(folder) / "out"
        path.write_text(HEAD + source)
        done = subprocess.run([TOOLS / "manifestc", "--settings", "--check", CHECKER, "--output", output, path], capture_output=True, text=True)
        return done.returncode, done.stderr, output.read_bytes() if output.exists() else None


class Settings(unittest.TestCase):
    def test_good(self):
        code, said, output = run(schema(FLAG, overlays='(layer = vendor, key = "a.k", value = (flag = false))'))
        self.assertEqual((code, said), (0, ""))
        self.assertEqual(int.from_bytes(output[:4], "little"), 0)
        self.assertEqual(int.from_bytes(output[4:8], "little"), len(output) // 8 - 1)

    def test_mistakes(self):
        for source, expected in MISTAKES:
            with self.subTest(expected):
                code, said, output = run(source)
                self.assertEqual((code, output), (1, None), said)
                self.assertIn(expected, said)
                lines = [number for number, line in enumerate((HEAD + source).splitlines(), 1) if "#!" in line]
                self.assertIn(f":{lines[0]}:" if lines else ":1:1:", said)


if __name__ == "__main__":
    unittest.main()
