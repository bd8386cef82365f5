"""Suite "proofs": every goal of the pure core is proved anew (docs/concepts/proofs.md), in a copy of the tree.

The checks know whether a proved file is the one that was proved. This says that the record is true: it takes the provers,
which it installs like `make prove`, and about a minute of a processor.
"""

import shutil
import sys

from testing import check, deadline, expect_match

sys.dont_write_bytecode = True
import lint  # noqa: E402
import proofs  # noqa: E402

LIMIT_S = 600


def copy_of_the_core(ctx):
    ctx.run(["tools/setup", "proofs/packages.txt"], timeout=LIMIT_S, status=0)
    for path in lint.tracked(ctx.root):
        if path.endswith(".h") or path.startswith("proofs/") or path == "tools/proofs.py":
            (ctx.scratch / path).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ctx.root / path, ctx.scratch / path)
    return ctx.scratch


def prove(ctx, copy, status):
    return ctx.run([sys.executable, "tools/proofs.py"], cwd=copy, timeout=LIMIT_S, status=status).stdout


def every_goal_is_proved(ctx):
    copy = copy_of_the_core(ctx)
    (copy / proofs.RECORD).unlink()
    prove(ctx, copy, 0)
    kept, made = (root / proofs.RECORD for root in (ctx.root, copy))
    check(kept.read_text() == made.read_text(), f"{proofs.RECORD} is what `make prove` writes", kept.read_text(), made.read_text())


def what_is_wrong_is_not_proved(ctx):
    """A proof that cannot fail proves nothing."""
    copy = copy_of_the_core(ctx)
    wrong = copy / "kernel/object/rights.h"
    wrong.write_text(wrong.read_text().replace("have & keep", "have | keep"))
    expect_match(prove(ctx, copy, 1), r"Failed\] Goal \w*rights_narrow", "what the prover says")


def cases(ctx):
    return [(function.__name__, deadline(2 * LIMIT_S)(lambda function=function: function(ctx)))
            for function in (every_goal_is_proved, what_is_wrong_is_not_proved)]
