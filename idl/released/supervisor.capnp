@0x8d60e94b2f7c15a3;
# The supervisor: what runs, what it holds, start and stop.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxCount;

const argumentsMax :UInt32 = 32;         # Of a program that is run.
const argumentsMaxBytes :UInt32 = 2048;  # All together, each with a byte for its end.

enum RunState {
  # How far a service or job is.
  stopped @0;   # Not started yet, or stopped for good.
  starting @1;
  running @2;
  backoff @3;   # Ended; will be started again after a pause.
  failed @4;    # Ended too often, or cannot be started.
  ended @5;     # A job that is over, or a service that is not to be started again.
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

struct Service {
  # A service as a list shows it.
  name @0 :Text;
  id @1 :UInt32;            # The same until shutdown. Jobs and services share the numbers.
  state @2 :RunState;
  restarts @3 :UInt32;
  band @4 :UInt32;          # Scheduling band, 0 the most urgent.
  startedNs @5 :UInt64;     # 0 when it is not running, like processKoid.
  processKoid @6 :UInt64;
  memory @7 :Memory;
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

struct Program {
  # What can be run as a job.
  name @0 :Text;
  memoryLimitBytes @1 :UInt64;
}

struct Job {
  # A program that was run.
  name @0 :Text;            # Of the program.
  id @1 :UInt32;
  state @2 :RunState;       # Running, ended, or failed: it could not be started.
  foreground @3 :Bool;
  exitKind @4 :UInt32;      # As in a process's exit record.
  exitCode @5 :UInt64;
  startedNs @6 :UInt64;
  endedNs @7 :UInt64;
  processKoid @8 :UInt64;
  memory @9 :Memory;
  reason @10 :Text;         # Why it ended, in words; empty while it runs.
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
  # What a service, or a job (as NAME.ID or ID), was given.

  programs @3 (first :UInt32) -> (programs :List(Program), total :UInt32) $repeatable;
  # What can be run.

  jobs @4 (first :UInt32) -> (jobs :List(Job), total :UInt32) $repeatable;
  # By number; those that ended are kept for a while.

  job @5 (id :UInt32) -> (found :Bool, job :Job) $repeatable;
  # One of them.
}

interface SupervisorControl @0xbb74190fd6e3a258 extends(Supervisor) {
  # What can be done.

  run @0 (program :Text, arguments :List(Text) $maxCount(.argumentsMax), foreground :Bool,
          watcher :Capability, bits :UInt64) -> (outcome :Outcome, id :UInt32, processKoid :UInt64);
  # Starts a program; `arguments` are those behind its name. When it ends the watcher, a notification with SIGNAL or null,
  # gets the bits. In the foreground it runs in the interactive band.

  kill @1 (target :Text) -> (outcome :Outcome);
  # Ends a service, or a job, by name or number. A service that is always restarted comes back.

  restart @2 (name :Text) -> (outcome :Outcome) $repeatable;
  # Ends a service and starts it at once, its failures forgotten.

  power @3 (action :Power);
  # Stops everything in order, then the machine. The answer comes before that begins.

  enum Outcome {
    # What became of a request.
    done @0;
    notFound @1;    # No service, job or program is called so.
    badProgram @2;  # Its file is no good.
    busy @3;        # As many jobs as there can be are running.
    noMemory @4;    # Its account, or the supervisor's, could not pay for it.
    badState @5;    # It is not in a state in which this can be done.
    tooLong @6;     # The arguments are longer than a program can be given.
  }

  enum Power {
    # What is to be done with the machine.
    off @0;
    reboot @1;
  }
}
