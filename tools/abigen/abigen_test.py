"""What the table checker refuses, and what the generator promises."""
import copy
import pathlib
import subprocess
import sys
import tempfile
import tomllib
import unittest

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import abigen  # noqa: E402
import contract  # noqa: E402
import emit  # noqa: E402

TABLE = abigen.ROOT / "abi" / "abi.toml"


class Table(unittest.TestCase):
    def setUp(self):
        with open(TABLE, "rb") as file:
            self.table = tomllib.load(file)

    def refused(self, *expected):
        with self.assertRaises(abigen.TableError) as caught:
            abigen.check(copy.deepcopy(self.table))
        for text in expected:
            self.assertIn(text, str(caught.exception))

    def method(self, name):
        obj, method = name.split(".")
        entry = next(o for o in self.table["object"] if o["name"] == obj)
        return next(m for m in entry["method"] if m["name"] == method)

    def test_the_real_table_is_accepted(self):
        abigen.check(self.table)

    def test_status_numbers_are_dense_and_unique(self):
        self.table["status"][5]["value"] = 4
        self.refused("[[status]] BAD_METHOD", "value 4 is taken by NO_RIGHT")
        self.table["status"][5]["value"] = 99
        self.refused("value 99 leaves a gap")

    def test_names_are_unique(self):
        self.table["right"][3]["name"] = "COPY"
        self.refused("[[right]] COPY: name is taken")

    def test_right_bits_stay_below_the_type(self):
        self.table["right"][15]["bit"] = 24
        self.refused("[[right]] POWER: bit 24 is not in 0..23")

    def test_unknown_error(self):
        self.method("vmo.read")["errors"].append("NO_LUCK")
        self.refused('[[object]] vmo, method read: unknown error "NO_LUCK"')

    def test_unknown_right(self):
        self.method("vmo.read")["right"] = "LOOK"
        self.refused('[[object]] vmo, method read: unknown right "LOOK"')

    def test_unknown_type(self):
        self.method("vmo.read")["args"][0] = "offset_bytes:u63"
        self.refused('argument "offset_bytes:u63": unknown type "u63"')

    def test_arguments_that_are_handles(self):
        self.method("timer.set")["args"][3] = "notification:notification+LOOK"
        self.refused('unknown type "notification+LOOK"')
        self.method("timer.set")["args"][3:] = ["notification:notification+SIGNAL?", "vmo:vmo"]
        self.refused("[[object]] timer, method set: two arguments are handles")
        self.method("timer.set")["args"][4] = "once:bool"
        self.method("timer.set")["errors"] = ["BAD_HANDLE", "BAD_ARGUMENT"]
        self.refused("WRONG_TYPE is not among the errors, but an argument can cause it",
                     "NO_RIGHT is not among the errors, but an argument can cause it")

    def test_handles_that_travel(self):
        self.method("account.create_ring")["results"].reverse()
        self.refused("[[object]] account, method create_ring: the results that are handles, at most two, come first")
        self.method("account.create_ring")["args"].append("more:u64")
        self.refused("7 arguments leave no words to a handle that travels")
        self.method("account.create_endpoint")["results"] = ["door:handle"]
        self.refused('result "door" is a handle, and not called what it is of')

    def test_field_without_type(self):
        self.method("vmo.read")["args"][0] = "offset"
        self.refused('argument "offset" is not name:type')

    def test_too_many_words(self):
        self.method("vmo.read")["args"] = [f"a{i}:u64" for i in range(9)]
        self.refused("9 arguments do not fit in 8 words")

    def test_two_fields_of_one_name(self):
        self.method("vmo.read")["args"] = ["a:u64", "a:u64"]
        self.refused("two arguments have one name")

    def test_method_numbers(self):
        self.method("vmo.write")["number"] = 2
        self.refused("[[object]] vmo, method write: number 2 is taken by read")

    def test_missing_and_unknown_keys(self):
        del self.method("vmo.read")["doc"]
        self.method("vmo.write")["since"] = 2
        self.refused('[[object]] vmo, method read: key "doc" is missing',
                     '[[object]] vmo, method write: unknown key "since"')

    def test_unknown_section(self):
        self.table["ring"] = []
        self.refused("[ring]: unknown section")

    def test_syscall_number_twice(self):
        self.table["syscall"][1]["number"] = 0
        self.refused("[[syscall]] send: number 0 is taken by call")

    def test_register_count(self):
        self.table["registers"]["x86_64"]["words"].pop()
        self.refused("[registers.x86_64]: 7 words, expected 8")

    def test_all_complaints_at_once(self):
        self.table["status"][5]["value"] = 4
        self.method("vmo.read")["right"] = "LOOK"
        self.refused("BAD_METHOD", "LOOK")


class Output(unittest.TestCase):
    def test_every_method_everywhere(self):
        table = abigen.load(TABLE)
        texts = {name: make(table) for name, make in emit.EMITTERS.items()}
        for obj in table["object"]:
            for method in obj["method"]:
                name = f"{obj['name']}_{method['name']}"
                self.assertIn(f"{name.upper()} = {method['number']},", texts["abi.h"])
                self.assertIn(f"status_t method_{name}(struct invocation *", texts["methods.h"])
                self.assertIn(f"{{invoke_{name}, ", texts["methods.c"])
                self.assertIn(f"tess_{name}(", texts["stubs.h"])
        for status in table["status"]:
            self.assertIn(f"#define STATUS_{status['name']} ((status_t){{{status['value']}}})", texts["abi.h"])

    def test_contract(self):
        table = abigen.load(TABLE)
        text = contract.contract(table)
        for obj in table["object"]:
            self.assertIn(f"interface {obj['name'].capitalize()} @0x", text)
            for method in obj["method"]:
                self.assertIn(f"  {contract.camel(method['name'])} @{method['number']} (", text)
        self.assertIn("  set @1 (deadlineNs :UInt64, periodNs :UInt64, slackNs :UInt64, notification :Notification, bits :UInt64);\n",
                      text)
        self.assertIn("  # Needs MANAGE, SIGNAL on `notification`. Errors: BAD_HANDLE, WRONG_TYPE, NO_RIGHT, BAD_ARGUMENT.\n", text)
        self.assertIn("grant @7 (handle :Capability, rights :UInt32, move :Bool) -> (foreign :UInt64);", text)
        self.assertIn("-> (process :Process, vspace :Vspace);", text)

    def test_ids_are_the_standard_compilers(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "kernel.capnp"
            path.write_text(f"@{contract.FILE_ID:#x};\ninterface Vmo {{}}\n")
            run = subprocess.run(["capnp", "compile", "-ocapnp", str(path)], capture_output=True, text=True, check=True)
            self.assertIn(f"interface Vmo @{contract.identity('Vmo'):#x} ", run.stdout)

    def test_handlers_get_what_the_table_knows(self):
        text = emit.EMITTERS["methods.h"](abigen.load(TABLE))
        self.assertIn("status_t method_process_watch_exit(struct invocation *, struct process *, struct notification *, "
                      "uint64_t);", text)
        self.assertIn("TRY(invocation_find(invocation, invocation->words[0], OBJECT_NOTIFICATION, "
                      "(rights_t){RIGHT_SIGNAL_BIT}));", text)
        self.assertIn("if (invocation->words[1] > UINT32_MAX || invocation->words[2] > 1)", text)

    def test_command_line(self):
        with tempfile.TemporaryDirectory() as folder:
            doc = pathlib.Path(folder) / "abi.md"
            tool = [sys.executable, str(HERE / "abigen.py")]
            stale = subprocess.run([*tool, "--check", str(doc)], capture_output=True, text=True)
            self.assertEqual(stale.returncode, 1)
            self.assertIn("is not what", stale.stderr)
            subprocess.run([*tool, "--doc", str(doc), "--out", folder], check=True)
            subprocess.run([*tool, "--check", str(doc)], check=True)
            first = {p.name: (p.read_text(), p.stat().st_mtime_ns) for p in pathlib.Path(folder).iterdir()}
            self.assertEqual(set(first), {*abigen.OUTPUTS, "abi.md"})
            subprocess.run([*tool, "--doc", str(doc), "--out", folder], check=True)
            again = {p.name: (p.read_text(), p.stat().st_mtime_ns) for p in pathlib.Path(folder).iterdir()}
            self.assertEqual(first, again)

    def test_bad_table_is_named(self):
        with tempfile.TemporaryDirectory() as folder:
            bad = pathlib.Path(folder) / "abi.toml"
            bad.write_text("[abi\n")
            run = subprocess.run([sys.executable, str(HERE / "abigen.py"), "--table", str(bad)],
                                 capture_output=True, text=True)
            self.assertEqual(run.returncode, 1)
            self.assertTrue(run.stderr.startswith(f"{bad}: "), run.stderr)


if __name__ == "__main__":
    unittest.main()
