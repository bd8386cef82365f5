"""Suite "trace": the shipped system looked at from outside: tools/trace and the gdb commands (docs/howto/debug.md)."""

import collections
import functools
import json
import re
import socket

from testing import check, deadline

ANSWER_S = 30


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def started(ctx, cpus=2):
    port = free_port()
    guest = ctx.guest(direct=True, cpus=cpus, qemu_args=["-gdb", f"tcp:127.0.0.1:{port}"])
    guest.prompt(60)
    return guest, port


def gdb(ctx, port, *commands):
    line = ["gdb-multiarch", "-q", "-batch", "-nx", ctx.build / "boot" / "kernel.debug",
            "-ex", f"target remote 127.0.0.1:{port}", "-x", "tools/gdb/tessera.py"]
    for command in commands:
        line += ["-ex", command]
    return ctx.run([*line, "-ex", "detach"], timeout=60, status=0).stdout


def a_trace_of_the_system(ctx):
    guest, port = started(ctx)
    for line in ("trace start", "run hello world", "services", "caps shell", "trace stop"):
        guest.command_output(line, ANSWER_S)
    status = guest.command_output("trace", ANSWER_S)
    check(re.search(r"processor 1: \d+ events", status), "the command `trace` says how many there are", saw=status)
    made = ctx.scratch / "trace.json"
    ctx.run(["tools/trace", "--port", str(port), made], timeout=90, status=0)
    guest.command_output("trace off", ANSWER_S)
    trace = json.loads(made.read_text())
    events = trace["traceEvents"]
    check(trace["otherData"]["records"] > 200, "many events", "> 200", trace["otherData"])
    spans = [event for event in events if event["ph"] == "X"]
    check(all(event["dur"] >= 0 for event in spans), "no span ends before it begins")
    names = collections.Counter(event["name"] for event in spans)
    for name in ("call", "serve", "page fault", "interrupt"):
        check(names[name] > 0, f"there are spans `{name}`", saw=names)
    # On each processor one thread runs at a time, in the order of time.
    for cpu in (0, 1):
        row = sorted((event["ts"], event["dur"]) for event in spans if event["pid"] == 0 and event["tid"] == cpu and "thread" in event["args"])
        check(row, f"processor {cpu} ran something")
        late = [one for one, two in zip(row, row[1:]) if one[0] + one[1] > two[0] + 0.002]
        check(not late, f"threads of processor {cpu} run one after the other", saw=late[:3])
    # An arrow leads from each call to where it is served, and most of them to another process.
    flows = collections.defaultdict(dict)
    for event in events:
        if event["ph"] in "sf":
            flows[event["id"]][event["ph"]] = event
    check(flows and all(set(ends) == {"s", "f"} for ends in flows.values()), "arrows have two ends")
    check(all(ends["s"]["ts"] <= ends["f"]["ts"] for ends in flows.values()), "arrows lead forward in time")
    across = sum(ends["s"]["pid"] != ends["f"]["pid"] for ends in flows.values())
    check(across > 8, "arrows cross processes", "> 8", across)
    # What was served belongs to the request that it was called for, and a call is answered.
    served = {event["args"]["request"] for event in spans if event["name"] == "serve"}
    lost = [event for event in spans if event["name"] == "call" and event["args"]["request"] not in served]
    check(len(lost) <= 2, "calls are served under their number", "at most those that the start cut", lost[:5])
    threads = {event["args"]["name"] for event in events if event["ph"] == "M"}
    check(any(name.startswith("shell") for name in threads), "threads have names", saw=threads)


def gdb_shows_what_there_is(ctx):
    guest, port = started(ctx)
    output = gdb(ctx, port, "tessera processes", "tessera threads", "tessera handles logd", "tessera nonsense")
    for pattern in (r"^ +\d+ logd +running +1 +\d+$", r"^ +\d+ logd +receiving .* object \d+$",
                    r"^ +0x10001 process +\d+ ", r"^ +0x\w+ endpoint ", r"every process: koid"):
        check(re.search(pattern, output, re.MULTILINE), "gdb's output", pattern, output)
    thread = re.search(r"^ +(\d+) logd +receiving", output, re.MULTILINE)[1]
    output = gdb(ctx, port, f"tessera backtrace {thread}", "tessera backtrace 999999")
    check(re.search(r"^#\d+ .* main \(", output, re.MULTILINE), "the backtrace leads to main", "main", output)
    check("there is no thread 999999" in output, "an unknown thread is named", saw=output)
    guest.command_output("echo still here", ANSWER_S)  # the machine goes on


def cases(ctx):
    return [(function.__name__, deadline(240)(functools.partial(function, ctx)))
            for function in (a_trace_of_the_system, gdb_shows_what_there_is)]
