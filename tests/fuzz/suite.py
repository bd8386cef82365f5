"""Suite "fuzz": random system calls, on the host and on the target, and random messages, for a bounded time
(docs/howto/fuzz.md).

No panic, no hang, no leak: whatever was called, the kernel goes on and everything comes back.
"""

import base64
import os
import re
import time

from testing import check, deadline

HOST_RUNS = 15_000      # beyond the kept inputs
MESSAGE_RUNS = 50_000
READ_RUNS = 15_000      # of those that read what was found in all ways
TARGET_SEEDS = 200       # as many on each machine, however quick
TARGET_CPUS = 4         # at least
PATIENCE_S = 3          # after which Ctrl-C ends it; a program's threads may wait for each other for ever, which is their own affair
PROMPT = r"^tessera\$ "


def on_the_host(ctx, program, corpus, runs, *options):
    """One fuzzer, under sanitizers: the inputs that are kept, then others like them. They are the same ones each time and on every
    machine: the values that are compared, among them addresses, are tried only where somebody looks for something new."""
    ctx.run(["tools/build", "--arch", ctx.arch, "--quiet", f"tests/fuzz/{program}"], timeout=300, status=0)
    runs = int(os.environ.get("FUZZ_RUNS", runs))
    seed = int(os.environ.get("FUZZ_SEED", 1))
    kept = []
    for i, line in enumerate((ctx.root / "tests" / "fuzz" / corpus).read_text().split()):
        kept.append(ctx.scratch / f"kept-{i}")
        kept[-1].write_bytes(base64.b64decode(line))
    inputs = ctx.scratch / "inputs"
    inputs.write_text(",".join(map(str, kept)))
    looks = int("FUZZ_RUNS" in os.environ or "FUZZ_SEED" in os.environ)
    ctx.run([ctx.build / "tests" / "fuzz" / program, f"-seed={seed}", f"-runs={runs}", f"-use_cmp={looks}", "-timeout=300", *options,
             f"-artifact_prefix={ctx.root}/build/", f"-seed_inputs=@{inputs}"], timeout=600, status=0)


def system_calls(ctx):
    """The kernel core on the host port."""
    on_the_host(ctx, "syscall_fuzz", "corpus.txt", HOST_RUNS, "-max_len=2048", "-len_control=0")


def messages(ctx, what):
    """lib/capnp with whatever somebody may send."""
    on_the_host(ctx, f"capnp_{what}_fuzz", f"corpus_capnp_{what}.txt", READ_RUNS, "-max_len=4096")


def requests(ctx):
    """lib/rpc and the generated dispatch of all contracts."""
    on_the_host(ctx, "dispatch_fuzz", "corpus_dispatch.txt", MESSAGE_RUNS, "-max_len=6000")


def manifests(ctx):
    """lib/manifest with whatever a boot package may hold."""
    on_the_host(ctx, "manifest_fuzz", "corpus_manifest.txt", MESSAGE_RUNS, "-max_len=4096")


def text(ctx):
    """lib/reflect with whatever somebody may type, or a service answer."""
    on_the_host(ctx, "text_fuzz", "corpus_text.txt", READ_RUNS, "-max_len=2048")


def commands(ctx):
    """lib/shell with whatever somebody may type, or a script hold."""
    on_the_host(ctx, "shell_fuzz", "corpus_shell.txt", MESSAGE_RUNS, "-max_len=1024")


def settled(guest):
    """What `mem` says is in use, when it says the same twice."""
    last = None
    for _ in range(40):
        now = re.search(r"in use[^\n]*\((\d+) bytes\)", guest.command_output("mem"))
        now = now and int(now.group(1))
        if now is not None and now == last:
            return now
        last = now
    check(False, "memory in use settles", "the same twice", last)


def run_seed(guest, seed):
    """One program, to its end or, when it waits for something that it never does, to Ctrl-C."""
    line = f"run random_calls {seed} 3000 4"
    guest.send(line + "\r")
    guest.expect(re.escape(line) + r"\n", 60)
    if not guest.shows(PROMPT, PATIENCE_S):
        guest.send("\x03")
        guest.expect(PROMPT, 60)


def target(ctx):
    """Programs of four threads each on four processors, one after the other, each from a seed of its own. A seed
    that ends badly is run again with `run random_calls SEED 3000 4`."""
    seconds = float(os.environ.get("FUZZ_SECONDS", 0))
    first = seed = int(os.environ.get("FUZZ_SEED", 1))
    with ctx.guest(system="test", cpus=max(ctx.cpus, TARGET_CPUS)) as guest:
        guest.prompt(60)
        before = None
        limit = time.monotonic() + seconds
        while time.monotonic() < limit or (seconds == 0 and seed < first + TARGET_SEEDS):
            run_seed(guest, seed)
            guest.reject(r"(?i)kernel panic")
            if before is None:  # the first run grows tables and caches that stay
                before = settled(guest)
            seed += 1
        after = settled(guest)
        slack = 256 << 10  # slab caches and journals keep a little of what they once had
        check(after <= before + slack, "memory comes back", f"about {before} bytes in use", f"{after} after seed {seed - 1}")
        states = guest.command_output("services")
        check("failed" not in states and len(re.findall(r"\brunning\b", states)) >= 4, "all services run", "4 running", states)
        guest.send("poweroff\r")
        guest.expect_power_off()


def cases(ctx):
    limit = float(os.environ.get("FUZZ_SECONDS", 0)) + 300
    return [("system_calls_on_the_host", deadline(900)(lambda: system_calls(ctx))),
            *((f"messages_{what}_on_the_host", deadline(900)(lambda what=what: messages(ctx, what)))
              for what in ("canonical", "read", "unpack")),
            ("requests_on_the_host", deadline(900)(lambda: requests(ctx))),
            ("manifests_on_the_host", deadline(900)(lambda: manifests(ctx))),
            ("text_on_the_host", deadline(900)(lambda: text(ctx))),
            ("commands_on_the_host", deadline(900)(lambda: commands(ctx))),
            ("system_calls_on_four_processors", deadline(limit)(lambda: target(ctx)))]
