#include "tests/model/processors.h"

#include <sanitizer/asan_interface.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <ucontext.h>

#include "kernel/arch/host/cpu.h"
#include "kernel/arch/host/machine.h"
#include "kernel/arch/host/usage.h"
#include "kernel/arch/mmu.h"
#include "kernel/mm/kernel_map.h"
#include "kernel/percpu.h"
#include "kernel/sched/sched.h"
#include "tests/model/points.h"

constexpr size_t STACK_BYTES = 256 << 10;
constexpr uint32_t CHOICES_MAX = 4096, STEPS_MAX = 200'000;

// What the host port has once, and each processor has for itself: kept here while another one runs.
struct registers {
    struct percpu *cpu;
    struct host_user user;
    uint64_t tls_base, root, deadline_ns;
};

struct processor {
    struct registers registers;
    ucontext_t context;
    const void *stack;
    size_t stack_bytes;
    bool interrupted; // by another processor
    bool waits;       // for an interrupt
};

static struct processor processors[PROCESSORS], driver; // the driver is the test itself, which acts for processor 0
static struct processor *running = &driver;
static struct percpu second_percpu;
static char stacks[PROCESSORS][STACK_BYTES];
static processors_program program;

static bool time_passes;
static uint64_t switches; // between processors, ever

static struct {
    bool racing;
    uint32_t steps; // of this run
    uint32_t count; // choices made in it,
    uint32_t given; // of which so many were said beforehand
    bool preempt[CHOICES_MAX];
} choices;

// ---- switching -------------------------------------------------------------------------------------

static void switch_to(struct processor *to) {
    struct processor *from = running;
    switches++;
    if (++choices.steps == STEPS_MAX) {
        fprintf(stderr, "the processors wait for each other\n");
        abort();
    }
    from->registers = (struct registers){host_this_cpu, host_user, host_tls_base, host_active_root, host_deadline_ns};
    const struct registers *registers = &to->registers;
    host_this_cpu = registers->cpu;
    host_user = registers->user;
    host_tls_base = registers->tls_base;
    host_active_root = registers->root;
    host_deadline_ns = registers->deadline_ns;
    running = to;
    void *fake_stack;
    __sanitizer_start_switch_fiber(&fake_stack, to->stack, to->stack_bytes);
    swapcontext(&from->context, &to->context);
    __sanitizer_finish_switch_fiber(fake_stack, nullptr, nullptr);
}

static struct processor *the_other(void) {
    return running == &processors[0] ? &processors[1] : &processors[0];
}

// Its local timer is set, as the processor itself or its kept registers say.
static bool timer_is_set(const struct processor *processor) {
    return (processor == running ? host_deadline_ns : processor->registers.deadline_ns) != UINT64_MAX;
}

static bool can_run(const struct processor *processor) {
    return !processor->waits || processor->interrupted || (time_passes && timer_is_set(processor));
}

// Lets the other go on, or the test when neither has anything to do. Returns when there is an interrupt.
static void await_interrupt(void) {
    running->waits = true;
    while (!running->interrupted) {
        if (can_run(the_other())) {
            switch_to(the_other());
        } else if (!can_run(running)) {
            switch_to(&driver);
        }
        if (can_run(running)) {
            break;
        }
    }
    running->waits = false;
}

// Whether this place has come up so often since the other one has last done something that this one may only be trying
// again what the other has yet to make possible.
static bool tries_again(const void *place) {
    constexpr uint32_t PLACES = 1024, OFTEN = 20;
    static struct {
        uint64_t switches;
        uint32_t count;
    } seen[PLACES];
    const uint32_t i = (uint32_t)((uintptr_t)place ^ (uintptr_t)place >> 10) % PLACES;
    seen[i].count = seen[i].switches == switches ? seen[i].count + 1 : 0;
    seen[i].switches = switches;
    return seen[i].count >= OFTEN;
}

void processors_point(void) {
    if (!choices.racing || running == &driver || !can_run(the_other())) {
        return;
    }
    if (tries_again(__builtin_return_address(0))) {
        switch_to(the_other());
        return;
    }
    if (choices.count == CHOICES_MAX) {
        fprintf(stderr, "too many choices\n");
        abort();
    }
    const uint32_t at = choices.count++;
    if (at >= choices.given) {
        choices.preempt[at] = false;
    }
    if (choices.preempt[at]) {
        switch_to(the_other());
    }
}

static void on_relax(void) {
    if (running != &driver && can_run(the_other())) {
        switch_to(the_other());
    }
}

static void on_ipi(cpu_id_t cpu, [[maybe_unused]] enum ipi kind) {
    processors[cpu.v].interrupted = true;
}

// ---- a processor -----------------------------------------------------------------------------------

// The idle loop between two steps of the reaper, which may try the same again until the other has gone on.
static void on_poll(void) {
    if (running->interrupted) {
        running->interrupted = false;
        cpu_ipi();
    } else {
        on_relax();
    }
}

// The idle loop's sleep: returns when an interrupt has been handled.
static void on_idle(void) {
    await_interrupt();
    if (running->interrupted) {
        on_poll();
        return;
    }
    host_cycles = host_cycles < host_deadline_ns ? host_deadline_ns : host_cycles;
    host_deadline_ns = UINT64_MAX;
    cpu_quiet(this_cpu());
    sched_timer();
}

static void run_processor(void) {
    const void *bottom;
    size_t bytes;
    __sanitizer_finish_switch_fiber(nullptr, &bottom, &bytes);
    if (driver.stack == nullptr) { // which is where the first processor comes from
        driver.stack = bottom;
        driver.stack_bytes = bytes;
    }
    host_wake();
    for (;;) {
        processors_point();
        if (running->interrupted) {
            running->interrupted = false;
            host_ipi();
        } else if (!program(host_user.thread)) {
            await_interrupt();
            if (!running->interrupted) {
                (void)host_wait_for_timer();
            }
        }
    }
}

// Processors as after boot, and idle: nothing of an earlier run shows.
static void restart(void) {
    struct percpu *const percpu[PROCESSORS] = {&boot_percpu, &second_percpu};
    newest_grace = 0;
    host_cycles = 0;
    for (uint32_t i = 0; i < PROCESSORS; i++) {
        struct processor *processor = &processors[i];
        *percpu[i] = (struct percpu){.self = percpu[i], .id = {i}, .frames = percpu[i]->frames};
        host_this_cpu = percpu[i];
        sched_init(percpu[i]);
        cpu_add(percpu[i]);
        *processor = (struct processor){.stack = stacks[i], .stack_bytes = STACK_BYTES};
        processor->registers = (struct registers){.cpu = percpu[i], .root = mmu_kernel_root().v,
                                                  .deadline_ns = UINT64_MAX};
        __asan_unpoison_memory_region(stacks[i], STACK_BYTES); // whoever ran there has not returned
        getcontext(&processor->context);
        processor->context.uc_stack.ss_sp = stacks[i];
        processor->context.uc_stack.ss_size = STACK_BYTES;
        makecontext(&processor->context, run_processor, 0);
    }
    host_this_cpu = &boot_percpu;
    processors_settle();
}

void processors_init(uint64_t memory_bytes, processors_program steps) {
    program = steps;
    host_machine_init(memory_bytes);
    host_on_idle = on_idle;
    host_on_poll = on_poll;
    host_on_relax = on_relax;
    host_on_ipi = on_ipi;
}

// ---- runs ------------------------------------------------------------------------------------------

// The test acts for processor 0 while that is idle: it looks at what it was left, as after an interrupt.
static void run_all(void) {
    for (uint32_t i = 0; i < PROCESSORS; i++) {
        processors[i].interrupted = true;
    }
    switch_to(&processors[0]);
}

void processors_settle(void) {
    run_all();
}

void processors_race(void) {
    choices.racing = time_passes = true;
    run_all();
    choices.racing = time_passes = false;
}

static bool run_once(processors_scene scene, const void *argument) {
    restart();
    choices.count = choices.steps = 0;
    return scene(argument);
}

bool processors_replay(processors_scene scene, const void *argument, const uint32_t *at, uint32_t count) {
    memset(choices.preempt, 0, sizeof(choices.preempt));
    choices.given = CHOICES_MAX;
    for (uint32_t i = 0; i < count; i++) {
        choices.preempt[at[i]] = true;
    }
    return run_once(scene, argument);
}

// The next choices in order: the last one that may be a pre-emption and was none becomes one. False: there are none.
static bool next_choices(uint32_t preemptions) {
    uint32_t used = 0, last = CHOICES_MAX;
    for (uint32_t i = 0; i < choices.count; i++) {
        if (!choices.preempt[i] && used < preemptions) {
            last = i;
        }
        used += choices.preempt[i];
    }
    if (last == CHOICES_MAX) {
        return false;
    }
    choices.preempt[last] = true;
    choices.given = last + 1;
    return true;
}

bool processors_explore(processors_scene scene, const void *argument, uint32_t preemptions, struct exploration *out) {
    *out = (struct exploration){};
    choices.given = 0;
    do {
        if (!run_once(scene, argument)) {
            processors_say_choices();
            return false;
        }
        if (choices.count < choices.given) {
            fprintf(stderr, "the same choices did not lead to the same points\n");
            processors_say_choices();
            return false;
        }
        out->runs++;
        out->points = choices.count > out->points ? choices.count : out->points;
    } while (next_choices(preemptions));
    return true;
}

void processors_say_choices(void) {
    fprintf(stderr, "pre-emptions at:");
    for (uint32_t i = 0; i < choices.count; i++) {
        if (choices.preempt[i]) {
            fprintf(stderr, " %u", i);
        }
    }
    fprintf(stderr, "\n");
}

bool processors_finish(struct account *root, struct process *const processes[], uint32_t count) {
    for (uint32_t i = 0; i < count; i++) {
        process_end(processes[i], &(struct exit_record){.kind = EXIT_KILLED});
        object_put(&processes[i]->object);
    }
    time_passes = true;
    run_all();
    const struct account_usage usage = account_usage(root);
    if (usage.used_bytes != 0 || usage.objects != 0) {
        fprintf(stderr, "left over: %llu bytes and %llu objects charged\n", (unsigned long long)usage.used_bytes,
                (unsigned long long)usage.objects);
        time_passes = false;
        return false;
    }
    object_put(&root->object);
    run_all();
    time_passes = false;
    return host_nothing_left();
}
