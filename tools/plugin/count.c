// Counts the instructions that each processor of an emulated machine executes; a halted processor executes none.
//
//   -plugin libcount.so,out=FILE[,entry=ADDRESS][,step=N]
//
// A program in the guest says what is to be counted with an instruction that does nothing, a NOP with an operand
// that no compiler makes (bench/arch/x86_64/marker.h). FILE gets one line for each:
//
//   start N   counting begins anew; N is the marker's number
//   stop N    "window N <instructions of processor 0> <of processor 1> ..." since the last start
//   point N   "point N <instructions of all processors>" since the first that lay at ADDRESS, or since the start of
//             the machine
//
// With step=N processors keep step: none that executes gets more than N instructions ahead of another that does, as they would on a
// machine whose processors are equally quick. Otherwise each gets as far as the host lets its thread.
//
// An instruction that faults and is executed again counts twice. With several emulator threads the counts of the
// other processors may lag by the instructions in flight.
#include "tools/plugin/qemu_plugin.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <threads.h>

#include "tools/plugin/marker.h"

int qemu_plugin_version = 1;

enum { CPUS = 64 };

// A line each: processors are emulated by threads of their own.
static struct {
    alignas(64) uint64_t executed;
    uint64_t at_start;
    uint64_t clock; // executed, and what others executed while it had nothing to do
    bool executes;
} cpus[CPUS];
static unsigned cpu_count;

static FILE *out;
static bool has_entry;
static uint64_t entry_address, executed_at_entry;

static uint64_t executed_by_all(void) {
    uint64_t sum = 0;
    for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
        sum += __atomic_load_n(&cpus[cpu].executed, __ATOMIC_RELAXED);
    }
    return sum;
}

static void on_instruction(unsigned cpu, void *) {
    __atomic_store_n(&cpus[cpu].executed, cpus[cpu].executed + 1, __ATOMIC_RELAXED);
}

// ---- keeping step ----

enum {
    LOOK_EACH = 64,        // instructions
    PAUSE_NS = 20'000,
    PAUSES_MOST = 10'000,  // the one behind may be waiting for this one inside of the emulator
};

static uint64_t step;

// Of the clocks of the others that execute; UINT64_MAX when none does.
static uint64_t least_of_others(unsigned cpu) {
    uint64_t least = UINT64_MAX;
    for (unsigned other = 0; other < cpu_count; other++) {
        if (other != cpu && __atomic_load_n(&cpus[other].executes, __ATOMIC_ACQUIRE)) {
            const uint64_t clock = __atomic_load_n(&cpus[other].clock, __ATOMIC_RELAXED);
            least = clock < least ? clock : least;
        }
    }
    return least;
}

static void on_idle(qemu_plugin_id_t, unsigned cpu) {
    __atomic_store_n(&cpus[cpu].executes, false, __ATOMIC_RELEASE);
}

// It begins where the others are.
static void on_resume(qemu_plugin_id_t, unsigned cpu) {
    const uint64_t others = least_of_others(cpu);
    if (others != UINT64_MAX && others > cpus[cpu].clock) {
        __atomic_store_n(&cpus[cpu].clock, others, __ATOMIC_RELAXED);
    }
    __atomic_store_n(&cpus[cpu].executes, true, __ATOMIC_RELEASE);
}

static void on_stepped_instruction(unsigned cpu, void *unused) {
    on_instruction(cpu, unused);
    const uint64_t clock = cpus[cpu].clock + 1;
    __atomic_store_n(&cpus[cpu].clock, clock, __ATOMIC_RELAXED);
    if (clock % LOOK_EACH != 0) {
        return;
    }
    for (int i = 0; i < PAUSES_MOST; i++) {
        const uint64_t others = least_of_others(cpu);
        if (others == UINT64_MAX || clock <= others + step) {
            return;
        }
        (void)thrd_sleep(&(struct timespec){.tv_nsec = PAUSE_NS}, nullptr);
    }
}

// ---- what is counted ----

static void on_entry(unsigned, void *) {
    if (executed_at_entry == 0) {
        executed_at_entry = executed_by_all();
    }
}

static void on_marker(unsigned, void *operand) {
    const unsigned number = marker_number((uint32_t)(uintptr_t)operand);
    switch (marker_kind((uint32_t)(uintptr_t)operand)) {
    case MARKER_START:
        for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
            cpus[cpu].at_start = __atomic_load_n(&cpus[cpu].executed, __ATOMIC_RELAXED);
        }
        break;
    case MARKER_STOP:
        fprintf(out, "window %u", number);
        for (unsigned cpu = 0; cpu < cpu_count; cpu++) {
            fprintf(out, " %lu", __atomic_load_n(&cpus[cpu].executed, __ATOMIC_RELAXED) - cpus[cpu].at_start);
        }
        fprintf(out, "\n");
        break;
    case MARKER_POINT: fprintf(out, "point %u %lu\n", number, executed_by_all() - executed_at_entry); break;
    }
    fflush(out); // the emulator may be ended at any time
}

static void on_translation(qemu_plugin_id_t, struct qemu_plugin_tb *block) {
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        const uint32_t operand = marker_operand(insn);
        if (has_entry && qemu_plugin_insn_vaddr(insn) == entry_address) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_entry, QEMU_PLUGIN_CB_NO_REGS, nullptr);
        }
        if (operand != 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS,
                                                   (void *)(uintptr_t)operand);
        }
        qemu_plugin_register_vcpu_insn_exec_cb(insn, step != 0 ? on_stepped_instruction : on_instruction, QEMU_PLUGIN_CB_NO_REGS, nullptr);
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
    cpu_count = info->system_emulation ? (unsigned)info->system.max_vcpus : 0;
    for (int i = 0; i < argc; i++) {
        if (strncmp(argv[i], "out=", 4) == 0) {
            out = fopen(argv[i] + 4, "w");
        } else if (strncmp(argv[i], "entry=", 6) == 0) {
            has_entry = true;
            entry_address = strtoull(argv[i] + 6, nullptr, 0);
        } else if (strncmp(argv[i], "step=", 5) == 0) {
            step = strtoull(argv[i] + 5, nullptr, 0);
        }
    }
    if (out == nullptr || cpu_count == 0 || cpu_count > CPUS) {
        fprintf(stderr, "count: wants out=FILE and a machine of 1 to %u processors\n", (unsigned)CPUS);
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    if (step != 0) {
        qemu_plugin_register_vcpu_idle_cb(id, on_idle);
        qemu_plugin_register_vcpu_resume_cb(id, on_resume);
    }
    return 0;
}
