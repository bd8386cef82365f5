#include "lib/tess/heap.h"

#include <stdint.h>

#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/heap_core.h"
#include "lib/tess/mutex.h"

static struct tess_mutex heap_lock;
static struct heap heap; // guarded by heap_lock

static void *region_alloc(size_t len_bytes) {
    TESS_OWNED handle_t vmo = {};
    uint64_t address;
    if (!status_ok(tess_account_create_vmo(tess_self_account(), len_bytes, &vmo)) ||
        !status_ok(
            tess_vspace_map(tess_self_vspace(), vmo, 0, len_bytes, 0, PROT_READ | PROT_WRITE, &address))) {
        return nullptr;
    }
    return (void *)address; // the mapping keeps the memory
}

static void region_free(void *region, size_t len_bytes) {
    // Can only fail for want of memory to cut a mapping in two, and whole ones are removed here.
    (void)tess_vspace_unmap(tess_self_vspace(), (uint64_t)region, len_bytes);
}

void *malloc(size_t size) {
    tess_mutex_lock(&heap_lock);
    if (heap.region_alloc == nullptr) {
        heap_init(&heap, region_alloc, region_free);
    }
    void *block = heap_alloc(&heap, size);
    tess_mutex_unlock(&heap_lock);
    return block;
}

void free(void *block) {
    tess_mutex_lock(&heap_lock);
    heap_free(&heap, block);
    tess_mutex_unlock(&heap_lock);
}

void *calloc(size_t count, size_t size) {
    size_t total;
    if (!checked_mul_size(count, size, &total)) {
        return nullptr;
    }
    void *block = malloc(total);
    if (block != nullptr && total < HEAP_LARGE_BYTES) { // larger ones are fresh zero-filled memory
        memset(block, 0, total);
    }
    return block;
}

void *realloc(void *block, size_t size) {
    if (block != nullptr && size <= heap_capacity(block) && size >= heap_capacity(block) / 4) {
        return block;
    }
    void *moved = malloc(size);
    if (moved == nullptr) {
        return nullptr;
    }
    if (block != nullptr) {
        size_t held = heap_capacity(block);
        memcpy(moved, block, held < size ? held : size);
        free(block);
    }
    return moved;
}
