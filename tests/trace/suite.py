"""Suite "trace": what tools/trace makes of a running system, read as Perfetto would (docs/concepts/tracing.md), and what
a place costs where nothing is traced."""

import collections
import functools
import itertools
import pathlib
import re
import socket

import reader

from testing import check, deadline, expect_match, runner

ANSWER_S = 30
HERE = pathlib.Path(__file__).resolve().parent


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


def traced(ctx, cpus, *lines, system="tessera"):
    """What the file says of a system that did this meanwhile."""
    port = free_port()
    guest = ctx.guest(direct=True, system=system, cpus=cpus, qemu_args=["-gdb", f"tcp:127.0.0.1:{port}"])
    guest.prompt(60)
    for line in ("trace start", *lines, "trace stop"):
        guest.command_output(line, ANSWER_S)
    made = ctx.scratch / "trace.pftrace"
    ctx.run(["tools/trace", "--arch", ctx.arch, *(["--debug"] if ctx.debug else []), "--port", str(port), made],
            timeout=90, status=0)
    guest.command_output("echo still here", ANSWER_S)
    return reader.Reading(made.read_bytes()), guest


def named(reading, name):
    return next(process for process, its in reading.processes().items() if its == name)


def a_request_is_followed_from_process_to_process(ctx):
    """`run hello` is a call of the shell to init, which calls logd, and hello's to consoled."""
    reading, _guest = traced(ctx, 2, "run hello world", "services", "caps shell")
    shell, init, consoled, logd = (named(reading, name) for name in ("shell", "init", "consoled", "logd"))
    by_flow = collections.defaultdict(list)
    for one in reading.slices + reading.moments:
        for flow in one.flows:
            by_flow[flow].append((one.start, reading.process_of(one.track), one))
    ways = collections.Counter()
    for steps in by_flow.values():
        steps.sort(key=lambda step: step[0])
        check(sum(one.name == "call" and one.outer is None for _time, _process, one in steps) <= 1,
              "a number is that of one request", "one call that begins it", [(step[1], step[2].name) for step in steps])
        ways[tuple(process for process, _ in itertools.groupby(step[1] for step in steps))] += 1
    check(ways[shell, consoled] > 3, "the shell's calls lead to consoled", "more than 3", ways)
    check(ways[shell, init] > 1, "the shell's calls lead to init", "more than 1", ways)
    check(any(way[-1] == consoled and way[0] not in (shell, init, logd) for way in ways), "hello's call leads to consoled",
          saw=ways)
    check(any(logd in way for way in ways), "somebody's leads to logd", saw=ways)
    names = collections.Counter(one.name.split()[0] for one in reading.slices)
    for name in ("call", "serve", "page", "interrupt"):
        check(names[name] > 0, f"there are slices `{name}`", saw=names)
    served = {one.arguments["request"] for one in reading.slices if one.name.startswith("serve")}
    lost = [one.arguments for one in reading.slices if one.name == "call" and one.arguments["request"] not in served]
    check(len(lost) <= 2, "what is called is served under the same number", "but for those that the end cut off", lost)


def who_ran_where(ctx):
    """The file's states of threads are what each processor did (the reader refuses two at once)."""
    reading, _guest = traced(ctx, 2, "services", "ps", "mem")
    threads = {thread for _cpu, thread, _start, _end in reading.runs}
    known = {track["thread"]["tid"] for track in reading.tracks.values() if "thread" in track}
    check({cpu for cpu, *_ in reading.runs} == {0, 1}, "both processors ran something", {0, 1}, reading.runs[:5])
    check(threads <= known and len(threads) > 2, "who ran has a row", f"some of {known}", threads)
    check(all(start <= end for _cpu, _thread, start, end in reading.runs), "nobody stops before it began")


def buffers_that_are_full_go_on(ctx):
    """More than a buffer holds: the file begins where all processors' records do, and says how many are missing."""
    reading, guest = traced(ctx, 1, "run message_flood 20000", system="test")
    written, lost = map(int, expect_match(guest.command_output("trace", ANSWER_S), r"(\d+) events, (\d+) lost").groups())
    check(lost > 0 and written > lost, "more was written than there is room for", "some lost", (written, lost))
    shown = len(reading.slices) + len(reading.moments)
    check(shown > 1000, "what is left is shown", "more than 1,000 things", shown)
    guest.command_output("trace off", ANSWER_S)
    check("0 events" in guest.command_output("trace", ANSWER_S), "`trace off` gives the buffers back")


def many_processors_share_the_room(ctx):
    """The shell can pay for buffers of as many processors as there are."""
    reading, guest = traced(ctx, 16, "services")
    status = guest.command_output("trace", ANSWER_S)
    check(len(re.findall(r"processor \d+:", status)) == 16, "each processor has a buffer", 16, status)
    check(reading.slices, "and there is something in them")


def without_a_trace_it_says_so(ctx):
    port = free_port()
    guest = ctx.guest(direct=True, qemu_args=["-gdb", f"tcp:127.0.0.1:{port}"])
    guest.prompt(60)
    made = ctx.scratch / "none"
    done = ctx.run(["tools/trace", "--port", str(port), made], timeout=90, status=1)
    expect_match(done.stdout, r"nothing was traced: type `trace start`", "the complaint")
    done = ctx.run(["tools/trace", "--port", str(free_port()), made], timeout=90, status=1)
    expect_match(done.stdout, r"no machine could be read at port", "the complaint")
    check(not made.exists(), "nothing is written")
    check("usage: trace" in guest.command_output("trace nonsense", ANSWER_S), "the shell's command says what it takes")


def as_a_person_does_it(ctx):
    """On a machine that was started without a thought of this: docs/howto/debug.md."""
    build = runner.load(HERE.parent / "build" / "suite.py")
    port, made = free_port(), ctx.scratch / "typed.pftrace"
    terminal = build.Terminal(ctx, ["make", "run", "DIRECT=1"])
    terminal.expect(r"^tessera\$ ", 60)
    for typed, shown in (("trace start\r", r"trace start\s+tessera\$ "), ("caps shell\r", r"caps shell\s[^$]*tessera\$ "),
                         ("\x01c", r"\(qemu\)"), (f"gdbserver tcp:127.0.0.1:{port}\r", "Waiting for gdb connection")):
        terminal.type(typed)
        terminal.expect(shown, ANSWER_S)
    terminal.type("\x01c")
    ctx.run(["tools/trace", "--port", str(port), made], timeout=90, status=0)
    terminal.type("poweroff\r")
    check(terminal.end(ANSWER_S) == 0, "the machine goes on")
    check(any(one.name == "call" for one in reader.Reading(made.read_bytes()).slices), "calls are in the file")


def the_reader_is_strict(_ctx):
    """A check that cannot fail proves nothing."""
    def packet(*message):
        body = bytes([8 << 3, 1, 10 << 3, 1, *message])
        return bytes([1 << 3 | 2, len(body)]) + body

    track = packet(0xE2, 0x03, 5, 1 << 3, 7, 2 << 3 | 2, 1, ord("x"))
    begin = packet(11 << 3 | 2, 8, 9 << 3, 1, 11 << 3, 7, 0xBA, 1, 1, ord("a"))
    end = packet(11 << 3 | 2, 4, 9 << 3, 2, 11 << 3, 7)
    check(len(reader.Reading(track + begin + end).slices) == 1, "what is right is read")
    for wrong in (track + begin, track + end, begin + end, track + track, track[:-1], track + packet(12 << 3, 1), packet(),
                  b"\x10\x00"):
        try:
            reader.Reading(wrong)
        except reader.Wrong:
            continue
        check(False, "the reader took what is wrong", "Wrong", wrong.hex())


def cases(ctx):
    return [(function.__name__, deadline(180)(functools.partial(function, ctx)))
            for function in (the_reader_is_strict, a_request_is_followed_from_process_to_process, who_ran_where,
                             buffers_that_are_full_go_on, many_processors_share_the_room, without_a_trace_it_says_so, as_a_person_does_it)]
