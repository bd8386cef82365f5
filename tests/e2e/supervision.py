"""What init does about services that are sick (system/sick.capnp), the modes of a system, and how it goes down."""

import functools
import re

from session import ANSWER_S, Session
from testing import check


def states(session):
    return {row[0]: row[2] for row in session.rows("services")}


def the_sick_are_treated(ctx):
    """Each illness has its remedy and its reason, and the rest of the system works meanwhile."""
    session = Session(ctx, system="sick")
    for name in ("unready", "hangs", "crashes", "refuses"):
        session.until("services", rf"^{name} +\d+ +failed", 60)
    for name in ("well", "hangs"):  # that the shell may not look up, whatever became of it
        session.expect_in(f"call {name}.state", rf"^call: shell may not use {name}: .*add `\(name = \"{name}\"\)` to `resolve` of shell \(system/tessera\.capnp:\d+\)$")
    session.expect_in("service unready", r"last end .*: it was not ready within 150 ms$")
    session.expect_in("service hangs", r"last end .*: it did not say that it is well within 150 ms$")
    session.expect_in("service refuses", r"last end .*: it refused to begin: it does not understand what it kept$")
    session.expect_in("service crashes", r"last end .*: exit code 3$")
    session.expect_in("logs -s hangs -n 50", r"hangs did not say that it is well within 150 ms; it is ended$")
    log = session.expect_in("logs -s crashes -n 50", r"crashes ended 2 times in a row; it is started again with all that need it$",
                            r"crashes is given up \(exit code 3\), and what needs it runs without it; `restart crashes` tries again$")
    check(len(re.findall(r"crashes ended: exit code 3", log)) == 4, "failures before it was given up", 4, log)
    session.until("services", r"^needy +\d+ +degraded", 20)
    session.expect_in("service needy", r"^state +running for .*, ready \d+ us after its start, degraded: without `crashes`$")
    found = states(session)
    for name in ("well", "logd", "shell", "consoled", "configd"):
        check(found[name] == "running", f"the state of {name}", "running", found)
    # Whom there is no memory for waits for some, which is no failure.
    session.until("services", r"^hungry +\d+ +failed", 20)
    check(found["filling"] == "running", "who has the memory", "filling", found)
    # Who calls one of them is told at once what has become of it.
    session.expect_in("keys", r"^keys: unready was given up after 2 failures in a row; `restart unready` tries again$")
    session.expect_in("metrics", r"^metrics: hungry waits for memory, and is started when there is some$")
    session.expect_in("call metrics.health '()'", r"^call: what it takes to answer that is gone: hungry waits for memory")
    session.expect_in("call metrics.health '()'", r"^call: what it takes to answer that is gone: hungry waits for memory")
    session.expect_in("service hungry", r"^unserved +([3-9]|\d{2,}) calls were refused in its place$")
    session.expect_in("service hungry", r"^restarts +0$", r"hungry: the 131072 KiB that system/sick\.capnp:\d+ reserves for it are not there$")
    session.do("kill filling")
    session.until("services", r"^hungry +\d+ +running", 20)
    session.expect_in("metrics", r"^NAME +SOURCE ") # through the capability that the shell has had all along
    session.do("restart unready") # and its clients wait for it while it may yet become ready
    session.expect_in("keys", r"^keys: unready was given up after 2 failures in a row; `restart unready` tries again$")
    # Who watches it is told.
    watch = """call registry.watch '(name = "crashes", generation = 0)'"""
    first = session.until(watch, r"^\(generation = (\d+), givenUp = true\)$", 10).group(1)
    # What is started again by hand has all its chances back.
    session.do("restart crashes")
    session.until("logs -s crashes -n 50", r"(?s)is given up.*started again with all.*is given up", 30)
    second = session.until(watch, r"^\(generation = (\d+), givenUp = true\)$", 10).group(1)
    check(int(second) > int(first), "the generation after it was tried again", f"more than {first}", second)
    session.keys("poweroff\r")
    session.guest.expect(r"needy was stopped in order", 20)  # before what it needs
    session.guest.expect(r"well was stopped in order", 20)
    session.guest.expect_power_off()


def modes_leave_services_out(ctx):
    for mode, running in (("reduced", {"well"}), ("safe", set())):
        session = Session(ctx, system="sick", cmdline=f"mode={mode}")
        found = states(session)
        for name in ("needy", "crashes", "hangs", "unready", "well"):
            check(found[name] == ("running" if name in running else "left-out"), f"{name} in mode {mode}", running, found)
        session.expect_in("logs -n 50", rf"init +mode {mode} \(chosen at boot\), without needy ")
        session.poweroff()


SHIPPED = {"samgrd", "logd", "metricsd", "policyd", "rngd", "keystored", "identityd", "configd", "timed", "consoled", "execd", "shell"}
LEFT_OUT = {
    "reduced": {"metricsd"},
    "safe": {"metricsd", "keystored", "timed"},
    "recovery": SHIPPED - {"logd", "consoled", "shell"},
}


def the_shipped_system_has_modes(ctx, mode):
    """What runs in a mode, and that what does not is waited for by nobody."""
    session = Session(ctx, direct=mode != "recovery", cmdline=f"mode={mode}")  # that by a file on the image, as on a machine
    said = re.search(rf"^init: mode {mode} \(chosen at boot\), without (.*)$", session.guest.transcript, re.MULTILINE)
    check(said and set(said.group(1).split()) == LEFT_OUT[mode], "what is said at boot", LEFT_OUT[mode], session.guest.transcript)
    session.keys("\r")
    session.guest.expect(rf"^tessera\({mode}\)\$ ", ANSWER_S)
    found = states(session)
    check(set(found) == SHIPPED and {name for name in found if found[name] == "left-out"} == LEFT_OUT[mode] and
          all(found[name] == "running" for name in SHIPPED - LEFT_OUT[mode]), f"what runs in mode {mode}", LEFT_OUT[mode], found)
    session.expect_in("mode", rf"^{mode}: chosen at boot$", r"^without .*\bmetricsd\b")
    session.expect_in("service metricsd", rf"^state +stopped, left out in mode {mode}$")
    session.expect_in("metrics", rf"^metrics: metricsd does not run in mode {mode}$")
    session.expect_in("restart metricsd", rf"^restart: metricsd does not run in mode {mode}$")
    session.expect_in("logs -n 50", rf"init +mode {mode} \(chosen at boot\), without ")
    if mode == "recovery":  # nobody has to log in, nobody can: identityd may be what is broken
        check("This is recovery: nobody has to log in" in session.guest.transcript, "recovery says so", "that nobody has to log in", session.guest.transcript)
        session.expect_in("whoami", r"^nobody in particular: this is recovery")
        session.do("restart logd")
        session.until("services", r"^logd +\d+ +running .* 1 +\S+ KiB ")
    else:
        session.expect_in("whoami", r"^guest, on a machine that has no account yet$")
    session.poweroff()


def an_essential_service_that_fails_leads_to_safe_mode(ctx):
    """It is started again with what needs it; then the system goes on with less, says why, and has lost nothing of its log."""
    session = Session(ctx, system="wavering")
    reason = r"the essential service wavering is given up: exit code 3, 2 times in a row"
    limit = ANSWER_S
    if "init: mode safe" not in session.guest.transcript:
        session.guest.expect(rf"init: mode safe \({reason}\), without leaning metricsd keystored timed", limit)
    session.keys("\r")
    session.guest.expect(r"^tessera\(safe\)\$ ", limit)
    session.expect_in("mode", rf"^safe: {reason}$", r"^without leaning metricsd keystored timed$")
    found = states(session)
    check({name for name in found if found[name] == "left-out"} == {"leaning", "metricsd", "keystored", "timed"}, "what is left out", "leaning and what else does not belong to safe mode", found)
    check(found["becoming"] == "starting" and found["waiting"] == "stopped", "what waits for another goes on waiting",
          "waiting is not started before becoming is ready", found)
    session.until("services", r"^wavering +\d+ +running")
    log = session.expect_in("logs -n 90", r"init +system wavering: \d+ services$",
                            r"wavering ended 2 times in a row; it is started again with all that need it$",
                            rf"{reason}; the system goes on in safe mode$")
    check(len(re.findall(r"wavering ended: exit code 3", log)) == 4, "failures before it came to safe mode", 4, log)
    session.expect_in("service leaning", r"^state +stopped, left out in mode safe$")
    session.poweroff()


def safe_mode_that_fails_too_stops_the_system(ctx):
    guest = ctx.guest(system="wavering", direct=True, cmdline="wavers=always")
    guest.expect(r"init: mode safe \(the essential service wavering is given up: exit code 3, 2 times in a row\)", 60)
    guest.expect(r"^init: the essential service wavering is given up in mode safe, too \(exit code 3\); the system stops", 60)
    guest.expect_power_off()


def a_slow_registry_hears_everything_once(ctx):
    """What init has to say waits until it is heard, however long that takes."""
    session = Session(ctx, system="slow")
    session.until("services", r"^registry +\d+ +running", 20)
    session.until("service registry", r"^requests +11, 11 of them refused", 20)
    session.expect_in("service registry", r"^restarts +0$", r"^requests +11, ")
    session.expect_in("logs -n 50", r"init +system slow: 12 services$")
    session.poweroff()


def a_policyd_that_was_given_up_can_be_started_again(ctx):
    """Nobody may do anything then but what leads out of it; and each command says what that is."""
    session = Session(ctx, system="lawless")
    session.until("services", r"^policyd +\d+ +failed", 20)
    given_up = r"for policyd does not decide: policyd was given up after 2 failures in a row; `restart policyd` tries again$"
    session.expect_in("restart logd", rf"^restart: nobody may, {given_up}")
    session.expect_in("run hello", rf"^run: nobody may, {given_up}")
    before = session.expect_in("service policyd", r"^restarts +(\d+)$")
    session.expect_in("restart policyd; echo $?", r"^0$")
    session.until("service policyd", rf"^restarts +(?!{re.search(r'^restarts +([0-9]+)$', before, re.MULTILINE).group(1)}$)\d+$", 20)
    session.until("services", r"^policyd +\d+ +failed", 20)  # it is as sick as before
    session.expect_in("run hello", rf"^run: nobody may, {given_up}")
    session.poweroff()


def nobody_waits_for_memory_that_does_not_come(ctx):
    """What does not fit does not start, and the console and the shell come up at once."""
    session = Session(ctx, mem=12)
    check(re.search(r"^init: cannot start identityd: the \d+ KiB that \S+ reserves for it are not there; it waits for memory$",
                    session.guest.transcript, re.MULTILINE), "it is said what did not start", "identityd", session.guest.transcript)
    found = states(session)
    check(found["identityd"] == "failed" and found["shell"] == "running" and found["consoled"] == "running", "what runs", "the shell and the console, not identityd", found)
    session.expect_in("service identityd", r"^restarts +0$", r"are not there$")
    session.poweroff()


def a_mode_that_there_is_not_is_refused(ctx):
    guest = ctx.guest(system="sick", direct=True, cmdline="mode=slow")
    guest.expect(r"init: there is no such mode; the boot command line may say mode=full, reduced, safe or recovery", 60)


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx))
            for function in (the_sick_are_treated, modes_leave_services_out, a_mode_that_there_is_not_is_refused,
                             an_essential_service_that_fails_leads_to_safe_mode, safe_mode_that_fails_too_stops_the_system,
                             nobody_waits_for_memory_that_does_not_come, a_slow_registry_hears_everything_once,
                             a_policyd_that_was_given_up_can_be_started_again)] + [
        (f"the_shipped_system_has_modes: {mode}", functools.partial(the_shipped_system_has_modes, ctx, mode)) for mode in LEFT_OUT]
