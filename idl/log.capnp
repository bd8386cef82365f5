@0xcedb6f2227793d60;
# The contract of the log (logd): append records, read them back.

enum Level {
  # How urgent a record is, the most urgent first.
  error @0;
  warning @1;
  info @2;
  debug @3;
}

struct Record {
  # One line of the log.

  sequence @0 :UInt64;
  # From 1, and never used again while the log lives.

  timeNs @1 :UInt64;
  # Monotonic, since boot.

  level @2 :Level;

  service @3 :Text;
  # Who wrote it: the name that the supervisor gave its holder.

  text @4 :Text;
  # UTF-8, at most `maxTextBytes`.
}

const maxTextBytes :UInt32 = 1024;
# Longer texts are refused.

interface Log {
  # What every program gets that may write to the log or read it.

  append @0 (level :Level = info, text :Text, subject :UInt64 = 0) -> (sequence :UInt64);
  # Adds a record. `subject` is the holder that it is filed under, where a supervisor writes for somebody else; 0 is
  # the caller, and nobody else may say otherwise.

  query @1 (after :UInt64, limit :UInt32 = 64, level :Level = debug, service :Text, last :Bool) -> Page;
  # Records with a sequence above `after`, at least as urgent as `level`, of the one service or of all. With `last` only
  # the last `limit` of them.

  struct Page {
    # A part of the log, as much as fits in a message.

    records @0 :List(Record);

    after @1 :UInt64;
    # What to ask for next.

    more @2 :Bool;
    # Whether more records match.

    lost @3 :UInt64;
    # Records that were dropped between `after` of the question and the oldest one kept.
  }

  stats @2 () -> Stats;
  # How full the log is.

  struct Stats {
    # Counted since the log started, where it is not about what is kept now.

    records @0 :UInt64;
    # Kept now.

    usedBytes @1 :UInt64;
    capacityBytes @2 :UInt64;

    appended @3 :UInt64;
    dropped @4 :UInt64;
    # The oldest ones, to make room.

    firstSequence @5 :UInt64;
    lastSequence @6 :UInt64;

    refused @7 :UInt64;
    # Appends that were malformed.
  }
}

interface LogControl extends(Log) {
  # What the supervisor holds.

  nameHolder @0 (holder :UInt64, name :Text);
  # The name that later records of this holder carry; empty: the holder is gone.
}
