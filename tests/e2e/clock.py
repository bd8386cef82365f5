"""The time of day: timed, its chip and zones, used by a program as services use it, and by a person."""

import functools
import re
import time

from session import ANSWER_S, Session
from testing import check, patience

# The chip says this when the machine starts: ten minutes before clocks in Europe are put forward.
AT = ("-rtc", "base=2031-03-30T00:50:00")


def settles(session):
    """The chip's next second is waited for: then half a second of uncertainty becomes some hundredths. That is once, and on a machine
    that did not run just then it becomes less; so the chip is read again."""
    limit = time.monotonic() + patience(20)
    while True:
        for _ in range(20):
            said = session.do("date -v")
            if re.search(r"^off by +\d{1,2}(\.\d+)? ms at most, and 200 us more each second$", said, re.MULTILINE):
                return
            time.sleep(0.1)
        check(time.monotonic() < limit, "the uncertainty", "less than 100 ms after the chip's second", said)
        session.do("date set rtc")


def the_chip_is_read(ctx):
    session = Session(ctx, system="test", qemu_args=AT)
    session.expect_in("date -u", r"^2031-03-30 00:5\d:\d\d UTC \(\+00:00\), Sunday; within \d+ ms, from the real-time clock$")
    settles(session)
    session.expect_in("date -v", r"^source +the real-time clock$", r"^chip +(cmos|goldfish)$", r"^zone +UTC, of [45]\d\d$|^zone +UTC, of 6\d\d$")
    session.expect_in("date Europe/Berlin", r"^2031-03-30 01:5\d:\d\d CET \(\+01:00\), Sunday")
    session.expect_in("date Asia/Kathmandu", r" \(\+05:45\), Sunday")
    session.expect_in("date Europe/Atlantis", r"there is no such zone")
    session.expect_in("date -z Europe/B", r"^Europe/Belfast$", r"^Europe/Berlin$")
    # The setting, which is watched.
    session.do("config set time.zone Europe/Berlin")
    session.expect_in("date", r"^2031-03-30 01:5\d:\d\d CET \(\+01:00\)")
    session.do("config set time.zone Europe/Atlantis")
    session.expect_in("date -v", r"^zone +Europe/Berlin, of \d+; there is no zone `Europe/Atlantis`$")
    session.do("config set time.zone Europe/Berlin")
    # Setting it. What clocks never say cannot be set; what they say twice is the earlier one.
    session.expect_in("date set 2031-03-30 02:30", r"clocks there never say this")
    session.expect_in("date set 2031-02-29 02:30", r"^date: `2031-02-29 02:30` is no time")
    session.expect_in("date set 1931-02-28 02:30", r"^date: the time can be set to 1970 up to 2200$")
    session.expect_in("date set 2031-10-26 02:30", r"^This comes twice")
    session.expect_in("date -u", r"^2031-10-26 00:3\d:\d\d UTC .*; within 1(\.\d+)? s, from a person$")
    session.expect_in("date -v", r"^set +\S+ \S+ ago by shell$")
    session.do("date set -s 2031-10-26 02:50")
    session.expect_in("date -v", r"^slewing +1\d min ")
    session.expect_in("date set -s 2033-10-26 02:50", r"more than an hour off")
    session.do("date set rtc")
    session.expect_in("date -u", r"^2031-03-30 \d\d:\d\d:\d\d UTC .*from the real-time clock$")
    # Alarms.
    session.expect_in("alarm 30ms", r"^alarm \d+$")
    session.keys("alarm every 20ms\r")
    for _ in range(3):
        session.guest.expect(r"^alarm \d+$", ANSWER_S)
    session.keys("\x03")
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.expect_in("alarm", r"^ID +CLOCK")
    session.expect_in("alarm tomorrow", r"^usage: alarm")
    session.expect_in("run time_client", r"^time_client: as it should be$")
    check("time_client" in session.do("alarm"), "an alarm stays until somebody tries to tell its holder", "time_client in the list",
          session.guest.transcript[-1000:])
    # What somebody set goes on where it was in a successor, which reads anything else anew: the chip, the zones and the setting.
    session.do("date set 2020-01-01 00:00")
    session.do("kill timed")
    session.until("service timed", r"(?s)running.*restarts\s+1\b", 20)
    session.expect_in("date", r"^2020-01-01 00:0\d:\d\d CET .*from a person$")
    session.do("date set rtc")
    session.do("kill timed")
    session.until("service timed", r"(?s)running.*restarts\s+2\b", 20)
    session.expect_in("date", r"^2031-03-30 \d\d:\d\d:\d\d CES?T .*from the real-time clock$")
    session.do("config set time.zone Asia/Tokyo")
    session.expect_in("date", r" JST \(\+09:00\)")
    session.keys("date America/Argentina/San_J\t\r")
    session.guest.expect(r" -03 \(-03:00\), ", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.poweroff()


def cases(ctx):
    return [("the_time_is_told_set_and_waited_for", functools.partial(the_chip_is_read, ctx))]
