"""Suite "contracts": every method of every service is called in ways in which no stub would call it (hostile.h).

One boot of the system `contracts`, whose one program beside the services is granted both facets of each of them. Every
answer must be the documented one; afterwards the services are the processes that they were, and hold what they held.
"""

import functools
import pathlib
import re

from testing import check, deadline, expect_match, runner

abi = runner.load(pathlib.Path(__file__).resolve().parent.parent / "abi" / "suite.py")
DEADLINE_S = 240
CASE = re.compile(r"^CASE\((\w+)\)", re.MULTILINE)


def case_names(ctx):
    return [name for path in sorted((ctx.root / "tests" / "contracts").glob("*_test.c")) for name in CASE.findall(path.read_text())]


def all_reported(run, expected):
    run.boot()
    check(run.done == f"{expected} 0", "the suite's own count", f"{expected} 0", f"{run.done}\n{run.transcript[-2000:]}")


def last_words(run):
    run.boot()
    expect_match(run.transcript, "^last words, laid out by hand\r?$", "what the console printed")


def cases(ctx):
    names = case_names(ctx)
    run = abi.Run(ctx, 2, "contracts", deadline_s=DEADLINE_S)
    return [*((name, deadline(DEADLINE_S + 30)(functools.partial(run.judge, name))) for name in names),
            ("last_words_are_printed", deadline(DEADLINE_S + 30)(functools.partial(last_words, run))),
            ("all_cases_reported", deadline(DEADLINE_S + 30)(functools.partial(all_reported, run, len(names))))]
