"""Suite "stress": everything at once (tests/stress/stress.c), on the build that ships and on the one that checks itself.

A few seconds each; `tools/test stress --minutes N` goes on for longer, from another seed each time.
"""

import functools
import pathlib
import random

from testing import Failure, deadline, runner

abi = runner.load(pathlib.Path(__file__).resolve().parent.parent / "abi" / "suite.py")
SECONDS, SLACK_S = 5, 90
MACHINES = ((4, False), (4, True), (8, True))  # processors, debug build


def everything_at_once(ctx, cpus, debug, seconds):
    seed = 1 if ctx.minutes is None else random.randrange(1 << 32)
    if debug:
        ctx.run(["tools/build", "--arch", ctx.arch, "--debug", "--quiet", "kernel.elf", "system/stress.pkg"], timeout=600, status=0)
    ctx.use_build(debug)
    run = abi.Run(ctx, cpus, "stress", f"seed={seed} ms={int(seconds * 1000)}", seconds + SLACK_S)
    try:
        run.judge("everything_at_once")
    except Failure as failure:
        failure.saw = f"{failure.saw}\nseed {seed}"
        raise
    print("        " + ", ".join(note.removeprefix("stress: ") for note in run.notes.get("stress", [])))


def cases(ctx):
    seconds = SECONDS if ctx.minutes is None else ctx.minutes * 60
    return [(f"everything_at_once ({cpus} processors{', debug build' if debug else ''})",
             deadline(seconds + SLACK_S + 30 + (600 if debug else 0))(functools.partial(everything_at_once, ctx, cpus, debug, seconds)))
            for cpus, debug in MACHINES]
