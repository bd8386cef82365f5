@0xa3d94f17c0b8625e;
# Programs that are run on demand: which there are, what runs, how it ended.

using import "tessera.capnp".repeatable;
using import "tessera.capnp".maxCount;
using Supervisor = import "supervisor.capnp";
using Kernel = import "kernel.capnp";

const argumentsMax :UInt32 = 32;         # Of a program that is run.
const argumentsMaxBytes :UInt32 = 2048;  # All together, each with a byte for its end.
const handedMax :UInt32 = 2;             # Capabilities that its caller hands it.

struct Program {
  # What can be run as a job.
  name @0 :Text;
  memoryLimitBytes @1 :UInt64;
}

struct Job {
  # A program that was run.
  name @0 :Text;            # Of the program.
  id @1 :UInt32;            # Never used twice until shutdown, also not by a service.
  state @2 :Supervisor.RunState; # Running or ended.
  foreground @3 :Bool;
  exitKind @4 :UInt32;      # As in a process's exit record.
  exitCode @5 :UInt64;
  startedNs @6 :UInt64;
  endedNs @7 :UInt64;
  processKoid @8 :UInt64;
  memory @9 :Supervisor.Memory;
  reason @10 :Text;         # Why it ended, in words; empty while it runs.
}

struct Crash {
  # A service or a job that ended in a fault, or found itself in a state that cannot be.
  number @0 :UInt32;        # From 1.
  name @1 :Text;            # Of the service, or of the job.
  reason @2 :Text;
  function @3 :Text;        # The innermost that is known, and how far into it.
  timeNs @4 :UInt64;
}

struct Handed {
  # A capability that the caller hands to the program, in place of what the manifest grants it under this name, if anything.
  name @0 :Text;
  capability @1 :Capability;
}

interface Exec @0xe7c1308b5f92d64a {
  # What can be seen. Lists come in pieces: as many entries as fit from number `first` on, and how many there are. A name
  # that can be nobody's is one that is not found.

  programs @0 (first :UInt32) -> (programs :List(Program), total :UInt32) $repeatable;
  # What can be run.

  jobs @1 (first :UInt32) -> (jobs :List(Job), total :UInt32) $repeatable;
  # By number; those that ended are kept for a while.

  job @2 (id :UInt32) -> (found :Bool, job :Job) $repeatable;
  # One of them.

  capabilities @3 (name :Text, first :UInt32)
               -> (found :Bool, capabilities :List(Supervisor.GrantedCapability), total :UInt32, processKoid :UInt64) $repeatable;
  # What a job (NAME.ID or ID) was given.

  crashes @4 (first :UInt32) -> (crashes :List(Crash), total :UInt32) $repeatable;
  # The last ones, the youngest first. They are kept until others take their places, also when execd ends.

  crash @5 (number :UInt32, offset :UInt32) -> (found :Bool, text :Text, total :UInt32) $repeatable;
  # The whole record of one, a minidump, from this byte of its text on, as much as fits. `total` is how long it is.
}

interface ExecControl @0x96b0d5e2a7f41c38 extends(Exec) {
  # What can be done.

  run @0 (program :Text, arguments :List(Text) $maxCount(.argumentsMax), foreground :Bool, watcher :Kernel.Notification, bits :UInt64,
          memoryKib :UInt32, handed :List(Handed) $maxCount(.handedMax))
      -> (outcome :Outcome, id :UInt32, processKoid :UInt64, why :Text);
  # Starts a program; `arguments` are those behind its name. When it ends the watcher, a notification with SIGNAL or null,
  # gets the bits. In the foreground it runs in the interactive band. It may use `memoryKib` of memory, if that is not 0 and less
  # than what the manifest says. Of one that was not started `why` says in words what failed: the grant that could not be made, and
  # its line of the manifest, for instance. Denied: a capability that it was to be handed cannot be handed on.

  kill @1 (target :Text) -> (outcome :Outcome);
  # Ends a job, by name (NAME.ID) or number.

  revoke @2 (target :Text, handle :UInt32) -> (outcome :Outcome);
  # Takes a handle away from a job, and with it all that was derived from it, wherever that is now.

  watch @3 (id :UInt32, watcher :Kernel.Notification, bits :UInt64) -> (outcome :Outcome);
  # Who is told from now on when a job ends, in place of whom `run` named; null: nobody.

  enum Outcome {
    # What became of a request.
    done @0;
    notFound @1;    # No job or program is called so.
    badProgram @2;  # Its file is no good.
    busy @3;        # As many jobs as there can be are running.
    noMemory @4;    # Its account, or that of all jobs, could not pay for it.
    badState @5;    # It is not in a state in which this can be done.
    tooLong @6;     # The arguments are longer than a program can be given.
  }
}
