@0x9a27f6c3d81b0e54;
# The log: what programs and services report, kept in bounded memory, the oldest dropped first.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".maxCount;
using import "tessera.capnp".oneWay;
using Kernel = import "kernel.capnp";

const fieldsMax :UInt32 = 8;        # Of one record.
const fieldsMaxBytes :UInt32 = 512; # All together: 4 for each, its name, and its value (8 for an integer).

enum LogLevel {
  # How urgent a record is, most urgent first.
  error @0;
  warning @1;
  info @2;
  debug @3;
}

enum LogKind {
  # What sort of thing a record reports.
  report @0;  # What its source had to say.
  crash @1;   # A program's end that was none of its own doing. The supervisor says so.
  limit @2;   # The log itself: it took no more of that source for a while, and how many records that were.
  denial @3;  # Somebody was not allowed something (`Denial`). The text is all of it as a sentence; of the fields, `who` is whom,
              # `attempted` and `object` what, `missing` what it lacks, `holders` who has that, and `line` the manifest's line.
}

struct LogField {
  # A value with a name.
  name @0 :Text;            # 1 to 23 printable characters, no spaces.
  union {
    integer @1 :Int64;
    text @2 :Text;
  }
}

struct LogRecord {
  # What was reported at one moment.
  sequence @0 :UInt64;  # From 1, in the order of arrival; never used twice while the service lives.
  timeNs @1 :UInt64;    # Since boot.
  level @2 :LogLevel;
  source @3 :Text;      # Who reported it: the name that the supervisor gave, or "holder-" and a number.
  text @4 :Text;        # One line, without its end.
  domain @5 :Text;      # The part of the source's work that it is about; may be empty.
  cause @6 :UInt64;     # What it was done for: the same in all records of one request; 0: not said. What the record itself does not
                        # say is that of the request that brought it.
  fields @7 :List(LogField);
  kind @8 :LogKind;
}

struct LogSource {
  # What one holder of the log has in it.
  name @0 :Text;
  records @1 :UInt64;   # That are kept.
  usedBytes @2 :UInt64;
  appended @3 :UInt64;  # Since the service knows of it,
  dropped @4 :UInt64;   # of them gone, to make room,
  limited @5 :UInt64;   # and besides not taken, because they were too many at once.
}

interface Log @0xd1a670c35e2b9401 {
  # Reports and reads records. Whose record it is says the capability it came through; nobody can report as
  # somebody else. Of one holder the log takes 64 records a second, and 256 at once; how many more there were it reports
  # itself. When its memory is full, whoever has most of it loses the oldest record.

  append @0 (level :LogLevel, text :Text $maxBytes(1024)) -> (sequence :UInt64) $oneWay;
  # Adds one record. May be sent without waiting for the answer; then nobody is told when it is refused. Overloaded: too many.

  query @1 (after :UInt64, limit :UInt32, level :LogLevel = debug, service :Text $maxBytes(23), last :Bool,
            domain :Text $maxBytes(15), cause :UInt64, fromNs :UInt64, toNs :UInt64 = 0xffffffffffffffff,
            contains :Text $maxBytes(64), field :Text $maxBytes(96), crashes :Bool, denials :Bool)
        -> (records :List(LogRecord), next :UInt64, more :Bool, dropped :UInt64) $repeatable;
  # Records with a sequence above `after`, at most `limit` of them (0: as many as fit), that pass every filter: at least as
  # urgent as `level`, of `service`, of `domain`, of `cause`, from `fromNs` to `toNs`, with a text that `contains` this, with a
  # `field` NAME or NAME=VALUE, `crashes` or `denials` only. What is empty or 0 lets all pass. With `last` those are the youngest that
  # match, else the oldest. Ask again with `next` while there is `more`. `dropped` is how many records between `after` and
  # `next`, of whatever kind, are gone. `next` below `after`: the journal was lost, and counts from 1.

  stats @2 () -> (stats :Stats) $repeatable;
  # How much is kept and how much was dropped.

  appendRecord @3 (level :LogLevel, text :Text $maxBytes(1024), domain :Text $maxBytes(15), cause :UInt64,
                   fields :List(LogField) $maxCount(.fieldsMax), kind :LogKind) -> (sequence :UInt64) $oneWay;
  # append with all that a record can say. Control characters in the domain or a field's name are refused. A crash only the
  # supervisor can report, and a limit only the log itself.

  follow @4 (notification :Kernel.Notification, bits :UInt64) $repeatable;
  # From now on the notification (SIGNAL) gets these bits when there is a new record, and then again when there is one after the
  # follower's next query. Each holder has one follower; null ends it. Overloaded: there are as many as there can be.

  sources @5 (first :UInt32) -> (sources :List(LogSource), total :UInt32) $repeatable;
  # Who reported how much: from number `first` on, as many as fit.

  struct Stats {
    # Of what is kept, and of what came and went.
    records @0 :UInt64;
    usedBytes @1 :UInt64;
    capacityBytes @2 :UInt64;
    appended @3 :UInt64;       # Since the service started.
    dropped @4 :UInt64;        # To make room.
    firstSequence @5 :UInt64;
    lastSequence @6 :UInt64;
    refused @7 :UInt64;        # Appends that were malformed.
    limited @8 :UInt64;        # Appends that were too many at once.
    followers @9 :UInt32;
  }
}

interface LogControl @0xf07bd2915c8e4a36 extends(Log) {
  # For the supervisor, whose records are not counted against a rate.

  appendFor @0 (holder :UInt64, level :LogLevel, text :Text $maxBytes(1024)) -> (sequence :UInt64) $oneWay;
  # Adds a record about somebody else, filed under their name.

  appendRecordFor @1 (holder :UInt64, level :LogLevel, text :Text $maxBytes(1024), domain :Text $maxBytes(15), cause :UInt64,
                      fields :List(LogField) $maxCount(.fieldsMax), kind :LogKind) -> (sequence :UInt64) $oneWay;
  # The same with all that a record can say. A limit only the log itself can report.
}
