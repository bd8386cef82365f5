"""Suite "docs": what the documents tell a reader to type is typed.

Blocks are known by their fence:
  ```sh                 host commands. Run as they stand; those in COVERED are run by the case named there.
  ```console            a session at the prompt: each `tessera$ ` line is typed, lines below it are expected.
  ```LANGUAGE PATH      a file of a how-to: written into a copy of the tree before the next commands.
README.md's and CONTRIBUTING.md's commands run in the tree itself, those of docs/howto in a copy of it, where they
may change what they like. Relative links must lead somewhere, and each type of object has its page.
"""

import dataclasses
import functools
import json
import pathlib
import re
import shutil
import sys
import tomllib

from testing import Context, check, deadline, expect_equal, expect_match

sys.dont_write_bytecode = True
TOOLS = pathlib.Path(__file__).resolve().parent.parent.parent / "tools"
sys.path[:0] = [str(TOOLS / "manual"), str(TOOLS / "capnpc-c")]
import contract  # noqa: E402
import evolve  # noqa: E402
import markdown  # noqa: E402

FENCE = re.compile(r"^```(\S+)[ ]?(\S*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]*\]\(([^)#]*)(?:#([^)]*))?\)")
OBJECT_SECTIONS = ["Made by", "State", "Rights", "End", "Limits", "Errors", "Cost", "See also"]

# Commands that this suite does not run itself, and the case that does: (suite, case).
COVERED = {
    "make run": ("build", "make_run_through_uefi"),
    "make run DIRECT=1": ("build", "make_run_directly"),
    "make run SYSTEM=test": ("e2e", "misbehaves: null_read"),
    "make test": ("build", "ci_runs_make_test"),
    "make help": ("build", "make_without_a_target_helps"),
    "make image": ("check", "reproducible"),
    "make check": ("check", "lint"),
    "tools/run-script 'services && mem'": ("e2e", "script_on_the_boot_line"),
    "make bench": ("build", "bench_is_forwarded"),
    "bench/run --profile handoff_1m": ("bench", "a_row_is_taken_apart"),
    "make prove": ("build", "prove_is_forwarded"),
    "tools/test host": ("build", "suites_of_the_documents"),
    "tools/test e2e": ("build", "suites_of_the_documents"),
    "tools/test abi": ("build", "suites_of_the_documents"),
    "tools/build --debug": ("debug", "builds"),
    "tools/test --debug e2e": ("debug", "boots_directly"),
    "tools/qemu --debug --direct": ("debug", "boots_directly"),
    "tools/qemu --cmdline mode=recovery": ("e2e", "the_shipped_system_has_modes: recovery"),
    "tools/qemu --gdb": ("gdb", "prints_how_to_connect"),
    "tools/qemu --cpus 2 -- -gdb tcp:127.0.0.1:1234": ("trace", "a_request_is_followed_from_process_to_process"),
    "tools/test badinput": ("build", "suites_of_the_documents"),
    "tools/test stress --minutes 10": ("stress", "everything_at_once (4 processors)"),
    "tools/test kills": ("build", "suites_of_the_documents"),
    "tools/test kills --minutes 15": ("kills", "services_are_killed_at_random"),
    "tools/test contracts": ("build", "suites_of_the_documents"),
    "tools/test interop": ("build", "suites_of_the_documents"),
    "tools/test capnp": ("build", "suites_of_the_documents"),
    "tools/test fuzz": ("build", "suites_of_the_documents"),
    "tools/test e2e --case history --verbose": ("build", "suites_of_the_documents"),
}


@dataclasses.dataclass
class Block:
    language: str
    path: str
    text: str


def documents(root):
    yield from (root / name for name in ("README.md", "CONTRIBUTING.md"))
    yield from sorted((root / "docs").rglob("*.md"))
    yield from sorted((root / "boot").glob("*.md"))


def blocks(path):
    return [Block(*match.groups()) for match in FENCE.finditer(path.read_text())]


def inline_commands(path):
    """What stands between backquotes and begins like one of our commands."""
    for found in re.findall(r"`((?:make|tools/)[^`\n]*)`", path.read_text()):
        if found.startswith("make ") or re.match(r"tools/(test|qemu|setup|build|check)\b", found):
            yield found


def covered_cases_exist(ctx):
    """Each command said to be run elsewhere is: the suite and the case are there."""
    from testing.runner import suites
    listed = suites(ctx.root)
    for command, (suite, case) in COVERED.items():
        check(suite in listed, f"'{command}' is said to be run by suite {suite}", suite, sorted(listed))
        names = [name for name, _function in listed[suite](Context(ctx.root, ctx.arch))]
        check(case in names, f"'{command}' is said to be run by {suite}/{case}", case, names)


def inline_commands_are_known(ctx):
    names = {"tools/test", "tools/qemu", "tools/setup", "tools/build", "tools/check", "tools/mkpkg.py", "tools/layers.py"}
    for path in documents(ctx.root):
        for command in inline_commands(path):
            known = command in COVERED or command in names
            check(known, f"{path.name} names a command that no test runs", "one of COVERED", command)


def headings(path):
    return re.findall(r"^#+ (.+)$", path.read_text(), re.MULTILINE)


def anchors(path):
    """What a link to a place in a document may name: its headings, as they are turned into anchors."""
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings(path)}


def links_lead_somewhere(ctx):
    for path in documents(ctx.root):
        for target, anchor in LINK.findall(path.read_text()):
            if "://" in target:
                continue
            file = path.parent / target if target else path
            where = f"a link of {path.relative_to(ctx.root)} leads nowhere"
            check(file.exists(), where, "a file", target)
            check(not anchor or anchor in anchors(file), where, "a heading of it", f"{target}#{anchor}")


def objects_have_their_pages(ctx):
    """One page for each type of object in the table, all of one form, listed in the index."""
    objects = tomllib.loads((ctx.root / "abi" / "abi.toml").read_text())["object"]
    pages = {path.stem: path for path in (ctx.root / "docs" / "objects").glob("*.md")}
    check(set(pages) == {entry["name"] for entry in objects}, "docs/objects has a page for each type of abi/abi.toml",
          sorted(entry["name"] for entry in objects), sorted(pages))
    index = (ctx.root / "docs" / "README.md").read_text()
    for entry in objects:
        name, page = entry["name"], pages[entry["name"]]
        check(headings(page) == [name, *OBJECT_SECTIONS], f"the headings of {page.name}", [name, *OBJECT_SECTIONS], headings(page))
        for method in entry.get("method", []):
            check(re.search(rf"`{method['name']}`", page.read_text()), f"{page.name} does not name a method", method["name"], "")
            check(f"`{method['right']}` |" in page.read_text(), f"{page.name} does not say what a right allows", method["right"], "")
        check(f"abi.md#{name}-type-{entry['type']}" in page.read_text(), f"{page.name} links to the reference", name, "no link")
        check(f"(objects/{name}.md)" in index, "docs/README.md lists the page of each object", name, "no link")


def named_methods_exist(ctx):
    """What is called `object.method` is in the table. Decisions may speak of what there was."""
    objects = {entry["name"]: {method["name"] for method in entry.get("method", [])}
               for entry in tomllib.loads((ctx.root / "abi" / "abi.toml").read_text())["object"]}
    for path in documents(ctx.root):
        for name, method in re.findall(r"`(\w+)\.(\w+)[`(]", "" if path.parent.name == "decisions" else path.read_text()):
            check(name not in objects or method in objects[name] | {"c", "h"}, f"{path.relative_to(ctx.root)} names a method",
                  f"one of {name}", method)


def paths_exist(ctx):
    """File and folder names between backquotes are there."""
    rooms = {entry.name for entry in ctx.root.iterdir() if entry.is_dir()}
    for path in documents(ctx.root):
        for name in re.findall(r"`([\w./-]+/[\w./-]*)`", path.read_text()):
            if name.split("/")[0] in rooms - {"build"} and "NAME" not in name:
                check((ctx.root / name).exists(), f"{path.relative_to(ctx.root)} names a "
                      "file that is not there", "a file of the tree", name)


DENIAL = re.compile(r"\b([\w-]+?)(?:\.\d+)? may not (?:\w+|call [\w.]+ of) ([\w-]+): .*\((system/[\w-]+\.capnp):(\d+)\)$", re.MULTILINE)


def denials_name_their_lines(ctx):
    """A denial that is shown names the line of the manifest that grants the object to whom it was denied."""
    found = 0
    for path in documents(ctx.root):
        for subject, thing, name, number in DENIAL.findall(path.read_text()):
            lines = (ctx.root / name).read_text().splitlines()[:int(number)]
            units = [match.group(1) for line in lines if (match := re.match(r'\s*name = "([\w-]+)",$', line))]
            where = f"{path.relative_to(ctx.root)}: the line that {subject} has {thing} by"
            check(len(lines) == int(number) and f'(name = "{thing}"' in lines[-1], where, f'(name = "{thing}"', lines[-1:])
            expect_equal(units[-1:], [subject], where)
            found += 1
    check(found >= 3, "denials that are shown", "some", found)


def manual_is_whole(ctx):
    """The file that the system carries has every page of the handbook's index, every declaration and method of every
    contract, and no line that is wider than the screen."""
    convert = f"capnp convert --quiet canonical:json {ctx.root}/idl/manual.capnp Manual < {ctx.build}/tools/manual/manual"
    pages = json.loads(ctx.run(["sh", "-c", convert], status=0).stdout)["pages"]
    named = {(page["section"], page["name"]): page for page in pages}
    for section, folder in (("concepts", "concepts"), ("objects", "objects")):
        wanted = {path.stem for path in (ctx.root / "docs" / folder).glob("*.md")}
        found = {name for at, name in named if at == section}
        check(found == wanted, f"the manual's pages of {section}", sorted(wanted), sorted(found))
    for page in pages:
        for line in page["text"].splitlines():
            check(markdown.width(line) <= 80, f"a line of the page {page['name']}", "80 columns at the most", line)
    for path in sorted((ctx.root / "idl").glob("*.capnp")):
        request = evolve.request_of(path)
        declared = contract.Contract(request, request.files[0]).declared
        wanted = {name for name, _node in declared} | {f"{name}.{method.name}" for name, node in declared for method in contract.called(node)}
        page = named["contracts", path.stem]
        text, found = page["text"].encode(), {part["name"]: part for part in page["parts"]}
        check(wanted == set(found), f"the manual's parts of {path.name}", sorted(wanted), sorted(found))
        for name, part in found.items():
            own = text[part["begin"]:part["end"]].decode()
            check(own.startswith(f"{name}\n\n") and text[part["comment"]:part["end"]].strip(), f"the part {name}", "its heading and comment", own)


def run_commands(ctx, path, root):
    for block in blocks(path):
        if block.path:
            target = root / block.path
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_text(block.text)
        elif block.language == "sh":
            if root == ctx.root and all(line in COVERED for line in block.text.strip().splitlines()):
                continue
            lines = [line for line in block.text.splitlines() if root != ctx.root or line not in COVERED]
            ctx.run(["sh", "-e", "-c", "\n".join(lines)], timeout=500, cwd=root, status=0)


def session(ctx, path, root):
    """Types what the console blocks show into a guest of this tree's build."""
    shown = [block for block in blocks(path) if block.language == "console"]
    guest = ctx.guest(direct=True, kernel=root / "build" / ctx.arch / "kernel.elf",
                      package=root / "build" / ctx.arch / "boot.pkg")
    guest.prompt()
    for block in shown:
        for entry in re.split(r"^tessera\$ ", block.text, flags=re.MULTILINE)[1:]:
            line, *expected = entry.strip().splitlines()
            output = guest.command_output(line)
            check(not re.search(r"unknown command|there is no", output), f"'{line}' is not understood", "an answer", output)
            for text in expected:
                expect_match(output, re.escape(text), f"what '{line}' prints")
    guest.send("poweroff\r")
    guest.expect_power_off()


def copy_of_the_tree(ctx):
    """The files that git knows or would know, as they are now."""
    copy = ctx.scratch / "tree"
    listed = ctx.run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], status=0).stdout
    for name in filter(None, listed.split("\0")):
        source = ctx.root / name
        if source.is_file():
            (copy / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copy / name)
    return copy


def howto(ctx, names, with_session):
    copy = copy_of_the_tree(ctx)
    for name in names:
        path = copy / "docs" / "howto" / name
        run_commands(ctx, path, copy)
        if name in with_session:
            session(ctx, path, copy)


def readme_session(ctx):
    session(ctx, ctx.root / "README.md", ctx.root)


def contracts_session(ctx):
    session(ctx, ctx.root / "docs" / "concepts" / "contracts.md", ctx.root)


def shell_session(ctx):
    session(ctx, ctx.root / "docs" / "concepts" / "shell.md", ctx.root)


def policy_session(ctx):
    session(ctx, ctx.root / "docs" / "concepts" / "policy.md", ctx.root)


def authority_session(ctx):
    session(ctx, ctx.root / "docs" / "concepts" / "authority.md", ctx.root)


def cases(ctx):
    found = [("links_lead_somewhere", functools.partial(links_lead_somewhere, ctx)),
             ("objects_have_their_pages", functools.partial(objects_have_their_pages, ctx)),
             ("named_methods_exist", functools.partial(named_methods_exist, ctx)),
             ("named_files_exist", functools.partial(paths_exist, ctx)),
             ("denials_name_their_lines", functools.partial(denials_name_their_lines, ctx)),
             ("inline_commands_are_known", functools.partial(inline_commands_are_known, ctx)),
             ("covered_commands_have_their_cases", functools.partial(covered_cases_exist, ctx)),
             ("manual_is_whole", functools.partial(manual_is_whole, ctx)),
             ("readme_session", functools.partial(readme_session, ctx)),
             ("contracts_session", functools.partial(contracts_session, ctx)),
             ("shell_session", functools.partial(shell_session, ctx)),
             ("policy_session", functools.partial(policy_session, ctx)),
             ("authority_session", functools.partial(authority_session, ctx))]
    for name in ("README.md", "CONTRIBUTING.md"):
        found.append((f"commands of {name}", functools.partial(run_commands, ctx, ctx.root / name, ctx.root)))
    found.append(("howtos_work_as_written", deadline(900)(functools.partial(
        howto, ctx, ("add-a-service.md", "add-a-test.md", "write-a-contract.md"), ("add-a-service.md", "write-a-contract.md")))))
    return found
