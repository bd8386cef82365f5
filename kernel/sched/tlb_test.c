#include "kernel/sched/tlb.h"

#include "base/test.h"
#include "kernel/arch/host/cpu.h"
#include "kernel/lock.h"

// Processors that show a thread of some space. The test is processor 0; another one runs while it takes an interrupt.
constexpr uint32_t CPUS = 4;

static struct percpu others[CPUS];
static struct thread threads[CPUS];
static uint32_t interrupts[CPUS];
static const struct page_tables space = {.root = {0x5000}}, empty = {.root = {0x6000}};

static void run_on(uint32_t cpu) {
    host_this_cpu = percpus[cpu];
    host_active_root = threads[cpu].regs.page_table;
}

static void on_ipi(cpu_id_t cpu, enum ipi kind) {
    CHECK_EQ(kind, IPI_FLUSH);
    CHECK_EQ(boot_percpu.flush.waiting >> cpu.v & 1, 1);
    interrupts[cpu.v]++;
    run_on(cpu.v);
    cpu_ipi();
    run_on(0);
}

static void begin(void) {
    for (uint32_t i = 0; i < CPUS; i++) {
        interrupts[i] = 0;
        threads[i] = (struct thread){};
        threads[i].regs.page_table = space.root.v;
        struct percpu *cpu = i == 0 ? &boot_percpu : &others[i];
        *cpu = (struct percpu){.self = cpu, .id = {i}, .frame = &threads[i].regs.status};
        cpu_add(cpu);
    }
    host_on_ipi = on_ipi;
    run_on(0);
}

TEST(only_processors_in_the_space_are_asked) {
    begin();
    threads[2].regs.page_table = 0x7000;
    tlb_flush(&space, 0x1000, 0x3000);
    CHECK_EQ(interrupts[0], 0);
    CHECK_EQ(interrupts[1], 1);
    CHECK_EQ(interrupts[2], 0);
    CHECK_EQ(interrupts[3], 1);
    CHECK_EQ(boot_percpu.flush.waiting, 0);
    tlb_flush(&empty, 0, 0);
    CHECK_EQ(interrupts[1], 1);
}

TEST(alone_nobody_is_asked) {
    begin();
    __atomic_store_n(&cpus_online, 1, __ATOMIC_SEQ_CST);
    tlb_flush(&space, 0x1000, 0x3000);
    CHECK_EQ(interrupts[1], 0);
}

// Processor 1 asks us while we ask it: neither interrupt is taken, and both are served by waiting.
static void on_ipi_crossing(cpu_id_t cpu, enum ipi kind) {
    CHECK_EQ(kind, IPI_FLUSH);
    interrupts[cpu.v]++;
    others[1].flush = (struct tlb_request){.root = space.root.v, .start = 0x1000, .end = 0x2000, .waiting = 1};
    boot_percpu.flush_from |= 2;
    run_on(1);
    spin_relax();
    CHECK_EQ(boot_percpu.flush.waiting, 0);
    run_on(0);
}

TEST(who_waits_serves) {
    begin();
    __atomic_store_n(&cpus_online, 2, __ATOMIC_SEQ_CST);
    host_on_ipi = on_ipi_crossing;
    tlb_flush(&space, 0x1000, 0x2000);
    CHECK_EQ(interrupts[1], 1);
    CHECK_EQ(others[1].flush.waiting, 1); // ours was done first
    spin_relax();
    CHECK_EQ(others[1].flush.waiting, 0);
    CHECK_EQ(boot_percpu.flush_from, 0);
}

TEST(one_interrupt_serves_all_who_asked) {
    begin();
    others[2].flush = (struct tlb_request){.root = 0x7000, .waiting = 2};
    others[1].flush_from = 4; // its interrupt is on the way; ours comes with it
    host_on_ipi = nullptr;
    for (uint32_t i = 2; i < CPUS; i++) {
        threads[i].regs.page_table = 0x7000;
    }
    boot_percpu.flush = (struct tlb_request){.root = space.root.v, .waiting = 2};
    others[1].flush_from |= 1;
    run_on(1);
    cpu_ipi();
    run_on(0);
    CHECK_EQ(others[2].flush.waiting, 0);
    CHECK_EQ(boot_percpu.flush.waiting, 0);
}

TEST(work_that_others_leave_is_taken_over_once) {
    begin();
    host_on_ipi = nullptr;
    cpu_request(&others[1], WORK_RESCHEDULE);
    cpu_request(&others[1], WORK_REAP);
    run_on(1);
    CHECK_EQ(others[1].work, 0);
    cpu_ipi();
    CHECK_EQ(others[1].work, WORK_RESCHEDULE | WORK_REAP);
    CHECK_EQ(others[1].remote_work, 0);
    run_on(0);
}
