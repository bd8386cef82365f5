"""Figures and health: metricsd as its clients see it. What it says in Prometheus's text format is read by a parser that was
written from the format's description, https://prometheus.io/docs/instrumenting/exposition_formats/."""

import functools
import re
import time

from session import Session
from testing import Failure, check, patience

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\\n]|\\[\\n"])*)"'
SAMPLE = re.compile(rf"({NAME})(?:\{{((?:{LABEL},?)*)\}})? +(\S+)(?: +(-?\d+))?$")
SUFFIXES = {"histogram": ("_bucket", "_sum", "_count"), "counter": ("",), "gauge": ("",)}


def parse(text):
    """{family: (type, help, {(name, labels): value})}; Failure with the line where it is not the format."""
    families, current, closed = {}, None, set()

    def wrong(line, why):
        raise Failure(f"Prometheus's text format: {why}", "a line of the format", line)

    def enter(name, line):
        nonlocal current
        if current != name:
            if name in closed:
                wrong(line, "lines of one family are together")
            if current:
                closed.add(current)
            current = name
        return families.setdefault(name, [None, None, {}])

    for line in text.splitlines():
        if not line.strip():
            continue
        if comment := re.match(rf"# (HELP|TYPE) ({NAME}) ?(.*)$", line):
            family = enter(comment[2], line)
            index = 0 if comment[1] == "TYPE" else 1
            if family[index] is not None or family[2]:
                wrong(line, "one HELP and one TYPE, before the samples")
            if index == 0 and comment[3] not in SUFFIXES:
                wrong(line, "no such type")
            family[index] = comment[3]
            continue
        if line.startswith("#"):
            continue
        sample = SAMPLE.match(line)
        if not sample:
            wrong(line, "neither comment nor sample")
        name, labels = sample[1], tuple(sorted(re.findall(LABEL, sample[2] or "")))
        base = next((family for family, (kind, _, _) in families.items()
                     if kind and any(name == family + suffix for suffix in SUFFIXES[kind])), None)
        if base is None:
            wrong(line, "a sample of no family that was introduced")
        family = enter(base, line)
        if (name, labels) in family[2]:
            wrong(line, "the same sample twice")
        try:
            family[2][name, labels] = float(sample[5])
        except ValueError:
            wrong(line, "no number")
        if family[0] == "counter" and float(sample[5]) < 0:
            wrong(line, "a counter below zero")
    for name, (kind, _, samples) in families.items():
        if kind == "histogram":
            histograms(name, samples, wrong)
    return families


def histograms(name, samples, wrong):
    """Buckets rise, the last is +Inf and the count."""
    buckets = {}
    for (sample, labels), value in samples.items():
        if sample == f"{name}_bucket":
            limit = float(dict(labels)["le"])
            buckets.setdefault(tuple(label for label in labels if label[0] != "le"), []).append((limit, value))
    for labels, found in buckets.items():
        if found != sorted(found) or [value for _, value in found] != sorted(value for _, value in found):
            wrong(str(found), f"buckets of {name} do not rise")
        if found[-1][0] != float("inf") or samples.get((f"{name}_count", labels)) != found[-1][1] or (f"{name}_sum", labels) not in samples:
            wrong(str(found), f"{name} lacks its +Inf bucket, sum or count")


def exposed(session):
    return parse(session.do("metrics --prometheus"))


def value(families, family, **labels):
    return families.get(family, (None, None, {}))[2].get((family, tuple(sorted(labels.items()))))


def figures_are_shown(session):
    session.expect_in("metrics", r"^NAME +SOURCE +VALUE", r"^memory_used +\d", r"^process_memory +logd +\d", r"^service_restarts +rngd +0")
    rows = session.rows("metrics log_")
    check({row[0] for row in rows} == {"log_appended", "log_dropped", "log_limited", "log_used"}, "metrics log_", "those of the log", rows)
    session.expect_in("metrics nothing", r"begins with `nothing`")
    session.expect_in("metrics -x", r"no option `-x`")
    session.expect_in("metrics a b", r"too much")


def own_figures_count(session):
    """rngd's, which it changes without telling anybody; and again after either of the two was started anew."""
    def draws():
        return value(exposed(session), "tessera_random_draws_total", service="rngd") or 0
    def grows(before):
        """rngd sees to its figures when it is used, once a second."""
        limit = time.monotonic() + patience(20)
        while draws() <= before:
            check(time.monotonic() < limit, "random_draws counts", f"more than {before}", draws())
            session.expect_in("run random_client", r"as it should be")
        return draws()
    before = grows(grows(0))
    session.do("kill metricsd")
    session.until("service metricsd", r"(?s)running.*restarts\s+1\b", 20)
    grows(before)


def text_is_prometheus(session):
    families = exposed(session)
    for name in ("tessera_memory_used_bytes", "tessera_uptime_seconds", "tessera_process_cpu_seconds_total",
                 "tessera_log_appended_total", "tessera_service_health", "tessera_shell_command_time_seconds"):
        check(name in families and families[name][0] and families[name][1] and families[name][2], f"{name} is exposed whole", "type, help and samples",
              families.get(name))
    commands = "tessera_shell_command_time_seconds_count", (("service", "shell"),)
    first = families["tessera_shell_command_time_seconds"][2][commands]
    again = exposed(session)["tessera_shell_command_time_seconds"][2][commands]
    check(again == first + 1, "the shell's commands are counted", first + 1, again)
    used = value(families, "tessera_memory_used_bytes")
    processes = sum(families["tessera_process_memory_bytes"][2].values())
    check(5e5 < processes < used, "the memory of all processes", f"0.5 MB, and less than {used}", processes)
    check(1e6 < used < 64e6, "memory in use", "1 to 64 MB", used)


def health_is_told(session):
    session.until("status", r"^ok, since", 30)
    session.do("kill rngd")
    session.until("status", r"^degraded: rngd: was started again \(restart \d+\), since", 5)
    session.expect_in("status", r"^ +\d+\.\d{3}  degraded  rngd +was started again", r"^ +\d+\.\d{3}  degraded  system +rngd: was")
    session.until("status", r"^ok, since", 30)
    session.expect_in("status", r"^ +\d+\.\d{3}  ok  +rngd", r"^ +\d+\.\d{3}  ok  +system")


def services_say_what_they_did(session):
    """As the supervisor was told when it asked last whether they are well; so within some ten seconds."""
    session.do("config list")
    session.do("run log_client")  # which is also denied something
    limit = time.monotonic() + patience(25)
    while True:
        families = exposed(session)
        found = {name: value(families, f"tessera_service_{name}", service=service) or 0
                 for name, service in (("requests_total", "configd"), ("refused_total", "logd"), ("denied_total", "logd"))}
        if all(found.values()):
            break
        check(time.monotonic() < limit, "what configd and logd did", "requests of the one, denials of the other", found)
        time.sleep(0.2)
    check(found["denied_total"] <= found["refused_total"] <= value(families, "tessera_service_requests_total", service="logd"), "logd's requests",
          "at least as many as were refused, and of those not more denied", found)
    session.expect_in("service logd", r"^requests +\d+, [1-9]\d* of them refused, [1-9]\d* because of who made them$")


def metrics_are_kept(ctx):
    session = Session(ctx, system="test")
    figures_are_shown(session)
    own_figures_count(session)
    text_is_prometheus(session)
    health_is_told(session)
    services_say_what_they_did(session)
    session.poweroff()


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx)) for function in (metrics_are_kept,)]
