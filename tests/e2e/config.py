"""Settings: configd, used by a program as services use it, and by a person."""

import functools

from session import ANSWER_S, Session


def settings(ctx):
    session = Session(ctx, system="test")
    session.expect_in("run config_client", r"^config_client: as it should be$")
    # Layers, and where a value is from.
    session.expect_in("config", r"^KEY +FROM +VALUE$", r"^time\.zone +default +UTC$", r"^shell\.pager +default +on$")
    session.do("config set time.zone Europe/Berlin")
    session.do("config set -s time.zone Asia/Tokyo")
    session.expect_in("config list time.", r"^time\.zone +session +Asia/Tokyo$")
    session.expect_in("config describe time.zone", r"^time\.zone: the zone", r"^values +a text of at most 63 bytes$", r"^default +UTC$",
                      r"^open to +vendor system admin session$", r"^admin +Europe/Berlin$", r"^session +Asia/Tokyo$")
    session.do("config unset -s time.zone")
    session.expect_in("config get time.zone", r"^Europe/Berlin$")
    # What was set is there whatever becomes of the service.
    session.do("kill configd")
    session.expect_in("config get time.zone", r"^Europe/Berlin$")
    session.expect_in("config describe time.zone", r"^admin +Europe/Berlin$")
    # Mistakes say what is expected.
    session.expect_in("config set shell.pager 5", r"^config: `shell\.pager` is on or off; this is neither$")
    session.expect_in("config set time.zoone x", r"^config: there is no key `time\.zoone`$")
    session.expect_in("config get time", r"there is no such key")
    session.expect_in("config set time.zone", r"^usage: config set")
    session.expect_in("config frobnicate", r"^usage: config")
    # The shell goes by its own.
    session.do("config set shell.pager off")
    session.expect_in("man memory", r"^memory - ", r"(?s)\n.*\n.*VMO")
    session.do("config set shell.pager on")
    # Tab knows the keys.
    session.keys("config get time.z\t\r")
    session.guest.expect(r"^Europe/Berlin$", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    # What changes is shown as it does, also by a successor of the service.
    session.do("run config_client toggle &")
    session.keys("config watch time.\r")
    for value in ("Odd", "Even", "Odd"):
        session.guest.expect(rf"^time\.zone = {value} \(session\)$", ANSWER_S)
    session.keys("\x03")
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.do("kill configd")
    session.until("service configd", r"(?s)running.*restarts\s+2\b", 20)
    session.keys("config watch\r")
    session.guest.expect(r"^time\.zone = Odd \(session\)$", ANSWER_S)
    session.keys("\x03")
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.do("kill config_client")
    session.until("jobs", r"config_client.*killed", 20)
    session.expect_in("config get shell.pager", r"^on$")
    session.poweroff()


def cases(ctx):
    return [("settings_are_kept_shown_and_watched", functools.partial(settings, ctx))]
