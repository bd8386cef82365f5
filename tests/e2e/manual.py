"""The manual at the prompt: what the system says of itself."""

import functools
import pathlib
import re
import sys

from session import ANSWER_S, Session
from testing import check, expect_equal

sys.dont_write_bytecode = True
ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tools" / "manual"))
import mkmanual  # noqa: E402

SCREEN_ROWS = 24


def pages_are_found(ctx):
    session = Session(ctx)
    session.expect_in("man", *(rf"^{name} +\S" for name in ("commands", "contracts", "concepts", "objects", "howto")))
    for section, *patterns in (("contracts", r"^log +The log: ", r"^supervisor +\S"),
                               ("commands", r"^services +list the services$", r"^man +\S")):
        listed = "".join(session.paged(f"man {section}"))
        for pattern in patterns:
            check(re.search(pattern, listed, re.MULTILINE), f"man {section}", f"/{pattern}/", listed)
    session.expect_in("man objects", r"^vmo +memory$")
    session.expect_in("man Log.query", r"\ALog\.query\n", r"query @1 \(after :UInt64, .*level :LogLevel = debug,$", r"\$repeatable$",
                      r"Records with a sequence above")
    session.expect_in("man LOG.QUERY", r"\ALog\.query\n")
    session.expect_in("man services", r"^services - list the services$", r"memory in use")
    check(session.paged("man objects reply")[0].startswith("reply - the right to answer one call, once\n"), "man SECTION PAGE", "the page",
          session.guest.transcript[-2000:])
    session.expect_in("man commands trace", r"^trace - have the kernel")
    session.poweroff()


def mistakes_have_suggestions(ctx):
    session = Session(ctx)
    session.expect_in("man capabilties", r"there is no page `capabilties`; did you mean `capabilities`\?$")
    session.expect_in("man servics", r"did you mean `services?`\?$")
    session.expect_in("man Log.qeury", r"did you mean `Log.query`\?$")
    session.expect_in("man qqqqqqqqqq", r"there is no page `q+`; `apropos WORD` finds pages$")
    session.expect_in("man objects capabilities", r"section `objects` has no page `capabilities`")
    session.expect_in("man commands vmo", r"section `commands` has no page `vmo`")
    session.expect_in("man chapters vmo", r"there is no section `chapters`")
    session.expect_in("man a b c", r"usage: man")
    session.expect_in("apropos", r"usage: apropos")
    session.expect_in("apropos qqqqqqqqqq", r"no page has this word")
    session.expect_in("apropos badge qqqqqqqqqq", r"no page has all of these words")
    session.poweroff()


def long_pages_wait(ctx):
    session = Session(ctx)
    index = ROOT / "docs" / "README.md"
    pages = mkmanual.handbook(index)
    page = next(page for page in pages if page.name == "memory")
    mkmanual.fill(page, mkmanual.parse(page), pages)
    screens = session.paged("man memory")
    check(len(screens) > 3 and all(len(screen.splitlines()) < SCREEN_ROWS for screen in screens), "screens of man memory",
          f"several of fewer than {SCREEN_ROWS} lines", [len(screen.splitlines()) for screen in screens])
    text = "".join(screens)
    expect_equal(text[text.index("memory - "):], page.text, "what man memory shows")
    check(len(session.paged("man memory", most=2)) == 3, "q ends it", "two screens, and nothing more", session.guest.transcript[-500:])
    for key in ("\x03", "\x04"):
        session.keys("man memory\r")
        session.guest.expect(r"^-- more", ANSWER_S)
        session.keys(key)
        session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.keys("man memory\r")
    session.guest.expect(r"^-- more", ANSWER_S)
    session.keys("\t\r")  # there is nothing to complete; Enter goes on
    session.guest.expect(r"^-- more", ANSWER_S)
    session.keys("q\r")
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    history = session.do("history")
    check(not re.search(r"^ *\d+ +q?$", history, re.MULTILINE), "answers are no commands", "none in the history", history)
    session.expect_in("echo fine", r"^fine$")
    session.poweroff()


def words_are_found(ctx):
    session = Session(ctx)
    session.expect_in("apropos vmo seal", r"^vmo \(objects\) - ", r"^memory \(concepts\) - VMOs")
    first = session.paged("apropos notification")[0].splitlines()[0]
    expect_equal(first, "notification (objects) - 64 bits that can be set from anywhere and waited for", "the best of apropos notification")
    session.expect_in("apropos appendFor", r"^LogControl\.appendFor \(contracts\) - Adds a record about")
    session.expect_in("apropos everything switch", r"^poweroff \(commands\) - stop everything")
    screens = session.paged("apropos the")
    check(re.search(r"^And \d+ more; another word", screens[-1], re.MULTILINE), "too many are counted", "And N more", screens[-1])
    session.poweroff()


def names_are_completed(ctx):
    session = Session(ctx)
    for keys, expected in (("man capab\t", r"^capabilities - "), ("man Log.q\t", r"^Log\.query$"), ("man objects vm\t", r"^vmo - memory$"),
                           ("man objects rin\t", r"^ring - ")):
        session.keys(keys + "\r")
        session.guest.expect(expected, ANSWER_S)
        while session.guest.expect(r"^(tessera\$ |-- more: .* -- )", ANSWER_S).group(1).startswith("--"):
            session.keys("q\r")
            session.guest.expect(r"q?\n", ANSWER_S)
    session.do("echo done")
    session.poweroff()


def said(session, line, *patterns):
    """Every pattern is found in what the line prints, on however many screens; which is returned."""
    text = "".join(session.paged(line))
    for pattern in patterns:
        check(re.search(pattern, text, re.MULTILINE), f"output of '{line}'", f"/{pattern}/", text)
    return text


def services_are_described(ctx):
    session = Session(ctx)
    said(session, "describe", r"^INTERFACE +ID +METHODS$", r"^LogControl +0xf07bd2915c8e4a36 +\d+$")
    log = said(session, "describe log", r"^interface    Log$", r"^id           0xd1a670c35e2b9401$", r"^extended by  LogControl, for whom the manifest grants control$",
                    r"^provided by  logd, running$", r"^append \(level :LogLevel, text :Text\) -> \(sequence :UInt64\)$",
                    r"^      How much is kept and how much was dropped$", r"Whose record it is says the capability")
    expect_equal("".join(session.paged("describe logd")), log, "a service stands for what it provides")
    expect_equal("".join(session.paged("describe Log")), log, "so does the interface's own name")
    said(session, "describe LogControl", r"^extends      Log$", r"^provided by  logd, running$", r"^appendFor \(", r"^of Log:$", r"^query \(")
    said(session, "describe Vmo", r"^provided by  the kernel$")
    session.poweroff()


def methods_are_described(ctx):
    session = Session(ctx)
    said(session, "describe log.query", r"^method       Log\.query @1$", r"^repeatable ", r"^PARAMETER +TYPE +DEFAULT +VALUES$",
                      r"^level +LogLevel +debug +error warning info debug$", r"^service +Text +- +at most 23 bytes$", r"^records +List\(LogRecord\) ",
                      r"Ask again$|Ask again with `next`")
    said(session, "describe logd.append", r"^one way ", r"^text +Text +- +at most 1024 bytes$", r"^  Adds one record\.")
    said(session, "describe LogControl.stats", r"^method       Log\.stats @2$")  # of the one that it extends
    said(session, "describe exec.run", r"^method       ExecControl\.run @0$")  # of the one that extends it
    said(session, "describe registry.resolve", r"^name +Text +- +at most 23 bytes$",
                      r"^outcome +.*Outcome +- +found noSuchName notAllowed wrongInterface$")
    said(session, "describe lgod", r"there is no service or interface `lgod`; did you mean `logd?`\?$")
    said(session, "describe log.qeury", r"`log` has no method `qeury`; did you mean `query`\?$")
    said(session, "describe log.", r"which method\? `describe log` lists them$")
    said(session, "describe qqqqqqqq.query", r"there is no service or interface `qqqqqqqq`; `describe` lists the interfaces$")
    session.keys("describe logd.app\t\r")
    session.guest.expect(r"^method       Log\.append @0$", ANSWER_S)
    session.guest.expect(r"^tessera\$ ", ANSWER_S)
    session.poweroff()


def names_of_several_contracts(ctx):
    """`Key` is a setting's in config, and one that signs in keys."""
    session = Session(ctx)
    said(session, "man Key", r"^config\.Key +\S", r"^keys\.Key +One key$")
    said(session, "man keys.Key", r"\AKey\n", r"interface Key @0xf48c27d1ae063b95")
    key = said(session, "describe Key", r"^interface    Key$", r"^returned by  Keys\.generate$", r"^  One key\. What the capability allows")
    check("etting" not in key, "describe Key", "nothing about settings", key)
    said(session, "describe LogRecord", r"^struct       LogRecord$", r"^timeNs +UInt64 ", r"^`man log\.LogRecord` says more\.$")
    check("none @0" not in said(session, "man Vmo"), "man Vmo", "no method that there is not", session.guest.transcript[-2000:])
    session.poweroff()


def cases(ctx):
    return [(function.__name__, functools.partial(function, ctx)) for function in
            (pages_are_found, mistakes_have_suggestions, long_pages_wait, words_are_found, names_are_completed,
             services_are_described, methods_are_described, names_of_several_contracts)]
