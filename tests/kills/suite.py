"""Suite "kills": services are killed and replaced at random under a mixed load (tests/kills/kills_test.c), on two processors.

A few hundred kills; `tools/test kills --minutes N` makes it 10,000, from another seed each time, with N minutes for them. How
long a restart takes is judged on a machine of its own whose clock counts instructions.
"""

import functools
import pathlib
import random

from testing import Failure, deadline, runner

abi = runner.load(pathlib.Path(__file__).resolve().parent.parent / "abi" / "suite.py")
KILLS, DEADLINE_S = 300, 120
KILLS_LONG = 10_000
WITHIN_US = 20_000  # 99 of 100 restarts; on a clock that counts instructions


def judged(run):
    try:
        run.judge("services_are_killed_at_random")
    except Failure as failure:
        failure.saw = f"{failure.saw}\ncommand line {run.cmdline}"
        raise
    finally:
        print("\n".join("        " + note.removeprefix("kills: ") for note in run.notes.get("kills", [])))


def cases(ctx):
    seconds = DEADLINE_S if ctx.minutes is None else ctx.minutes * 60
    options = f"kills={KILLS} seed=1" if ctx.minutes is None else f"kills={KILLS_LONG} seed={random.randrange(1, 1 << 32)}"
    runs = {"services_are_killed_at_random": abi.Run(ctx, 2, "kills", options, seconds),
            "restarts_are_quick": abi.Run(ctx, 1, "kills", f"{options} within_us={WITHIN_US}", seconds, timed=True)}
    return [(name, deadline(run.deadline_s + 30)(functools.partial(judged, run))) for name, run in runs.items()]
