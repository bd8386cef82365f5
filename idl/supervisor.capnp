@0x8d60e94b2f7c15a3;
# The supervisor: what runs, what it holds, start and stop.

using import "tessera.capnp".maxCount;
using import "tessera.capnp".repeatable;
using Kernel = import "kernel.capnp";

enum RunState {
  # How far a service or a job is.
  stopped @0;   # Not started yet, or stopped for good.
  starting @1;
  running @2;
  backoff @3;   # Ended; will be started again after a pause.
  failed @4;    # Ended too often, or cannot be started.
  ended @5;     # A job that is over, or a service that is not to be started again.
}

enum Mode {
  # How much of the system runs. Which services those are the manifest says.
  full @0;
  reduced @1;   # Without what only makes it comfortable.
  safe @2;      # What it takes to look at a system that does not come up, and to mend it.
  recovery @3;  # As little as can be: nobody has to log in.
}

enum Restart {
  # When a service that ended is started again.
  never @0;
  onFailure @1;
  always @2;
}

struct Memory {
  # What an account pays for, as it is and as it may become.
  usedBytes @0 :UInt64;
  limitBytes @1 :UInt64;
  peakBytes @2 :UInt64;
}

struct Work {
  # What a service has done.
  requests @0 :UInt64;      # That it served.
  refused @1 :UInt64;       # Of those.
  denied @2 :UInt64;        # Of those, because whoever made them may not.
}

struct Service {
  # A service as a list shows it.
  name @0 :Text;
  id @1 :UInt32;            # Its holder's number, the same until shutdown. Jobs have others.
  state @2 :RunState;
  restarts @3 :UInt32;
  band @4 :UInt32;          # Scheduling band, 0 the most urgent.
  startedNs @5 :UInt64;     # 0 when it is not running, like processKoid.
  processKoid @6 :UInt64;
  memory @7 :Memory;
  tookNs @8 :UInt64;        # From its start until it was ready; 0 while it is not.
  without @9 :Text;         # What it needs and has to run without, since that was given up; empty: nothing.
  work @10 :Work;           # Of this process, as it said when it was asked last whether it is well (`probeMs`).
  leftOut @11 :Bool;        # It does not run in the mode that the system is in.
}

struct ServiceDetail {
  # A service with all that is known of it.
  service @0 :Service;
  program @1 :Text;
  arguments @2 :List(Text); # As many as fit.
  restart @3 :Restart;
  manifestLine @4 :UInt32;  # Where it is described.
  endedNs @5 :UInt64;       # When it last ended; 0: never.
  lastEnd @6 :Text;         # Why, in words.
  provides @7 :List(Text);  # Names of interfaces.
  argumentsLeft @8 :UInt32; # How many arguments did not fit.
  manifestFile @9 :Text;    # That manifestLine is a line of.
  replacements @10 :UInt32; # How often a process of it took the place of another that served.
  refusedInPlace @11 :UInt64; # Calls that the supervisor refused, because nobody would have answered them.
  droppedInPlace @12 :UInt64; # Messages that want no answer, and that it dropped for that reason.
  former @13 :List(UInt64); # Koids of its processes that have ended, the last 32: what they handed on may be there still.
}

enum ReplaceStep {
  # How far one process of a service is in taking the place of another.
  none @0;
  starting @1;   # The successor sets itself up, while the predecessor serves.
  saving @2;     # The predecessor finishes what it has begun, and hands its state over. Who calls waits from now on ...
  beginning @3;  # The successor begins with that state.
  draining @4;   # It serves; ... until now. The predecessor finishes what it may not leave undone.
  done @5;       # The predecessor has ended.
  undoing @6;    # It failed: the successor is ended, the predecessor goes on.
  failed @7;     # It failed, and the service is as it was, or is being started again where both processes have ended.
}

struct Replacement {
  # The last time that a process of a service took, or was to take, the place of another. Times are since it began, and 0 when it
  # did not get so far.
  service @0 :Text;
  program @1 :Text;      # Of the successor.
  step @2 :ReplaceStep;
  reason @3 :Text;       # Why it failed; empty: it did not.
  stateBytes @4 :UInt64; # That were handed over in a VMO. What is kept for the service (`keepKib`) is not counted: it stays where it is.
  readyNs @5 :UInt64;    # The successor was set up, and the predecessor was asked for its state.
  savedNs @6 :UInt64;    # It had handed it over.
  begunNs @7 :UInt64;    # The successor served.
  overNs @8 :UInt64;     # It was over: done, or failed.
}

struct GrantedCapability {
  # One that a process was given when it was started.
  handle @0 :UInt32;        # In that process's table.
  manifestLine @1 :UInt32;  # That granted it; 0: every process is given it.
  interfaceId @2 :UInt64;
  name @3 :Text;
  source @4 :Text;          # What was granted, in the manifest's words.
  manifestFile @5 :Text;    # That manifestLine is a line of.
}

struct Withheld {
  # What the policy denies, whatever the manifest grants. Numbers stand for names: whoever reads and writes them has the manifest.
  subject @0 :UInt16;       # A service or program: its place in the manifest, services first. 0xffff: all.
  object @1 :UInt16;        # 0: the supervisor; n: the n-th that services provide, in the manifest's order. 0xffff: everything.
  actions @2 :UInt8;        # Bit n: `Policy.Action` n.
}

interface Supervisor @0xc62b0f95a8d41704 {
  # What can be seen. Lists come in pieces: as many entries as fit from number `first` on, and how many there are. A name
  # that can be nobody's is one that is not found.

  services @0 (first :UInt32) -> (services :List(Service), total :UInt32) $repeatable;
  # In the manifest's order.

  service @1 (name :Text) -> (found :Bool, detail :ServiceDetail) $repeatable;
  # All about one.

  capabilities @2 (name :Text, first :UInt32)
               -> (found :Bool, capabilities :List(GrantedCapability), total :UInt32, processKoid :UInt64) $repeatable;
  # What a service was given.

  mode @3 () -> (mode :Mode, reason :Text) $repeatable;
  # How much of the system runs, and why it is not all; empty when it is.

  replacement @4 () -> (replacement :Replacement) $repeatable;
  # The last `replace`, under way or over; one without a service when there was none.

  withhold @5 (rules :List(Withheld) $maxCount(128)) $repeatable;
  # All that is not to be granted from now on to what is started, in place of what was said before: services that the supervisor starts,
  # and jobs (`withheld`). What already runs keeps what it has. Only who provides `policy` may say so, and that service itself is always
  # granted what the manifest says: it would decide nothing else. It holds while nobody provides `policy`, too.

  withheld @6 (name :Text) -> (actions :List(UInt8)) $repeatable;
  # Of each grant of a service or program, in the manifest's order, what `withhold` said that is not to be granted: bit n is
  # `Policy.Action` n. Empty: all is granted.
}

interface SupervisorControl @0xbb74190fd6e3a258 extends(Supervisor) {
  # What can be done.

  kill @0 (target :Text) -> (outcome :Outcome);
  # Ends a service, by name or number. One that is always restarted comes back.

  restart @1 (name :Text) -> (outcome :Outcome) $repeatable;
  # Ends a service and starts it at once, its failures forgotten. One that the mode of the system leaves out stays down.

  power @2 (action :Power);
  # Stops everything in order, then the machine. The answer comes before that begins.

  enlist @3 (program :Text) -> (outcome :Outcome, id :UInt32, withheld :Bool);
  # A number for a job of this program of the manifest: its holder's number, which no service and no other job has until
  # shutdown. The log then calls it NAME.ID, and the registry resolves for it what the manifest says. It is the caller's until
  # `discharge`, or the caller's end. With `withheld` it is not to be granted all that the manifest says (Supervisor.withheld).

  discharge @4 (id :UInt32) $repeatable;
  # The job is over. A number that is not the caller's is left alone.

  revoke @5 (name :Text, handle :UInt32) -> (outcome :Outcome);
  # Takes a handle away from a service, and with it all that was derived from it, wherever that is now. What the
  # supervisor itself holds is not to be taken: it is nobody's service.

  replace @6 (name :Text, program :Text, loseState :Bool, watcher :Kernel.Notification, bits :UInt64) -> (outcome :Outcome, reason :Text);
  # Has another process of a service take the place of the one that serves, with its state, while clients call: nothing of what
  # they ask is lost, and they wait for a moment. It is run from this program of the boot package, from then on also when it is started
  # again; from the one that it has when that is empty. What its predecessor does not hand over is lost only with `loseState`; without, nothing is
  # done then. The answer says that it has begun, or why it cannot (`badState`, `busy`: one at a time); `replacement` says what
  # becomes of it, and the watcher, a notification with SIGNAL or null, gets the bits at each step. If the successor
  # fails in any way before it serves, the predecessor goes on.

  enum Outcome {
    # What became of a request.
    done @0;
    notFound @1;  # No service or program is called so.
    badState @2;  # It is not in a state in which this can be done.
    busy @3;      # There are as many jobs as there can be.
    leftOut @4;   # It does not run in the mode that the system is in.
  }

  enum Power {
    # What is to be done with the machine.
    off @0;
    reboot @1;
  }
}
