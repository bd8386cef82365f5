"""Mistakes in a manifest, each made good by doing what its message says, and nothing else: mistakes_test.py MANIFEST_CHECK.

What is done is mechanical (`mend`): a message names a place, and says what to write there. What such a message leaves to the
reader, a test cannot do; so a message that only complains fails here.
"""
import pathlib
import re
import sys
import tempfile
import unittest

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
from compiler import Compiler, ManifestError, check  # noqa: E402
from places import PlaceError  # noqa: E402

CHECKER = sys.argv.pop(1)
STEPS_MOST = 4  # one mistake may hide another

GOOD = '''@0xb5a1c7e04d2f9689;
using Manifest = import "/idl/manifest.capnp";

const samgrd :Manifest.Service = (
  name = "samgrd",
  memoryKib = 256,
  band = interactive,
  provides = ["registry"],
);

const logd :Manifest.Service = (
  name = "logd",
  memoryKib = 512,
  restart = onFailure,
  provides = ["log"],
);

const consoled :Manifest.Service = (
  name = "consoled",
  memoryKib = 512,
  stackKib = 32,
  essential = true,
  provides = ["console"],
  grants = [
    (name = "uart", serial = (port = console, part = registers)),
    (name = "uart_interrupt", serial = (port = console, part = interrupt)),
    (name = "log", service = "log"),
  ],
);

const shell :Manifest.Service = (
  name = "shell",
  memoryKib = 1024,
  args = [(text = "interactive"), (bootCommandLine = void)],
  grants = [
    (name = "console", service = "console", control = true),
    (name = "registry", service = "registry"),
    (name = "supervisor", supervisor = void, control = true),
    (name = "ports", ioport = (base = 0x2e8, count = 8)),
    (name = "line", interrupt = 9),
    (name = "jobs", accountKib = 4096),
    (name = "manual", file = "manual"),
    (name = "power", resource = power),
  ],
  resolve = [(name = "log"), (name = "console")],
);

const hello :Manifest.Program = (
  name = "hello",
  memoryKib = 256,
  grants = [(name = "console", service = "console")],
);

const system :Manifest.System = (
  name = "small",
  services = [.samgrd, .logd, .consoled, .shell],
  programs = [.hello],
  include = ["bench_child"],
  rules = [(subject = "hello", action = use, object = "log", effect = allow)],
  operations = [(name = "run", role = user), (name = "power", role = administrator)],
);
'''

# What is right, and what somebody wrote in its place.
SEEDS = (
    # Words of the language
    ('memoryKib = 512,\n  stackKib', 'memoryKiB = 512,\n  stackKib'),
    ('grants = [\n    (name = "uart"', 'grant = [\n    (name = "uart"'),
    ('provides = ["log"]', 'provide = ["log"]'),
    ('services = [', 'service = ['),
    ('service = "log"', 'servce = "log"'),
    ('supervisor = void', 'supervsior = void'),
    ('band = interactive', 'band = interactiv'),
    ('restart = onFailure', 'restart = onfailure'),
    ('port = console, part = registers', 'port = consol, part = registers'),
    ('resource = power', 'resource = pwoer'),
    ('services = [.samgrd, .logd', 'services = [.samgrd, .logg'),
    ('programs = [.hello]', 'programs = [.helo]'),
    ('const system', 'const sistem'),
    (':Manifest.System', ':Manifest.Sytem'),
    ('const logd :Manifest.Service', 'const logd :Manifest.Servise'),
    # Values of the wrong kind
    ('name = "hello"', 'name = 5'),
    ('memoryKib = 256,\n  band', 'memoryKib = "256",\n  band'),
    ('essential = true', 'essential = 1'),
    ('ioport = (base = 0x2e8, count = 8)', 'ioport = 5'),
    ('provides = ["log"]', 'provides = "log"'),
    ('stackKib = 32', 'stackKib = -1'),
    # Names
    ('name = "logd"', 'name = "Logd"'),
    ('name = "logd"', 'name = "log server"'),
    ('name = "logd"', 'name = "9logd"'),
    ('name = "logd"', 'name = "a-log-that-is-called-so-for-long"'),
    ('name = "logd",', ''),
    ('name = "logd"', 'name = "samgrd"'),
    ('name = "small"', 'name = "Small"'),
    ('name = "small",', ''),
    ('(name = "line", ', '('),
    ('name = "line"', 'name = "ports"'),
    ('name = "uart_interrupt"', 'name = "console"'),
    ('file = "manual"', 'file = "/manual"'),
    ('include = ["bench_child"]', 'include = ["bench_child", "bench_child"]'),
    # Sizes
    ('memoryKib = 1024,', ''),
    ('memoryKib = 1024', 'memoryKib = 10'),
    ('memoryKib = 1024', 'memoryKib = 1023'),
    ('stackKib = 32', 'stackKib = 4'),
    ('stackKib = 32', 'stackKib = 1024'),
    ('accountKib = 4096', 'accountKib = 4095'),
    ('interrupt = 9', 'interrupt = 900'),
    ('base = 0x2e8', 'base = 0x12e8e'),
    ('count = 8', 'count = 0'),
    # What fits together
    ('service = "log"', 'service = "logs"'),
    ('service = "console")]', 'service = "screen")]'),
    ('role = user', 'role = usr'),
    ('name = "run", role', 'name = "Run", role'),
    ('resolve = [(name = "log")', 'resolve = [(name = "lgo")'),
    ('(name = "registry", service = "registry"),', ''),
    ('provides = ["log"]', 'provides = ["log", "console"]'),
    ('provides = ["log"]', 'provides = ["log", "supervisor"]'),
    ('provides = ["log"]', 'provides = ["log", "log"]'),
    ('provides = ["log"],\n);', 'provides = ["log"],\n  grants = [(name = "mine", service = "log")],\n);'),
    ('(name = "log", service = "log"),', '(name = "log"),'),
    ('(name = "line", interrupt = 9)', '(name = "line", interrupt = 9, control = true)'),
    ('(name = "line", interrupt = 9)', '(name = "line", interrupt = 9), (name = "again", interrupt = 9)'),
    ('(name = "power", resource = power)', '(name = "power", serial = (port = console, part = registers))'),
    ('subject = "hello"', 'subject = "helo"'),
    ('object = "log"', 'object = "logg"'),
    ('action = use', 'action = uses'),
    ('object = "log", effect = allow', 'object = "console", effect = deny'),
    ('resolve = [(name = "log")', 'resolve = [(name = "log"), (name = "log")'),
    ('text = "interactive"', 'text = "inter\\tactive"'),
    ('name = "hello",', 'name = "hello", line = 5,'),
)


# ---- doing what a message says ----

def end_of(text, at):
    """Where the value or field that begins here ends: before the comma or bracket that follows it."""
    depth, quoted = 0, False
    while at < len(text):
        char = text[at]
        if quoted:
            at += char == "\\"
            quoted = char != '"'
        elif char == '"':
            quoted = True
        elif char in "([":
            depth += 1
        elif char in ")],;" and depth == 0:
            return at
        elif char in ")]":
            depth -= 1
        at += 1
    return at


def value_at(text, at):
    """Where the value begins: this is one, or a field with one."""
    field = re.match(r"\w+\s*=\s*", text[at:])
    return at + field.end() if field else at


def without(text, at):
    """The same without this field or element, and the comma that goes with it."""
    end = end_of(text, at)
    if text[end:end + 1] == ",":
        return text[:at] + text[end + 1:]
    return text[:at].rstrip().removesuffix(",") + text[end:]


def add(text, at, what):
    """Into the struct or list that begins here, or that this is in."""
    at += text[at] in "(["
    return text[:at] + what + ("" if text[at:at + 1] in ")]" else ", ") + text[at:]


SAMPLES = {"Text": '"text"', "integer": "256", "bool": "true", "group": "()", "list": "[]"}


def mend(text, message):
    """The source after what the message says has been done to it."""
    message = message.splitlines()[0]
    place = re.match(r"\S+?:(\d+):(\d+)(?:-\d+)?: error: ", message)
    if place is None:
        raise AssertionError(f"no place: {message}")
    lines = text.splitlines(keepends=True)
    at = sum(map(len, lines[:int(place[1]) - 1])) + int(place[2]) - 1
    if found := re.search(r"write `([^`]*)` instead of `([^`]+)`", message):
        where = re.compile(rf"(?<![\w-]){re.escape(found[2])}(?![\w-])").search(text, at)
        return text[:where.start()] + found[1] + text[where.end():]
    if found := re.search(r"write `([^`]*)` instead", message):
        begin = value_at(text, at)
        return text[:begin] + found[1] + text[end_of(text, begin):]
    if re.search(r"leave it out", message):
        return without(text, at)
    if found := re.search(r"add `([^`]*)` to what one `provides`", message):
        return add(text, text.index("[", text.index("provides = [")), found[1])
    if found := re.search(r"add `([^`]*)` to its grants", message):
        return add(text, text.index("[", text.index("grants = [", text.rindex("= (\n", 0, at))), found[1])
    if found := re.search(r"add `([^`]*)`", message):
        return add(text, at, found[1])
    raise AssertionError(f"it does not say what to do: {message}")


class Seeded(unittest.TestCase):
    def complaint(self, path, text):
        """What is said about the source; None when it is good."""
        path.write_text(text)
        try:
            compiler = Compiler(path)
            check(compiler, compiler.compiled(), CHECKER)
        except (ManifestError, PlaceError) as error:
            return str(error)
        return None

    def test_there_are_enough(self):
        self.assertGreaterEqual(len(set(SEEDS)), 50)

    def test_each_is_mended_by_its_message(self):
        with tempfile.TemporaryDirectory(prefix="tessera-test-") as folder:
            path = pathlib.Path(folder) / "seed.capnp"
            self.assertIsNone(self.complaint(path, GOOD))
            for right, wrong in SEEDS:
                with self.subTest(wrong):
                    self.assertEqual(GOOD.count(right), 1, right)
                    text, said = GOOD.replace(right, wrong), []
                    while (message := self.complaint(path, text)) is not None:
                        said.append(message.replace(f"{folder}/", ""))
                        if len(said) > STEPS_MOST:
                            self.fail("\n".join([*said, text]))
                        try:
                            text = mend(text, message)
                        except (AssertionError, AttributeError, ValueError) as error:
                            self.fail("\n".join([*said, str(error)]))
                    self.assertTrue(said, "it was accepted")


if __name__ == "__main__":
    unittest.main()
