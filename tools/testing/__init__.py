"""The small test framework behind `make test`.

A suite is a file tests/<name>/suite.py with

    def cases(ctx):
        return [("name-of-the-case", function), ...]

Each function takes no argument (bind what it needs: a lambda, functools.partial, a method) and
fails by raising Failure, which says what was expected and what was seen. `ctx` is a Context: paths,
processes with deadlines, and ctx.guest(...), the system under QEMU. Whatever a case starts through
its context is ended, by process id, when the case is over. A case has DEFAULT_DEADLINE_S seconds
in all, or those of the attribute `deadline_s` of its function (see the decorator `deadline`). All seconds that a
case names are of a quiet machine; whatever waits gives SLACK times as many (context.py), and a loop of a case's own
asks `patience(seconds)`.
"""

from .context import Context, DEFAULT_DEADLINE_S, Failure, check, deadline, expect_equal, expect_match, patience
from .guest import Guest, strip_ansi

__all__ = ["Context", "DEFAULT_DEADLINE_S", "Failure", "Guest", "check", "deadline", "expect_equal",
           "expect_match", "patience", "strip_ansi"]
