// What bench/bench.c measures, on Linux: the only program of a machine that runs nothing else (bench/linux/measure.py).
// Same method: ticks of the time-stamp counter, one warm-up batch and ten that count; a batch is `count`
// operations. One line a row: name, mean, minimum, median.
//
// Each row does what a careful Linux programmer would do for the same end, over the C library's plain calls.
// Where there are two ways the quicker one is taken.
#define _GNU_SOURCE

#include "bench/arch/x86_64/marker.h"
#include "bench/linux/io_ring.h"
#include "bench/linux/peer.h"
#include "bench/linux/util.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/reboot.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

constexpr uint32_t BATCHES = 10;
constexpr uint64_t PAGE = 4096;

static struct peer peer;

// ---- rows. Each does `count` operations and returns the ticks that they took. ----

// A number that no call has: in and out, with nothing between. getpid takes about a hundred more.
static uint64_t null_syscall(uint64_t count) {
    constexpr uint64_t NO_CALL = 9999;
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        uint64_t result = NO_CALL;
        __asm__ volatile("syscall" : "+a"(result) : : "rcx", "r11", "memory");
    }
    return ticks() - start;
}

// The shortest round trip without bytes: a pair of eventfds.
static uint64_t event_round_trips(uint64_t count) {
    peer_ask(&peer, PEER_EVENTS, count + 1);
    uint64_t start = 0, value = 1;
    for (uint64_t i = 0; i <= count; i++) {
        if (i == 1) { // after the first round the peer waits
            start = ticks();
        }
        require(write(peer.event_to_peer, &value, sizeof(value)) == sizeof(value), "write");
        require(read(peer.event_to_us, &value, sizeof(value)) == sizeof(value), "read");
    }
    return ticks() - start;
}

static uint64_t stream_round_trips(uint64_t count, size_t len_bytes) {
    static char buffer[4096];
    peer_ask(&peer, PEER_ECHO + len_bytes, count + 1);
    uint64_t start = 0;
    for (uint64_t i = 0; i <= count; i++) {
        if (i == 1) {
            start = ticks();
        }
        require(write(peer.socket, buffer, len_bytes) == (ssize_t)len_bytes, "write");
        require(read(peer.socket, buffer, len_bytes) == (ssize_t)len_bytes, "read");
    }
    return ticks() - start;
}

static uint64_t ipc_rtt_8w(uint64_t count) {
    return stream_round_trips(count, 64);
}

static uint64_t ipc_rtt_960b(uint64_t count) {
    return stream_round_trips(count, 960);
}

static uint64_t ipc_rtt_4k(uint64_t count) {
    return stream_round_trips(count, 4096);
}

// A descriptor goes with the message; the peer closes it and answers with a byte.
static uint64_t ipc_rtt_handle(uint64_t count) {
    peer_ask(&peer, PEER_CLOSE, count);
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        send_descriptor(peer.socket, peer.event_to_us);
        char answer;
        require(read(peer.socket, &answer, 1) == 1, "read");
    }
    return ticks() - start;
}

static uint64_t signal_nowait(uint64_t count) {
    const int event = eventfd(0, EFD_NONBLOCK);
    const uint64_t one = 1, start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        require(write(event, &one, sizeof(one)) == sizeof(one), "write");
    }
    const uint64_t taken = ticks() - start;
    close(event);
    return taken;
}

static uint64_t poll_empty(uint64_t count) {
    const int event = eventfd(0, EFD_NONBLOCK);
    uint64_t value;
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        require(read(event, &value, sizeof(value)) == -1 && errno == EAGAIN, "an empty eventfd");
    }
    const uint64_t taken = ticks() - start;
    close(event);
    return taken;
}

// In the class in which a yield always gives way. In the ordinary one it may stay where it is.
static void set_scheduling(int policy) {
    const struct sched_param parameter = {.sched_priority = policy == SCHED_OTHER ? 0 : 1};
    require(sched_setscheduler(0, policy, &parameter) == 0, "sched_setscheduler");
    require(sched_setscheduler(peer.process, policy, &parameter) == 0, "sched_setscheduler");
}

// Both processes yield in turn: a pair of yields is two operations.
static uint64_t yield_switch(uint64_t count) {
    set_scheduling(SCHED_FIFO);
    peer_ask(&peer, PEER_YIELD, count);
    sched_yield();
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count / 2; i++) {
        sched_yield();
    }
    const uint64_t taken = ticks() - start;
    char answer;
    require(read(peer.socket, &answer, 1) == 1, "read");
    set_scheduling(SCHED_OTHER);
    return taken;
}

static uint64_t park_pingpong(uint64_t count) {
    struct shared *shared = peer.shared;
    shared->to_peer = shared->to_us = 0;
    peer_ask(&peer, PEER_PARK, count + 1);
    uint64_t start = 0;
    for (uint64_t i = 0; i <= count; i++) {
        if (i == 1) {
            start = ticks();
        }
        unpark(&shared->to_peer);
        park(&shared->to_us);
    }
    return ticks() - start;
}

static char *map_anonymous(uint64_t pages) {
    char *address = mmap(nullptr, pages * PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    require(address != MAP_FAILED, "mmap");
    return address;
}

static void touch_all(char *address, uint64_t pages) {
    for (uint64_t i = 0; i < pages; i++) {
        *(volatile uint64_t *)(address + i * PAGE) = i;
    }
}

static int memory_of(uint64_t pages) {
    const int memory = memfd_create("bench", MFD_CLOEXEC);
    require(memory >= 0 && ftruncate(memory, (off_t)(pages * PAGE)) == 0, "memfd");
    return memory;
}

static char *map_memory(int memory, uint64_t pages, int flags) {
    char *address = mmap(nullptr, pages * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | flags, memory, 0);
    require(address != MAP_FAILED, "mmap");
    return address;
}

static uint64_t fault_anon(uint64_t count) {
    char *address = map_anonymous(count);
    const uint64_t start = ticks();
    touch_all(address, count);
    const uint64_t taken = ticks() - start;
    munmap(address, count * PAGE);
    return taken;
}

// The resident pages of a memfd, mapped at once (MAP_POPULATE) and touched.
static uint64_t map_page(uint64_t count) {
    const int memory = memory_of(count);
    char *address = map_memory(memory, count, MAP_POPULATE);
    munmap(address, count * PAGE);
    const uint64_t start = ticks();
    address = map_memory(memory, count, MAP_POPULATE);
    touch_all(address, count);
    const uint64_t taken = ticks() - start;
    munmap(address, count * PAGE);
    close(memory);
    return taken;
}

static uint64_t unmap_page(uint64_t count) {
    const int memory = memory_of(count);
    char *address = map_memory(memory, count, MAP_POPULATE);
    touch_all(address, count);
    const uint64_t start = ticks();
    munmap(address, count * PAGE);
    const uint64_t taken = ticks() - start;
    close(memory);
    return taken;
}

// Both sides map the memory, touch it and unmap it.
static void pass_memory(int memory) {
    char *address = map_memory(memory, 1, 0);
    *(volatile uint64_t *)address += 1;
    munmap(address, PAGE);
    send_descriptor(peer.socket, memory);
    char answer;
    require(read(peer.socket, &answer, 1) == 1, "read");
}

static uint64_t vmo_pass_rtt(uint64_t count) {
    const int memory = memory_of(1);
    peer_ask(&peer, PEER_TOUCH, count);
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        pass_memory(memory);
    }
    const uint64_t taken = ticks() - start;
    close(memory);
    return taken;
}

static uint64_t vmo_pass_create_rtt(uint64_t count) {
    peer_ask(&peer, PEER_TOUCH, count);
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        const int memory = memory_of(1);
        pass_memory(memory);
        close(memory);
    }
    return ticks() - start;
}

// A memfd of 1 MiB, all of it resident, goes to the peer and comes back; the memory is not copied.
static uint64_t handoff_1m(uint64_t count) {
    constexpr uint64_t PAGES = 256;
    int memory = memory_of(PAGES);
    char *address = map_memory(memory, PAGES, MAP_POPULATE);
    touch_all(address, PAGES);
    peer_ask(&peer, PEER_RETURN, count);
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        send_descriptor(peer.socket, memory);
        close(memory);
        memory = receive_descriptor(peer.socket);
    }
    const uint64_t taken = ticks() - start;
    munmap(address, PAGES * PAGE);
    close(memory);
    return taken;
}

static void *thread_nothing(void *argument) {
    return argument;
}

static uint64_t thread_lifecycle(uint64_t count) {
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        pthread_t thread;
        require(pthread_create(&thread, nullptr, thread_nothing, nullptr) == 0, "pthread_create");
        require(pthread_join(thread, nullptr) == 0, "pthread_join");
    }
    return ticks() - start;
}

static uint64_t process_lifecycle(uint64_t count) {
    static char *const arguments[] = {nullptr}, *const environment[] = {nullptr};
    const uint64_t start = ticks();
    for (uint64_t i = 0; i < count; i++) {
        int status;
        const pid_t child = vfork();
        if (child == 0) {
            execve("/child", arguments, environment);
            _exit(1);
        }
        require(waitpid(child, &status, 0) == child && status == 0, "waitpid");
    }
    return ticks() - start;
}

static uint64_t ring_nop_1(uint64_t count) {
    return io_ring_nops(count, 1);
}

static uint64_t ring_nop_64(uint64_t count) {
    return io_ring_nops(count, 64);
}

// ---- the table -------------------------------------------------------------------------------------

static const struct {
    const char *name;
    uint64_t (*run)(uint64_t count);
    uint64_t count;
} rows[] = {
    {"null_syscall", null_syscall, 1000},
    {"ipc_rtt_0w", event_round_trips, 1000},
    {"ipc_rtt_8w", ipc_rtt_8w, 1000},
    {"ipc_rtt_960b", ipc_rtt_960b, 1000},
    {"ipc_rtt_4k", ipc_rtt_4k, 1000},
    {"ipc_rtt_handle", ipc_rtt_handle, 500},
    {"notify_pingpong", event_round_trips, 500},
    {"signal_nowait", signal_nowait, 1000},
    {"poll_empty", poll_empty, 1000},
    {"yield_switch", yield_switch, 1000},
    {"park_pingpong", park_pingpong, 500},
    {"fault_anon", fault_anon, 128},
    {"map_page", map_page, 128},
    {"unmap_page", unmap_page, 128},
    {"vmo_pass_rtt", vmo_pass_rtt, 200},
    {"vmo_pass_create_rtt", vmo_pass_create_rtt, 100},
    {"handoff_1m", handoff_1m, 200},
    {"thread_lifecycle", thread_lifecycle, 50},
    {"process_lifecycle", process_lifecycle, 20},
    {"ring_nop_1", ring_nop_1, 1024},
    {"ring_nop_64", ring_nop_64, 1024},
};

static int by_size(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left, b = *(const uint64_t *)right;
    return a < b ? -1 : a > b;
}

static void measure(size_t row) {
    uint64_t batches[BATCHES], sum = 0;
    (void)rows[row].run(rows[row].count); // warm-up
    for (uint32_t batch = 0; batch < BATCHES; batch++) {
        batches[batch] = rows[row].run(rows[row].count) / rows[row].count;
        sum += batches[batch];
    }
    qsort(batches, BATCHES, sizeof(batches[0]), by_size);
    printf("bench %s %lu %lu %lu\n", rows[row].name, sum / BATCHES, batches[0],
           (batches[BATCHES / 2 - 1] + batches[BATCHES / 2]) / 2);
}

// ---- the start of the system -----------------------------------------------------------------------

// Memory that Linux had to give out less what is free: its own code and tables are not even in this.
static uint64_t memory_in_use(void) {
    FILE *file = fopen("/proc/meminfo", "r");
    require(file != nullptr, "/proc/meminfo");
    unsigned long total_kib = 0, free_kib = 0;
    require(fscanf(file, "MemTotal: %lu kB MemFree: %lu kB", &total_kib, &free_kib) == 2, "MemTotal");
    fclose(file);
    return (total_kib - free_kib) * 1024;
}

static void start_system(void) {
    mkdir("/dev", 0755);
    mkdir("/proc", 0755);
    require(mount("dev", "/dev", "devtmpfs", 0, nullptr) == 0, "/dev");
    require(mount("proc", "/proc", "proc", 0, nullptr) == 0, "/proc");
    const int console = open("/dev/console", O_RDWR);
    require(console >= 0, "/dev/console");
    for (int descriptor = 0; descriptor < 3; descriptor++) {
        dup2(console, descriptor);
    }
    setvbuf(stdout, nullptr, _IOLBF, 0);
}

int main(void) {
    MARKER_POINT(0); // instructions since the kernel's entry, kernel_to_init
    const uint64_t started = ticks(); // the counter starts with the machine
    if (getpid() != 1) {
        fprintf(stderr, "this is the only program of a machine (bench/linux/measure.py)\n");
        return 2;
    }
    start_system();
    const uint64_t memory = memory_in_use();
    printf("bench boot_to_prompt %lu %lu %lu\n", started, started, started);
    printf("bench mem_at_prompt %lu %lu %lu\n", memory, memory, memory);
    peer_start(&peer);
    for (size_t row = 0; row < sizeof(rows) / sizeof(rows[0]); row++) {
        measure(row);
    }
    printf("bench done\n");
    kill(peer.process, SIGKILL);
    sync();
    reboot(RB_POWER_OFF);
    return 1;
}
