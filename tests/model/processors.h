// Two processors for the kernel core on the host, and a scheduler that decides at each point between them.
//
// A processor is a coroutine: it runs the current thread's program and the kernel until it comes to a point (points.h)
// at which the scheduler lets the other one go on, or until it has nothing to do. So what happens is a function of the
// choices alone, and all of them up to a number of pre-emptions can be tried: an exploration runs the same scene
// again and again, each time with other choices, until there are none left. Letting another go on because there is
// nothing to do, or because a lock is held, costs no pre-emption.
//
// Time passes only while a processor has nothing else to do: its local timer fires then, at any moment.
#pragma once

#include "kernel/object/account.h"
#include "kernel/object/process.h"
#include "kernel/object/thread.h"

constexpr uint32_t PROCESSORS = 2;

// The current thread of the processor that asks makes its next step in the program: one entry into the kernel
// (host_syscall and so on) as the last thing that is done. False when it has none now: it waits for interrupts.
typedef bool (*processors_program)(struct thread *thread);

// Fresh memory and idle processors. Once in a program, before anything else.
void processors_init(uint64_t memory_bytes, processors_program program);

// Lets both run until neither has anything to do, without pre-emption; no time passes.
void processors_settle(void);

// The same with choices, and time passes; see processors_explore.
void processors_race(void);

// The scene: made and settled, raced once (processors_race), judged and taken apart. False ends the exploration.
typedef bool (*processors_scene)(const void *argument);

struct exploration {
    uint64_t runs;       // of the scene
    uint32_t points;     // at which there was a choice, in the longest run
};

// Runs the scene with all choices of at most `preemptions` pre-emptions. False as soon as a run says so.
bool processors_explore(processors_scene scene, const void *argument, uint32_t preemptions, struct exploration *out);

// Runs it once with pre-emptions at these points, as a failure reported them.
bool processors_replay(processors_scene scene, const void *argument, const uint32_t *at, uint32_t count);

// Says on standard error after which pre-emptions something happened.
void processors_say_choices(void);

// Ends the processes and the root account, and checks that everything came back (host_finish for several processors).
bool processors_finish(struct account *root, struct process *const processes[], uint32_t count);
