"""Who is at the machine: setting it up, logging in, roles, locks, and passwords that nobody sees."""

import functools
import re
import time

from session import Session
from testing import check, deadline, patience

PASSWORD, OTHERS, NEW = "correct horse", "berts password", "another one"
HASH_S = 30  # a password is looked at for as long as an emulated processor takes for it
PROMPT = r"^tessera\$ "


class Person:
    """Types lines and waits for the prompt named, whichever it is."""

    def __init__(self, ctx):
        self.session = Session(ctx)
        self.guest = self.session.guest

    def says(self, line, then=PROMPT, *patterns):
        self.session.keys(line + "\r")
        self.guest.expect(then, HASH_S)
        for pattern in patterns:
            check(re.search(pattern, self.guest.before, re.MULTILINE), f"what came of '{line}'", f"/{pattern}/", self.guest.before)

    def chooses(self, line, password, *patterns):
        self.says(line, r"^new password \(8 to 128 bytes\): ")
        self.says(password, r"^once more: ")
        self.says(password, PROMPT, *patterns)

    def logs_in(self, line, password, then=PROMPT, *patterns):
        self.says(line, r"^password: ")
        self.says(password, then, *patterns)


def sets_up(person):
    """Until there is an account whoever is there may do everything; who makes the first is the administrator."""
    check("`adduser NAME` makes you its administrator" in person.guest.transcript, "the first prompt", "the hint", person.guest.transcript[-500:])
    person.says("whoami", PROMPT, r"^guest, on a machine that has no account yet$")
    person.says("users", PROMPT, r"^there is no account yet; `adduser NAME` makes the first")
    person.says("kill keystored")
    for line in ("users guests off", "deluser anna"):
        person.says(line, PROMPT, rf"^{line.split()[0]}: this machine has no account yet; `adduser NAME` makes you its administrator$")
    person.says("adduser Anna", r"^new password \(8 to 128 bytes\): ")
    person.says(PASSWORD, r"^once more: ")
    person.says(PASSWORD, PROMPT, r"^adduser: a name is 1 to 23 small letters")
    person.chooses("adduser anna", "short", r"^adduser: a password has 8 to 128 bytes$")
    person.says("adduser anna", r"^new password \(8 to 128 bytes\): ")
    person.says(PASSWORD, r"^once more: ")
    person.says(PASSWORD + "!", PROMPT, r"^these are two different ones$")
    person.chooses("adduser anna", PASSWORD, r"^You are anna, the administrator of this machine\.$")
    person.says("whoami", PROMPT, r"^anna, administrator$")
    person.chooses("adduser bert", OTHERS)
    person.chooses("adduser bert", OTHERS, r"^adduser: there is an account of this name already$")
    person.says("adduser carl king", PROMPT, r"`king` is no role")
    person.says("users", PROMPT, r"^anna +administrator +1 ", r"^bert +user +0 ")


def roles_decide(person):
    person.logs_in("su bert", OTHERS)
    person.says("whoami", PROMPT, r"^bert, user$")
    for line in ("kill logd", "restart logd", "reboot", "poweroff", "trace start", "call supervisor.kill '(target = \"logd\")'",
                 "revoke rngd random", "policy revoke hello use '*'", "policy learn on", "date set 2030-01-01 00:00", "config set shell.prompt x",
                 "users", "deluser anna", "users guests off", "passwd anna", "adduser carl"):
        person.says(line, PROMPT, rf"^{line.split()[0]}: bert may not perform [a-z]+: the role is user \(`su NAME` becomes somebody else\); an "
                                  r"administrator may\. To allow it, lower the `role` of the operation \(system/tessera\.capnp:\d+\)$")
    person.says("crash -d 1", PROMPT, r"^crash: bert may not perform dumps: ")
    person.says("su guest", PROMPT)
    person.says("whoami", PROMPT, r"^guest$")
    person.session.keys("\x04")
    person.guest.expect(PROMPT, HASH_S)
    person.says("run hello")
    person.says("sessions", PROMPT, r"^ *\d+ +bert +user +open ")
    check("anna" not in person.guest.before, "what a user sees of others", "nothing", person.guest.before)
    person.says("passwd", r"^old password: ")
    person.says(OTHERS, r"^new password \(8 to 128 bytes\): ")
    person.says(NEW, r"^once more: ")
    person.says(NEW)
    person.session.keys("\x04")  # back to who was there before
    person.guest.expect(PROMPT, HASH_S)
    person.says("whoami", PROMPT, r"^anna, administrator$")
    person.says("deluser anna", PROMPT, r"^deluser: the machine would have no administrator left$")


def decisions_are_explained_and_audited(person):
    """By the one who decides, whoever asks: what is said of a role, what was decided of whom, and that it is decided anew each time."""
    line = r"\(system/tessera\.capnp:(\d+)\)"
    person.says("policy operations", PROMPT, r"^end +administrator +system/tessera\.capnp:\d+$", r"^run +user +system/tessera\.capnp:\d+$",
                r"^power +administrator, or nobody can log in +system/tessera\.capnp:\d+$")
    person.says("policy user perform end", PROMPT, rf"(?s)^user may not perform end: .*{line}")
    person.says("policy administrator perform end", PROMPT, r"^administrator may perform end: system/tessera\.capnp:\d+$")
    person.says("policy administrator perform magic", PROMPT, r"(?s)^administrator may not perform magic: the manifest has no operation of that name")
    person.says("restart timed")
    person.says("kill policyd")  # who comes after it decides the same
    person.says("restart timed")
    limit = time.monotonic() + patience(HASH_S)
    wanted = (r"anna may perform restart, by system/tessera\.capnp:\d+", r"bert may not perform end: the role is user")
    while not all(re.search(pattern, person.guest.before) for pattern in wanted):
        check(time.monotonic() < limit, "what the audit has", wanted, person.guest.before)
        person.says("logs -d audit -v -n 400")


def locks(person):
    person.says("lock", r"^locked; password of anna: ")
    person.says("whoami", r"^locked; password of anna: ", r"is not right$")  # a line is a password now
    person.says(PASSWORD)
    person.says("whoami", PROMPT, r"^anna, administrator$")


def comes_and_goes(person):
    person.says("logout", r"^login: ")
    person.says("guest", PROMPT)
    person.says("whoami", PROMPT, r"^guest$")
    person.says("poweroff", PROMPT, r"^poweroff: guest may not perform power: the role is guest ")
    person.says("lock", PROMPT, r"^lock: a guest has no password")
    person.says("keys", PROMPT, r"^keys: guest may not perform keys: .*; somebody with an account may\.")
    person.says("config set shell.prompt x", PROMPT, r"^config: guest may not perform settings: ")
    person.says("run hello", PROMPT, r"^run: guest may not perform run: .*; somebody with an account may\.")
    person.says("logout", r"^login: ")
    person.logs_in("bert", OTHERS, r"^login: ", r"the name or the password is not right$")  # that was the old one
    person.logs_in("bert", NEW)
    person.says("whoami", PROMPT, r"^bert, user$")
    person.says("logout", r"^login: ")
    person.logs_in("anna", PASSWORD)
    person.says("users guests off")
    person.says("deluser bert", PROMPT)
    person.says("logout", r"^login: ")
    person.says("guest", r"^login: ", r"^logging in: guests are not let in$")
    person.logs_in("bert", NEW, r"^login: ", r"the name or the password is not right$")


def another_shell_asks_again(person):
    person.logs_in("anna", PASSWORD)
    person.says("kill shell", r"^login: ")


def failures_wait(person):
    """After three wrong ones there are waits, which grow: sooner or later one is longer than looking at a password takes. One that
    there is not waits alike."""
    for name in ("anna", "nobody"):
        tries = 0
        while True:
            person.logs_in(name, "wrong", r"^login: ", r"^logging in: (the name or the password is not right|too many were wrong; try again in \d+ s)$")
            if "too many" in person.guest.before:
                break
            tries += 1
            check(tries < 10, f"wrong passwords of {name}", "a wait", person.guest.before)
        check(tries >= 3, f"wrong passwords of {name} before there is a wait", "3 at the least", tries)


def accounts_outlive_who_keeps_them(person):
    limit = time.monotonic() + patience(HASH_S)
    while True:  # the wait is not over yet
        person.says("anna", r"^password: ")
        person.session.keys(PASSWORD + "\r")
        if person.guest.expect(r"^(login: |tessera\$ )", HASH_S).group(1) != "login: ":
            break
        check(time.monotonic() < limit, "logging in after the wait", "a session", person.guest.before)
    person.says("kill identityd")
    person.says("whoami", PROMPT, r"^anna, administrator$")  # the session goes on
    person.says("users", PROMPT, r"^anna +administrator +\d+ ")
    person.says("logout", r"^login: ")
    person.says("guest", r"^login: ", r"^logging in: guests are not let in$")
    person.logs_in("anna", PASSWORD)
    person.says("service identityd", PROMPT, r"(?s)running.*restarts\s+1\b")
    person.session.poweroff()


def no_password_was_shown(person):
    for secret in (PASSWORD, OTHERS, NEW):
        check(secret not in person.guest.transcript, "what was on the screen", "no password", secret)


@deadline(180)
def identity_is_kept(ctx):
    person = Person(ctx)
    sets_up(person)
    roles_decide(person)
    decisions_are_explained_and_audited(person)
    locks(person)
    comes_and_goes(person)
    another_shell_asks_again(person)
    failures_wait(person)
    accounts_outlive_who_keeps_them(person)
    no_password_was_shown(person)


def cases(ctx):
    return [("identity_is_kept", functools.partial(identity_is_kept, ctx))]
