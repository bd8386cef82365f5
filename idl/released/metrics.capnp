@0xc3d90f1b7a5e6248;
# Figures of the running system: what services count and measure, what the kernel knows, and how well all of it is.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using Kernel = import "kernel.capnp";

const wordsMax :UInt32 = 512;        # Of a client's page.
const histogramWords :UInt32 = 127;  # Sum, greatest value and its cause, and 124 buckets (lib/metrics/histogram.h).

enum Kind {
  # How a figure is to be read.
  counter @0;    # Only grows, from 0 when its program starts.
  gauge @1;      # Goes up and down, and may be negative.
  histogram @2;  # How often which values occurred.
}

enum Unit {
  # What is counted. Times are kept in nanoseconds, and shown as seconds.
  none @0;
  bytes @1;
  nanoseconds @2;
}

enum Health {
  # How well something is, the worse the higher.
  ok @0;
  degraded @1;  # It works, in part or not for certain.
  failed @2;
}

struct Sample {
  # One figure of one source.
  name @0 :Text;
  source @1 :Text;         # The service or process; empty: the system as a whole.
  kind @2 :Kind;
  unit @3 :Unit;
  value @4 :Int64;         # Of a histogram the sum.
  count @5 :UInt64;        # The rest is of histograms only: how many values,
  median @6 :UInt64;       # half of them are at most so big,
  p99 @7 :UInt64;          # 99 of 100 are,
  greatest @8 :UInt64;     # all are,
  cause @9 :UInt64;        # and what that was done for; 0: not said.
}

struct HealthChange {
  # Something became better or worse.
  timeNs @0 :UInt64;       # Since boot.
  source @1 :Text;         # Empty: the whole system.
  health @2 :Health;       # Since then.
  reason @3 :Text;
}

interface Metrics @0x9fe64a0b3c718d52 {
  # Figures to be read, and those of the caller's own. Those are in a page of memory that the caller writes and this service reads:
  # no call is made to change one. They are the caller's by the capability that it calls through.

  page @0 (wanted :Bool) -> (page :Kernel.Vmo);
  # A page for the caller, a VMO, all zero; what it had before is forgotten, and if none is wanted that is all. Overloaded: there are as
  # many clients as there can be.

  define @1 (name :Text $maxBytes(31), kind :Kind, unit :Unit, help :Text $maxBytes(95)) -> (word :UInt32);
  # A figure of the caller's, from this word of its page on; again gives the same word. A name is of lower-case letters, digits and _, and
  # means the same in every program: of another kind or unit it is refused. A gauge that is called `health` counts as one.

  samples @2 (after :UInt64, prefix :Text $maxBytes(31)) -> (samples :List(Sample), next :UInt64, more :Bool) $repeatable;
  # Figures with names that begin so, as many as fit; ask again with `next` while there is `more`. Begin with 0.

  prometheus @3 (after :UInt64) -> (text :Text, next :UInt64, more :Bool) $repeatable;
  # All figures in Prometheus's text format, whole lines, as many as fit. Asked as samples is.

  health @4 () -> (health :Health, reason :Text, sinceNs :UInt64) $repeatable;
  # How well the system is: as the worst of its services, and why.

  timeline @5 (after :UInt64) -> (changes :List(HealthChange), next :UInt64, more :Bool, dropped :UInt64) $repeatable;
  # What became better or worse, oldest first, as many as fit; the last 64 are kept. Asked as samples is.
}
