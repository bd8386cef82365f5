"""How a fixed amount of work spreads over processors: counted by the emulator's plugin, processor by processor.

Each processor is emulated by a thread of its own. The plugin keeps them in step, so that none does the work of another
that the host keeps waiting. What is reported is the run with the median of the busiest processor's, each kind for itself.
"""

import re

# The kinds of work by the plugin's window, and by how much the busiest of four processors must have less to do.
KINDS = (("compute", 3.8, "independent processes"), ("ipc", 3.6, "calls between pairs"),
         ("spawn", 3.0, "process creation"), ("fault", 3.0, "page faults in separate address spaces"))
CPUS = 4
RUNS = 5  # odd; a boot and all kinds take about four seconds
STEP = 2000  # instructions that a processor may be ahead of another


def count(ctx, cpus):
    """{kind: [instructions of each processor]}"""
    counted = ctx.scratch / f"counted-{cpus}"
    plugin = f"{ctx.build}/tools/plugin/libcount.so,out={counted},step={STEP}"
    with ctx.guest(system="scaling", cpus=cpus, qemu_args=["-plugin", plugin]) as guest:
        guest.expect(r"^scaling done$", 300)
    windows = re.findall(r"^window (\d+) ([\d ]+)$", counted.read_text(), re.MULTILINE)
    return {KINDS[int(number)][0]: [int(value) for value in values.split()] for number, values in windows}


def measure(ctx):
    """[(kind, what, instructions of one alone, of each of four, at least so many times less)]"""
    ctx.run(["tools/build", "--quiet", "--arch", ctx.arch, "tools/plugin/libcount.so"], status=0, timeout=120)
    alone, runs = count(ctx, 1), [count(ctx, CPUS) for _ in range(RUNS)]
    middle = {kind: sorted((run[kind] for run in runs), key=max)[RUNS // 2] for kind, _, _ in KINDS}
    return [(kind, what, sum(alone[kind]), middle[kind], times) for kind, times, what in KINDS]


def print_table(rows):
    print(f"{'work':10}{'one alone':>14}{'busiest of 4':>14}{'all 4':>14}  times less   wanted")
    for kind, what, alone, shared, times in rows:
        met = "met  " if alone >= times * max(shared) else "below"
        print(f"{kind:10}{alone:14,}{max(shared):14,}{sum(shared):14,}{alone / max(shared):12.2f}{times:9.1f}  {met}  {what}")
    print("Instructions; a halted processor executes none. docs/reference/benchmarks.md")


def write(path, rows):
    lines = ["work\talone\tbusiest_of_4\tall_4\twanted"]
    lines += [f"{kind}\t{alone}\t{max(shared)}\t{sum(shared)}\t{times}" for kind, _, alone, shared, times in rows]
    path.write_text("\n".join(lines) + "\n")
