"""Suite "host": the tests that run on the machine that builds, each an executable that Meson knows."""

import functools
import json

from .context import Failure


def cases(ctx):
    listed = ctx.run(["meson", "introspect", "--tests", ctx.build], status=0)
    tests = [test for test in json.loads(listed.stdout) if "host" in (part.split(":")[-1] for part in test["suite"])]
    return [(test["name"], functools.partial(run_one, ctx, test)) for test in sorted(tests, key=lambda t: t["name"])]


def run_one(ctx, test):
    environment = {"ASAN_OPTIONS": "abort_on_error=0:detect_leaks=1", "UBSAN_OPTIONS": "print_stacktrace=1",
                   **test.get("env", {})}
    command = test["cmd"]
    done = ctx.run(command, timeout=test.get("timeout") or 60, env=environment,
                   cwd=test.get("workdir") or ctx.build)
    if done.returncode != 0:
        raise Failure(f"{' '.join(command)} failed", "exit status 0",
                      f"exit status {done.returncode}\n{done.stdout[-6000:]}")
