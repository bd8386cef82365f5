#define _GNU_SOURCE

#include "bench/linux/io_ring.h"

#include "bench/linux/util.h"

#include <linux/io_uring.h>
#include <sys/mman.h>

static struct {
    int descriptor;
    struct io_uring_sqe *entries;
    uint32_t *submit_tail, *submit_array;
    uint32_t *done_head, *done_tail, done_mask;
    struct io_uring_cqe *done;
} ring;

static void ring_open(void) {
    struct io_uring_params params = {};
    ring.descriptor = (int)syscall(SYS_io_uring_setup, 64, &params);
    require(ring.descriptor >= 0 && (params.features & IORING_FEAT_SINGLE_MMAP) != 0, "io_uring_setup");
    const size_t submit_bytes = params.sq_off.array + params.sq_entries * sizeof(uint32_t);
    const size_t done_bytes = params.cq_off.cqes + params.cq_entries * sizeof(struct io_uring_cqe);
    char *queues = mmap(nullptr, submit_bytes > done_bytes ? submit_bytes : done_bytes, PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_POPULATE, ring.descriptor, IORING_OFF_SQ_RING);
    ring.entries = mmap(nullptr, params.sq_entries * sizeof(struct io_uring_sqe), PROT_READ | PROT_WRITE,
                        MAP_SHARED | MAP_POPULATE, ring.descriptor, IORING_OFF_SQES);
    require(queues != MAP_FAILED && ring.entries != MAP_FAILED, "mmap of the ring");
    ring.submit_tail = (void *)(queues + params.sq_off.tail);
    ring.submit_array = (void *)(queues + params.sq_off.array);
    ring.done_head = (void *)(queues + params.cq_off.head);
    ring.done_tail = (void *)(queues + params.cq_off.tail);
    ring.done_mask = params.cq_entries - 1;
    ring.done = (void *)(queues + params.cq_off.cqes);
}

uint64_t io_ring_nops(uint64_t count, uint32_t batch) {
    if (ring.entries == nullptr) {
        ring_open();
    }
    const uint64_t start = ticks();
    for (uint64_t done = 0; done < count; done += batch) {
        const uint32_t tail = *ring.submit_tail;
        for (uint32_t i = 0; i < batch; i++) {
            const uint32_t slot = (tail + i) % 64;
            ring.entries[slot] = (struct io_uring_sqe){.opcode = IORING_OP_NOP, .user_data = done + i};
            ring.submit_array[slot] = slot;
        }
        __atomic_store_n(ring.submit_tail, tail + batch, __ATOMIC_RELEASE);
        require(syscall(SYS_io_uring_enter, ring.descriptor, batch, batch, IORING_ENTER_GETEVENTS, nullptr, 0) ==
                    batch,
                "io_uring_enter");
        uint32_t head = *ring.done_head;
        for (uint32_t i = 0; i < batch; i++, head++) {
            require(ring.done[head & ring.done_mask].user_data == done + i, "the completions");
        }
        __atomic_store_n(ring.done_head, head, __ATOMIC_RELEASE);
    }
    return ticks() - start;
}
