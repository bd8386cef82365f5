@0xe1d86c0f3a97b524;
# The time: what the clocks say, how far that may be off, zones, and alarms.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using Kernel = import "kernel.capnp";

const zoneMaxBytes :UInt32 = 63;  # Of the name of a zone.

struct ZoneFiles {
  # The zones of a boot package (ports/tzdata), by name.
  release @0 :Text;            # Of the data: "2025b".
  names @1 :List(ZoneName);    # In the order of their bytes.
  files @2 :List(Data);        # TZif.
}

struct ZoneName {
    # A zone, whose file may be that of others, too.
    name @0 :Text;
    file @1 :UInt16;
}

struct Civil {
  # A date and a time of day.
  year @0 :Int32;
  month @1 :UInt8;          # From 1, as the day.
  day @2 :UInt8;
  hour @3 :UInt8;
  minute @4 :UInt8;
  second @5 :UInt8;
}

enum Source {
  # Where the wall clock's time is from.
  unknown @0;               # Nowhere: there is none.
  rtc @1;                   # The machine's real-time clock.
  person @2;                # Somebody set it.
  network @3;
}

struct Alarm {
  # One that is set.
  id @0 :UInt32;
  wall @1 :Bool;            # On the wall clock; else on the monotonic one.
  nextNs @2 :Int64;         # When it goes off, on its clock.
  periodNs @3 :UInt64;      # 0: once.
  fired @4 :UInt64;
  missed @5 :UInt64;        # Periods that were jumped over.
  holder @6 :Text;          # Whose it is.
}

interface Time @0xa9b0d4e7625c8f13 {
  # Reads clocks and sets alarms. The wall clock is in nanoseconds since 1970-01-01 00:00 UTC, without leap seconds. Zones go by
  # their names, such as Europe/Berlin; none is that of the setting `time.zone`.

  now @0 () -> (monotonicNs :UInt64, wallNs :Int64, uncertaintyNs :UInt64, source :Source) $repeatable;
  # What the clocks say. Without a source there is no wall clock time. It is off by at most the uncertainty, as far as its source
  # is believed.

  status @1 () -> (status :Status) $repeatable;
  # How the wall clock is doing.

  local @2 (zone :Text $maxBytes(.zoneMaxBytes), seconds :Int64)
        -> (civil :Civil, weekday :UInt8, offset :Int32, daylight :Bool, abbreviation :Text, zone :Text) $repeatable;
  # What clocks in the zone say so many seconds after 1970-01-01 00:00 UTC. The weekday is from 0, Sunday; the offset in seconds
  # east of Greenwich; `zone` is the zone's own name.

  instants @3 (zone :Text $maxBytes(.zoneMaxBytes), civil :Civil) -> (match :Match, first :Int64, second :Int64) $repeatable;
  # When clocks in the zone say this. For what they say twice the earlier moment and the later one; for what they never say, because
  # they are put forward over it, the moment had they not been, and had they been before.

  zones @4 (prefix :Text $maxBytes(.zoneMaxBytes), first :UInt32) -> (names :List(Text), total :UInt32, release :Text) $repeatable;
  # Names of zones that begin so, as many as fit from number `first` on, and the release of the data.

  setAlarm @5 (wall :Bool, atNs :Int64, periodNs :UInt64, watcher :Kernel.Notification, bits :UInt64) -> (id :UInt32);
  # From now on the watcher, a notification with SIGNAL, gets the bits at that moment of the clock, and with a period (10 ms or more)
  # again and again. On the wall clock it goes by what that says, whoever sets it: set forward past the moment, the alarm
  # goes off at once, and once; set back, it waits for the moment to come again. It is forgotten with its watcher.

  cancelAlarm @6 (id :UInt32) -> (found :Bool) $repeatable;
  # One of the caller's own; with control, any.

  alarms @7 (first :UInt32) -> (alarms :List(Alarm), total :UInt32) $repeatable;
  # The caller's own; with control, all.

  enum Match {
    # How often a local time comes.
    once @0;
    twice @1;
    never @2;
  }

  struct Status {
    # Of the wall clock, and of what it is read from.
    source @0 :Source;
    setNs @1 :UInt64;         # When it was set last, on the monotonic clock;
    setBy @2 :Text;           # by whom; empty: by the service itself.
    uncertaintyNs @3 :UInt64;
    driftPpm @4 :UInt32;      # How fast that grows.
    slewNs @5 :Int64;         # What is still to be made up by running faster or slower.
    chip @6 :Text;            # Which real-time clock the machine has: "cmos", "goldfish"; empty: none that is known.
    chipProblem @7 :Text;     # Why it could not be read; empty: it could.
    zone @8 :Text;            # The zone that holds where none is named,
    zoneProblem @9 :Text;     # and why it is not that of the setting; empty: it is.
    zones @10 :UInt32;        # How many there are.
  }
}

interface TimeControl @0xd5f3280b6e14ca97 extends(Time) {
  # For who sets the clock.

  set @0 (wallNs :Int64, uncertaintyNs :UInt64, source :Source, slew :Bool) -> (outcome :Outcome);
  # Sets the wall clock: at once, or with `slew` by letting it run 0.05 % faster or slower until it is right, for at most an hour of
  # difference. It can be set to 1970 up to the year 2200. The monotonic clock never changes.

  readChip @1 () -> (outcome :Outcome) $repeatable;
  # Sets it by the machine's real-time clock.

  enum Outcome {
    # What became of it.
    done @0;
    outOfRange @1;   # No such time can be set.
    tooFar @2;       # It is off by more than can be slewed, or not known at all.
    noSource @3;     # `unknown` is no source, and there may be no chip that can be read.
  }
}
