@0x9a27f6c3d81b0e54;
# The log: what programs and services report, kept in bounded memory, the oldest dropped first.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".oneWay;

enum LogLevel {
  # How urgent a record is, most urgent first.
  error @0;
  warning @1;
  info @2;
  debug @3;
}

struct LogRecord {
  # What was reported at one moment.
  sequence @0 :UInt64;  # From 1, in the order of arrival; never used twice while the service lives.
  timeNs @1 :UInt64;    # Since boot.
  level @2 :LogLevel;
  source @3 :Text;      # Who reported it: its name in the roster, or "holder-" and a number.
  text @4 :Text;        # One line, without its end.
}

interface Log @0xd1a670c35e2b9401 {
  # Reports and reads records. Whose record it is says the capability it came through; nobody can report as
  # somebody else.

  append @0 (level :LogLevel, text :Text $maxBytes(1024)) -> (sequence :UInt64) $oneWay;
  # Adds one record. May be sent without waiting for the answer; then nobody is told when it is refused.

  query @1 (after :UInt64, limit :UInt32, level :LogLevel = debug, service :Text, last :Bool)
        -> (records :List(LogRecord), next :UInt64, more :Bool, dropped :UInt64) $repeatable;
  # Records with a sequence above `after`, at most `limit` of them (0: as many as fit), at least as urgent as `level`,
  # of `service` or, when that is empty, of all. With `last` those are the youngest that match, else the oldest.
  # Ask again with `next` while there is `more`. `dropped` is how many between `after` and the oldest one kept are gone.

  stats @2 () -> (stats :Stats) $repeatable;
  # How much is kept and how much was dropped.

  struct Stats {
    # Of what is kept, and of what came and went.
    records @0 :UInt64;
    usedBytes @1 :UInt64;
    capacityBytes @2 :UInt64;
    appended @3 :UInt64;       # Since the service started.
    dropped @4 :UInt64;        # The oldest ones, to make room.
    firstSequence @5 :UInt64;
    lastSequence @6 :UInt64;
    refused @7 :UInt64;        # Appends that were malformed.
  }
}

interface LogControl @0xf07bd2915c8e4a36 extends(Log) {
  # For the supervisor.

  appendFor @0 (holder :UInt64, level :LogLevel, text :Text $maxBytes(1024)) -> (sequence :UInt64) $oneWay;
  # Adds a record about somebody else, filed under their name.
}
