"""A person at the shell: what the cases of this suite do over and over."""

import re
import time

from testing import Failure, check, patience

PROMPT_S = 60
ANSWER_S = 10  # how long the shell may take for anything, whatever runs beside it


class Session:
    """A guest at the prompt."""

    def __init__(self, ctx, system="tessera", direct=True, **options):
        self.guest = ctx.guest(system=system, direct=direct, **options)
        self.guest.prompt(PROMPT_S)

    def do(self, line, timeout=ANSWER_S):
        """Types a line, returns what was printed before the next prompt."""
        return self.guest.command_output(line, timeout)

    def expect_in(self, line, *patterns):
        """Every pattern is found in the line's output, which is returned."""
        output = self.do(line)
        for pattern in patterns:
            check(re.search(pattern, output, re.MULTILINE), f"output of '{line}'", f"/{pattern}/", output)
        return output

    def keys(self, text):
        self.guest.send(text)

    def paged(self, line, most=1000):
        """Types the line of a command that waits after each screen. Returns the screens, up to so many; then it has had enough."""
        self.keys(line + "\r")
        self.guest.expect(re.escape(line) + r"\n", ANSWER_S)
        screens = []
        while True:
            asked = self.guest.expect(r"^(tessera\$ |-- more: .* -- )", ANSWER_S).group(1).startswith("--")
            screens.append(self.guest.before)
            if not asked:
                return screens
            self.keys("\r" if len(screens) < most else "q\r")
            self.guest.expect(r"q?\n", ANSWER_S)

    def until(self, line, pattern, timeout=ANSWER_S):
        """Repeats a command until its output matches; returns the match."""
        limit = time.monotonic() + patience(timeout)
        while True:
            output = self.do(line)
            found = re.search(pattern, output, re.MULTILINE)
            if found:
                return found
            if time.monotonic() > limit:
                raise Failure(f"'{line}' did not come to show what it should within {patience(timeout)} s", f"/{pattern}/", output)

    def rows(self, line):
        """A table's rows as lists of words, without its heading."""
        return [row.split() for row in self.do(line).splitlines()[1:] if row.strip()]

    def poweroff(self):
        self.keys("poweroff\r")
        self.guest.expect_power_off()


def used_memory(session):
    """The line of `mem` that says how much of the machine's memory is in use, as text."""
    output = session.do("mem")
    found = re.search(r"^.*\bused\b.*$", output, re.MULTILINE | re.IGNORECASE)
    check(found, "mem shows what is used", "a line with 'used'", output)
    return found.group(0).strip()


def settled_memory(session, expected=None, timeout=ANSWER_S):
    """What `mem` shows once two readings in a row agree; with `expected`, once it is that."""
    limit = time.monotonic() + patience(timeout)
    last = None
    while True:
        now = used_memory(session)
        if now == expected or (expected is None and now == last):
            return now
        if time.monotonic() > limit:
            return now
        last = now


GROWTHS_MOST = 4  # of what a process takes when it comes by a place for the first time, such as a page of its stack


def leaves_nothing(session, action):
    """Memory in use is the same before and after the action, once it was done before. What it leaves behind it leaves each time; what the
    shell or a service takes on first use stays, and when that is depends on what comes between two lines: so it is done again then."""
    action()
    readings = [settled_memory(session)]
    while len(readings) <= GROWTHS_MOST:
        action()
        readings.append(settled_memory(session, readings[-1], 2))
        if readings[-1] == readings[-2]:
            return
    raise Failure("mem never reads the same before and after", "the same twice", "\n".join(readings))
