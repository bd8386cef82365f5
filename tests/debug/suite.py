"""Suite "debug": the debug build (tools/build --debug), whose kernel checks itself, passes the same suites.

All of the ABI suite, and of the end-to-end suite what says that the system starts, works and says why it stops.
`tools/test --debug SUITE` runs any other suite on it.
"""

import functools
import re

from testing import check, deadline, runner

TARGETS = ("kernel.elf", "boot.pkg", "system/abi.pkg", "system/test.pkg")
END_TO_END = ("boots_directly", "services_and_one", "caps_say_where_from", "panic_explains_itself", "misbehaves: stack_smash",
              "misbehaves: process_flood", "misbehaves: kernel_pointers")


def builds(ctx):
    ctx.run(["tools/build", "--arch", ctx.arch, "--debug", "--quiet", *TARGETS], timeout=600, status=0)


def ranks_are_documented(ctx):
    """docs/concepts/locking.md names the ranks of kernel/lock.h, in their order."""
    ranks = re.findall(r"\bX\((\w+)\)", (ctx.root / "kernel" / "lock.h").read_text().split("LOCK_RANKS(X)")[1].split("\n\n")[0])
    guarded, looked_at = (ctx.root / "docs" / "concepts" / "locking.md").read_text().split("| Rank | What is looked at |")
    rows = re.findall(r"^\| `(\w+)` \|", guarded, re.MULTILINE)
    check(ranks == rows, "the ranks in the document", ranks, rows)
    checked = [name for row in re.findall(r"^\| (`\w+`.*?) \|", looked_at, re.MULTILINE) for name in re.findall(r"`(\w+)`", row)]
    check(checked and set(checked) <= set(ranks), "the ranks whose structures the debug build looks at", ranks, checked)


def cases(ctx):
    ctx.use_build(debug=True)
    suites = runner.suites(ctx.root)
    end_to_end = [(name, function) for name, function in suites["e2e"](ctx) if name.startswith(END_TO_END)]
    return [("builds", deadline(600)(functools.partial(builds, ctx))),
            ("ranks_are_documented", functools.partial(ranks_are_documented, ctx)),
            *suites["abi"](ctx), *end_to_end]
