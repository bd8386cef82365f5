@0xe8c3a5f1907b2d46;
# A system: which services there are, which programs can be run, and exactly what each of them is granted.
#
# A system is a constant of this type that is called `system`, in a file of its own in system/:
#
#     const system :Manifest.System = (name = "tessera", services = [...], programs = [...]);
#
# Constants of other types may be parts of several systems. tools/manifest compiles it into the boot package, where
# lib/manifest finds it: the same checks are made at both ends. Names are a lower-case letter, then lower-case letters, digits,
# - and _, 23 at most. Memory is given in KiB and is whole pages of 4 KiB.

struct System {
  # All that one machine is to run.

  name @0 :Text;
  services @1 :List(Service);  # Started at boot, in this order, and supervised.
  programs @2 :List(Program);  # What can be run on demand.
  include @3 :List(Text);      # Programs that the boot package holds besides, for whoever is granted it.

  rules @5 :List(Rule);        # What is allowed or denied besides what units are granted and resolve (services/policyd).
  operations @7 :List(Operation); # What people may have done, and in which role (services/policyd). What is not named nobody may.
  policyVersion @6 :UInt32 = 1; # Of all that says who may use what; whoever changes that counts it up.

  sources @4 :List(Text);
  # Of the compiler, like each `source` and `line` below: the files that a constant was written in. `source` is an index.
}

struct Service {
  # A program that always runs. It is a process of its own, with an account of its own.

  name @0 :Text;
  program @1 :Text;          # Its file in the boot package; empty: called as the service is.
  memoryKib @2 :UInt32;      # Limit of its account; required.
  stackKib @3 :UInt32;       # Of its first thread; 0: 64.
  band @4 :Band = normal;
  restart @5 :Restart = always;
  essential @6 :Bool;        # When it is given up, the system stops.
  args @7 :List(Argument);   # Behind its name.
  provides @8 :List(Text);   # It receives from an endpoint of each name, made for the interface of that name.
  grants @9 :List(Grant);    # Beside those the process holds itself, its account, and nothing else.
  resolve @10 :List(Resolve); # What the registry, which it must be granted, resolves for it.
  line @11 :UInt32;
  source @12 :UInt16;
  mints @13 :Bool;           # It hands out capabilities of its own, each for one thing: a key, a session.
  modes @14 :List(Mode);     # In which modes of the system it runs; empty: in all.
  readyMs @15 :UInt32 = 5000;   # One that is not ready by then is started again. 0: it does not say (it has no service_run).
  probeMs @16 :UInt32 = 10000;  # How often it is asked whether it is well; 0: never.
  answerMs @17 :UInt32 = 2000;  # One that has not answered by then is started again.
  stopMs @18 :UInt32 = 500;     # So long it may take to end in order, when the system goes down.
  budget @19 :UInt16 = 12;   # Failures in a row, without a good while between them, after which more is done than to start it again.
  secret @20 :Bool;          # Of its memory and registers nothing is kept when it crashes, only which functions it was in.
}

struct Program {
  # A template for what is run on demand. The fields are those of a service.

  name @0 :Text;
  program @1 :Text;
  memoryKib @2 :UInt32;
  stackKib @3 :UInt32;
  band @4 :Band = normal;
  args @5 :List(Argument);   # Those that it is run with follow.
  grants @6 :List(Grant);
  resolve @7 :List(Resolve);
  line @8 :UInt32;
  source @9 :UInt16;
}

struct Resolve {
  # A service that is found by its name when it is wanted. What comes of it can be taken back.

  name @0 :Text;             # That some service provides.
  control @1 :Bool;          # With what only some may call.
  share @2 :Bool;            # Copies may be made of it and given away. Without it, it may only be given away itself.
  line @3 :UInt32;
  source @4 :UInt16;
}

struct Rule {
  # Who may do what with what some service provides. What no grant, no `resolve` and no rule allows is denied, and what any rule
  # denies is, whatever allows it.

  subject @0 :Text;          # A service or program, or `*` for all.
  action @1 :Action;
  object @2 :Text;           # What some service provides, or `*` for everything.
  effect @3 :Effect;
  line @4 :UInt32;
  source @5 :UInt16;
}

enum Action {
  # What can be done with a service.

  use @0;                    # Hold a capability to it, and call what everybody may.
  control @1;                # Call what only some may.
  share @2;                  # Make copies of the capability, and give them away.
}

struct Operation {
  # Something that a program does only for people who may have it done.

  name @0 :Text;             # By which programs ask: `end`, `power`.
  role @1 :Role = administrator; # The least that a person must be.
  withoutLogin @2 :Bool;     # Also for whoever is there while nobody can log in: identityd does not answer, or has lost the accounts.
  line @3 :UInt32;
  source @4 :UInt16;
}

enum Role {
  # What a person may do, the least first: those of idl/identity.capnp.

  guest @0;
  user @1;
  administrator @2;
}

enum Effect {
  # What a rule does.

  deny @0;
  allow @1;
}

enum Mode {
  # How much of the system runs: `mode=safe` on the boot command line.

  full @0;
  reduced @1;                # Without what only makes it comfortable.
  safe @2;                   # What it takes to look at a system that does not come up, and to mend it.
  recovery @3;               # As little as can be.
}

enum Band {
  # How urgent its threads are at most.

  realtime @0;
  interactive @1;
  normal @2;
  background @3;
}

enum Restart {
  # When a service that has ended is started again.

  never @0;
  onFailure @1;              # Unless it ended by itself, with code 0.
  always @2;
}

struct Argument {
  # One, or one that comes from outside.

  union {
    text @0 :Text;
    bootCommandLine @1 :Void; # That of the machine, as one argument; none when there is none.
  }
}

struct Grant {
  # One capability, and the name by which the program finds it.

  name @0 :Text;
  control @1 :Bool;          # Of a service or the supervisor: with what only some may call, such as LogControl.
  line @2 :UInt32;
  source @3 :UInt16;
  weak @24 :Bool;            # Of a service: it can do without. It does not wait for that one to be ready, nor is it restarted with it.
  unshared @27 :Bool;        # It can only be used, not handed on: without the rights COPY and TRANSFER. Not of services, `programs` and `crashes`.

  union {
    nothing @4 :Void;        # Refused: what is granted must be said.
    service @5 :Text;        # To call what a service provides.
    supervisor @6 :Void;     # To call init.
    inspector @7 :Void;      # To see every process and handle.
    trace @8 :Void;
    notification @9 :Void;   # A new one.
    endpoint @10 :Void;      # A new one, with both sides.
    ioport :group {          # A range of x86 ports, for nobody else.
      base @11 :UInt32;
      count @12 :UInt32;
    }
    interrupt @13 :UInt32;   # A line, for nobody else.
    serial :group {          # A serial port of whatever machine it is, for nobody else.
      port @14 :SerialPort;
      part @15 :SerialPart;
    }
    resource @16 :Resource;
    accountKib @17 :UInt64;  # A new account with this limit.
    bootPackage @18 :Void;   # To read, and to start programs from.
    file @19 :Text;          # A file of the boot package, to read: a VMO, zero behind the file's end.
    roster @20 :Void;        # To read which holder is called what: a VMO (lib/roster).
    manifest @21 :Void;      # This manifest as it was compiled, to read: a VMO, zero behind its end.
    programs @22 :Void;      # To run the programs of this manifest: all that they are granted. The grant is called `programs`.
    realTimeClock @23 :Void; # That of whatever machine it is, for nobody else; nothing where there is none that is known.
    keepKib @25 :UInt64;     # Memory that outlives the process: a VMO, the same for each process of the service (lib/keep).
    crashes @26 :Void;       # To read what is left of services that crashed: a VMO (lib/crash/remains.h), and a notification of news.
                             # The grant is called `crashes`.
  }
}

enum SerialPort {
  # Which one.

  console @0;
  spare @1;                  # The other one; that of the console where there is none.
}

enum SerialPart {
  # A driver needs both.

  registers @0;              # Ports, or a VMO of device memory.
  interrupt @1;
}

enum Resource {
  # What may be done to the machine.

  power @0;                  # Switch it off.
  mint @1;                   # Make capabilities to any device.
  all @2;
}
