"""Questions about authority at the prompt: where each handle is from, what would break, and what does."""

import functools
import re

from session import Session
from testing import check


def complete(session):
    """Every handle of every process says where it is from."""
    output = session.do("why -a")
    found = re.search(r"^(\d+) of (\d+) handles have a complete chain$", output, re.MULTILINE)
    check(found and found.group(1) == found.group(2) and int(found.group(1)) > 50, "why -a", "all of them", output)


def handles_say_where_from(ctx):
    session = Session(ctx, system="test")
    complete(session)
    session.expect_in("why shell console", r"^shell's console \(0x[0-9a-f]+\): endpoint, Console with control$",
                      r"^init +Console +\S*RECEIVE\S* +.* ago +came with its object$",
                      r"^shell +console +\S*SEND\S* +.* ago +granted by init: system/tessera\.capnp:\d+, service console control$", r"^Paid for by init$")
    session.expect_in("why shell manual", r"^init +- +- +- +given up since$", r"granted by init: system/tessera\.capnp:\d+, file manual$",
                      r"^Paid for by shell: system/tessera\.capnp:\d+$")
    session.expect_in("why consoled notification", r"several handles of consoled are called `notification`; `caps consoled` shows their numbers$")
    output = session.expect_in("caps consoled", r"came with a request .* from shell$")
    number = re.search(r"^(0x[0-9a-f]+) .*came with a request", output, re.MULTILINE).group(1)
    session.expect_in(f"why consoled {number}", r"came with a request of shell: ConsoleControl\.setInterrupt$")
    session.expect_in("why logd thread", r"granted by init: system/tessera\.capnp:\d+, logd's own$")
    session.expect_in("why lodg", r"no process is called `lodg`; did you mean `logd`\?$")
    session.expect_in("why logd nosuch", r"logd has no handle `nosuch`; `caps logd` lists them$")
    session.expect_in("why logd 0xffffffffffff", r"logd has no handle")
    session.do("run endless_loop &")
    complete(session)
    session.do("kill logd")
    session.until("service logd", r"running")
    complete(session)
    session.poweroff()


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx)) for function in (handles_say_where_from,)]
