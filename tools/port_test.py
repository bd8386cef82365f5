"""Tests of tools/port.py that need no network: python3 tools/port_test.py"""

import hashlib
import io
import pathlib
import tarfile
import tempfile
import unittest

import port

RECIPE = """name = "thing"
version = "1.2"
sha256 = "{}"
includes = ["inc"]
sources = ["one.c", "deep/two.c"]
flags = ["-DANSWER=42"]

[[header]]
template = "inc/version.h.in"
path = "inc/version.h"
values = {{VERSION = "1.2"}}
"""

FILES = {
    "thing-1.2/one.c": '#include "version.h"\nconst char *one(void) { return VERSION; }\n',
    "thing-1.2/deep/two.c": "int two(void) { return ANSWER; }\n",
    "thing-1.2/inc/version.h.in": '#define VERSION "@VERSION@"\n',
}


class Fetching(unittest.TestCase):
    def setUp(self):
        self.scratch = tempfile.TemporaryDirectory()
        self.addCleanup(self.scratch.cleanup)
        self.root = pathlib.Path(self.scratch.name)
        self.tarball = self.root / "thing_1.2.orig.tar.gz"
        with tarfile.open(self.tarball, "w:gz") as archive:
            for name, text in FILES.items():
                entry = tarfile.TarInfo(name)
                entry.size = len(text)
                archive.addfile(entry, io.BytesIO(text.encode()))
        self.downloads = 0
        self.saved = port.PORTS, port.download
        self.addCleanup(self.restore)
        port.PORTS, port.download = self.root / "ports", self.download

    def restore(self):
        port.PORTS, port.download = self.saved

    def download(self, _recipe, _scratch):
        self.downloads += 1
        return self.tarball

    def recipe(self, digest):
        path = self.root / "port.toml"
        path.write_text(RECIPE.format(digest))
        return port.Recipe(path)

    def digest(self):
        return hashlib.sha256(self.tarball.read_bytes()).hexdigest()

    def test_another_hash_is_refused_and_leaves_nothing(self):
        recipe = self.recipe("0" * 64)
        with self.assertRaisesRegex(port.PortError, "the recipe wants 0000"):
            port.fetch(recipe)
        self.assertFalse(recipe.folder.exists())

    def test_it_is_fetched_once(self):
        recipe = self.recipe(self.digest())
        self.assertEqual((port.fetch(recipe) / "one.c").read_text(), FILES["thing-1.2/one.c"])
        port.fetch(recipe)
        self.assertEqual(self.downloads, 1)

    def test_it_is_built_with_the_flags_and_headers_of_the_recipe(self):
        recipe = self.recipe(self.digest())
        port.build(recipe, self.root / "libthing.a", self.root / "made", ["clang-19", "-Werror"])
        self.assertTrue((self.root / "libthing.a").read_bytes().startswith(b"!<arch>"))
        self.assertEqual((self.root / "made/inc/version.h").read_text(), '#define VERSION "1.2"\n')

    def test_what_does_not_compile_is_shown(self):
        recipe = self.recipe(self.digest())
        recipe.flags = []
        with self.assertRaisesRegex(port.PortError, "deep/two.c does not compile:(.|\n)*ANSWER"):
            port.build(recipe, self.root / "libthing.a", self.root / "made", ["clang-19"])

    def test_a_recipe_says_all(self):
        path = self.root / "port.toml"
        path.write_text('name = "thing"\nversion = "1.2"\n')
        with self.assertRaisesRegex(port.PortError, "'sha256' is missing"):
            port.Recipe(path)


if __name__ == "__main__":
    unittest.main()
