"""Suite "bench": the figures are there, as good as they must be, and those that the README claims."""

import re

from testing import check, deadline, expect_equal, expect_match

# What this system promises at the least: instructions, and bytes for mem_at_prompt.
LIMITS = {
    "null_syscall": 80,
    "ipc_rtt_0w": 470,
    "ipc_rtt_8w": 500,
    "stub_overhead": 120,
    "kernel_to_init": 5_000_000,
    "boot_to_prompt": 60_000_000,
    "mem_at_prompt": 8_000_000,
}


def read(path):
    lines = [line.split("\t") for line in path.read_text().splitlines()]
    return {line[0]: [int(cell) for cell in line[1:4]] for line in lines[1:]}


@deadline(400)
def no_row_got_worse(ctx):
    ctx.run(["bench/run", "--arch", ctx.arch, "--check"], timeout=380, status=0)
    measured = read(ctx.build / "bench.tsv")
    for row, limit in LIMITS.items():
        check(measured[row][0] <= limit, f"{row} is above its limit", f"at most {limit}", measured[row][0])
    round_trips = measured["typed_2"][0]
    check(measured["ring_pipeline_3"][0] < round_trips, "three dependent calls cost as much as two plain round trips",
          f"less than {round_trips}", measured["ring_pipeline_3"][0])


@deadline(400)
def a_worse_row_is_noticed(ctx):
    kept = (ctx.root / "bench" / "results" / f"{ctx.arch}.tsv").read_text().splitlines()
    cells = next(line for line in kept if line.startswith("ipc_rtt_8w\t")).split("\t")
    cells[1] = str(int(int(cells[1]) / 1.05))
    better = ctx.scratch / "better.tsv"
    better.write_text("\n".join([kept[0], "\t".join(cells)]) + "\n")
    done = ctx.run(["bench/run", "--arch", ctx.arch, "--check", "--results", better], timeout=380, status=1)
    expect_match(done.stdout, r"more than 3% worse than .*: ipc_rtt_8w$", "the complaint")


def work_spreads_over_processors(ctx):
    """As much as it must (KINDS in bench/scaling/measure.py), in the median of several runs."""
    ctx.run(["bench/run", "--arch", ctx.arch, "--scaling"], timeout=200, status=0)
    for line in (ctx.build / "scaling.tsv").read_text().splitlines()[1:]:
        kind, alone, busiest, _, wanted = line.split("\t")
        check(int(alone) >= float(wanted) * int(busiest), f"{kind} does not spread over four processors",
              f"{wanted} times less for the busiest than for one alone", f"{int(alone) / int(busiest):.2f} times")


def linux_measures_as_it_did(ctx):
    """The same kernel in the same emulator gives the same figures; another one at least comparable ones."""
    kept = (ctx.root / "bench" / "results" / "linux.tsv").read_text().splitlines()
    printed = ctx.run(["bench/run", "--arch", ctx.arch, "--linux"], timeout=380, status=0).stdout
    if "cannot be had now" in printed:
        print(f"        {printed.splitlines()[-1]}")
        return
    tolerance = 0.1 if kept[0].removeprefix("# ") in printed else 0.5
    for name, mean in (line.split("\t")[:2] for line in kept[2:]):
        found = expect_match(printed, rf"^{name} +([\d,]+)$", f"the row {name}")
        measured = int(found.group(1).replace(",", ""))
        check(abs(measured - int(mean)) <= tolerance * int(mean), f"{name} of Linux differs", f"about {mean}", measured)


def readme_claims_what_was_measured(ctx):
    kept = read(ctx.root / "bench" / "results" / f"{ctx.arch}.tsv")
    claims = re.findall(r"^\| `(\w+)` \|[^|]*\| ([\d,]+) \|", (ctx.root / "README.md").read_text(), re.MULTILINE)
    check(len(claims) >= 8, "README.md has a table of figures", "at least 8 rows", claims)
    for row, figure in claims:
        expect_equal(int(figure.replace(",", "")), kept[row][0], f"README.md's figure of {row}")


def a_row_is_taken_apart(ctx):
    """Each function's share is there, and they sum up to the row."""
    printed = ctx.run(["bench/run", "--arch", ctx.arch, "--profile", "ipc_rtt_0w"], timeout=200, status=0).stdout
    mean = int(expect_match(printed, r"^ipc_rtt_0w: ([\d,]+) instructions$", "the row").group(1).replace(",", ""))
    programs = {name: float(own.replace(",", "")) for own, name in re.findall(r"^(.{10})  (\S+)$", printed, re.MULTILINE)}
    check({"kernel", "bench", "bench_peer"} <= programs.keys(), "whose instructions they are", "kernel, bench, bench_peer", printed)
    functions = re.findall(r"^.{14}  (sys_call|sys_reply_recv|syscall_entry)$", printed, re.MULTILINE)
    expect_equal(sorted(functions), ["sys_call", "sys_reply_recv", "syscall_entry"], "functions of the kernel")
    check(abs(sum(programs.values()) - mean) <= 0.01 * mean + 1, "the sum of all programs", f"about {mean}", printed)
    done = ctx.run(["bench/run", "--arch", ctx.arch, "--profile", "nothing"], timeout=200, status=1)
    expect_match(done.stdout, r"there is no row nothing", "what is said of a row that there is not")


def cases(ctx):
    functions = (no_row_got_worse, a_worse_row_is_noticed, a_row_is_taken_apart, work_spreads_over_processors,
                 linux_measures_as_it_did, readme_claims_what_was_measured)
    return [(function.__name__, deadline(400)(lambda function=function: function(ctx))) for function in functions]
