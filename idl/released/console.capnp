@0xe81d5f3c07a6b294;
# The console: the one terminal of the machine, shared.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxBytes;
using import "tessera.capnp".maxCount;
using Kernel = import "kernel.capnp";

interface Console @0xb84f19e2c07d6a02 {
  # Writing, for everybody who was given it.

  write @0 (bytes :Data $maxBytes(4000)) -> (taken :UInt32) $repeatable;
  # Prints; "\n" ends a line. Fewer bytes are taken when the line is slow, none when it was full for a while: offer
  # the rest again. Overloaded: too many wait already. Repeated when the console is replaced, so it may be printed twice.

  stats @1 () -> (stats :Stats) $repeatable;
  # What went through, and what got lost.

  struct Stats {
    # Since the console was started.
    columns @0 :UInt32;
    rows @1 :UInt32;
    inputBytes @2 :UInt64;
    outputBytes @3 :UInt64;
    inputOverruns @4 :UInt64;   # Bytes that the device or the type-ahead had no room for.
    lineErrors @5 :UInt64;      # Framing and parity.
    interrupts @6 :UInt64;
    waitingWriters @7 :UInt64;  # The most at once.
  }
}

interface ConsoleControl @0xaf36c1708e5d92b4 extends(Console) {
  # Reading and the screen, for the program that has the person's attention: the shell.

  readLine @0 (prompt :Text $maxBytes(128), resume :Bool, secret :Bool)
           -> (event :Event, line :Text, isNew :Bool);
  # Shows the prompt and waits until there is something to say. A newer read takes the place of an older one, which ends
  # as interrupted. `secret`: what is typed is neither shown nor kept, as for a password. `resume`: go on with the line that a completion was asked for. `isNew`: the console was
  # replaced, knows neither history nor whom to interrupt, and shows nothing: tell it and ask again.

  offer @1 (replaceBytes :UInt32, candidates :List(Text) $maxCount(128));
  # Answers `complete`: what may stand in the place of that many bytes before the cursor. One is put in. Of several
  # what they share is put in, or they are listed.

  setInterrupt @2 (notification :Kernel.Notification, bits :UInt64) $repeatable;
  # Who is told, by these bits, of a Ctrl-C while no line is read. Null: nobody.

  clear @3 () $repeatable;
  # Empties the screen.

  addHistory @4 (line :Text $maxBytes(1024)) $repeatable;
  # A line that cursor-up brings back.

  enum Event {
    # Why a read of a line ended.
    line @0;         # Enter.
    complete @1;     # Tab: `line` is the text up to the cursor.
    interrupted @2;  # Ctrl-C.
    end @3;          # Ctrl-D on an empty line.
  }
}
