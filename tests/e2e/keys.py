"""Keys at the prompt: what keystored makes is checked here by another implementation, and the other way round."""

import functools
import re

import ed25519
from session import ANSWER_S, Session
from testing import check

SEED = bytes(range(32))


def hex_of(session, line, length):
    output = session.do(line).strip()
    check(re.fullmatch(f"[0-9a-f]{{{2 * length}}}", output), f"what '{line}' prints", f"{length} bytes", output)
    return bytes.fromhex(output)


def typed(session, line, pattern):
    """For lines that are wider than the screen, whose echo is not the line."""
    session.keys(line + "\r")
    session.guest.expect(pattern, ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)


def signatures_are_understood_elsewhere(session):
    public = hex_of(session, "keys new travel", 32)
    signature = hex_of(session, "keys sign travel 'some words'", 64)
    check(ed25519.verify(public, b"some words", signature), "the signature made on the target", "good", signature.hex())
    check(not ed25519.verify(public, b"some word", signature), "of another text", "bad", signature.hex())
    made_here, ours = ed25519.sign(SEED, b"from outside").hex(), ed25519.public_key(SEED).hex()
    typed(session, f"keys verify {ours} {made_here} 'from outside'", r"^good$")
    typed(session, f"keys verify {ours} {made_here} 'from inside'", r"that is not their signature$")
    typed(session, f"keys verify {public.hex()} {made_here} 'from outside'", r"that is not their signature$")
    typed(session, f"keys verify {ours} {made_here[:-2]} 'from outside'", r"that is not their signature$")
    typed(session, f"keys verify 0g {made_here} x", r"hexadecimal digits$")


def the_machine_vouches(session):
    """What is signed says who asked, in the supervisor's words."""
    device = hex_of(session, "keys device", 32)
    signature = hex_of(session, "keys attest 'all is well'", 64)
    said = b"tessera attestation 1\0" + b"shell".ljust(24, b"\0") + b"all is well"
    check(ed25519.verify(device, said, signature), "the machine's signature over the shell's words", "good", signature.hex())


def sealed_things_open_where_they_belong(session):
    sealed = hex_of(session, "keys seal travel disk 'my secret'", 9 + 41).hex()
    again = hex_of(session, "keys seal travel disk 'my secret'", 9 + 41).hex()
    check(sealed != again, "sealing twice", "two results", sealed)
    typed(session, f"keys unseal travel disk {sealed}", r"^my secret$")
    typed(session, f"keys unseal travel disk {again}", r"^my secret$")
    hex_of(session, "keys new other", 32)
    for key, context, bytes_ in (("travel", "tape", sealed), ("other", "disk", sealed), ("travel", "disk", sealed[:-2] + "00"),
                                 ("travel", "disk", sealed[:-2]), ("travel", "disk", "01")):
        typed(session, f"keys unseal {key} {context} {bytes_}", r"^keys: it was not sealed by this key for this context")
    session.expect_in("keys", r"^other +.* 0 +0 +[0-9a-f]{64}$", r"^travel +.* 1 +2 +[0-9a-f]{64}$")


def keys_end(session):
    session.do("keys destroy other")
    session.expect_in("keys sign other x", r"there is no key `other`")
    session.expect_in("keys new travel", r"there is a key of this name already$")
    session.expect_in("keys new 'two words'", r"printable characters and no space$")
    session.expect_in("keys new", r"^usage: keys new NAME$")
    session.expect_in("keys mend", r"there is no `keys mend`")


def keys_outlive_who_keeps_them(session):
    device, sealed = session.do("keys device"), hex_of(session, "keys seal travel disk kept", 4 + 41).hex()
    hex_of(session, "keys new short", 32)
    session.do("keys destroy short")
    for restarts in (1, 2):
        session.do("kill keystored")
        session.until("service keystored", rf"(?s)running.*restarts\s+{restarts}\b", 20)
        typed(session, f"keys unseal travel disk {sealed}", r"^kept$")
        session.expect_in("keys sign short x", r"there is no key `short`")
    check(session.do("keys device") == device, "the machine's identity after that", device, "another")


def keys_are_used(ctx):
    session = Session(ctx)
    signatures_are_understood_elsewhere(session)
    the_machine_vouches(session)
    sealed_things_open_where_they_belong(session)
    before = session.do("call supervisor.capabilities '(name = \"shell\")'")
    keys_end(session)
    keys_outlive_who_keeps_them(session)
    check(session.do("call supervisor.capabilities '(name = \"shell\")'") == before, "the shell holds what it held", before, "")
    session.poweroff()


def cases(ctx):
    return [("keys_are_used", functools.partial(keys_are_used, ctx))]
