#include "lib/tess/heap_core.h"

#include "base/align.h"
#include "base/checked.h"
#include "base/container.h"

struct block {
    size_t size;          // with this header; multiple of 16; the low bits are flags
    size_t previous_size; // of the block below in the same region; 0: this is the first
};
static_assert(sizeof(struct block) == HEAP_ALIGN);

constexpr size_t USED = 1, LARGE = 2, FLAGS = 15;
constexpr size_t HEAP_PAGE_BYTES = 4096;

struct free_block {
    struct block header;
    struct list_node link;
};
constexpr size_t BLOCK_MIN = sizeof(struct free_block);

// The last 16 bytes of a region are the header of a block that is always used and has size 0.
constexpr size_t REGION_ROOM = HEAP_REGION_BYTES - sizeof(struct block);

static size_t size_of(const struct block *block) {
    return block->size & ~FLAGS;
}

static struct block *after(struct block *block) {
    return (struct block *)((char *)block + size_of(block));
}

static struct block *before(struct block *block) {
    return (struct block *)((char *)block - block->previous_size);
}

static struct list_node *link_of(struct block *block) {
    return &((struct free_block *)block)->link;
}

void heap_init(struct heap *heap, heap_region_alloc_fn *region_alloc, heap_region_free_fn *region_free) {
    *heap = (struct heap){.region_alloc = region_alloc, .region_free = region_free};
    list_init(&heap->free_blocks);
}

static void *alloc_large(struct heap *heap, size_t size) {
    uint64_t total;
    if (!checked_align_up_u64(size + sizeof(struct block), HEAP_PAGE_BYTES, &total)) {
        return nullptr;
    }
    struct block *block = heap->region_alloc(total);
    if (block == nullptr) {
        return nullptr;
    }
    *block = (struct block){.size = total | USED | LARGE};
    heap->used_bytes += total;
    return block + 1;
}

static struct block *add_region(struct heap *heap) {
    struct block *block = heap->spare;
    if (block != nullptr) {
        heap->spare = nullptr;
    } else {
        block = heap->region_alloc(HEAP_REGION_BYTES);
        if (block == nullptr) {
            return nullptr;
        }
        heap->region_count++;
    }
    *block = (struct block){.size = REGION_ROOM};
    *after(block) = (struct block){.size = USED, .previous_size = REGION_ROOM};
    list_push_back(&heap->free_blocks, link_of(block));
    return block;
}

static struct block *find(struct heap *heap, size_t need) {
    LIST_FOR_EACH(node, &heap->free_blocks) {
        struct block *block = &LIST_ENTRY(node, struct free_block, link)->header;
        if (size_of(block) >= need) {
            return block;
        }
    }
    return add_region(heap);
}

void *heap_alloc(struct heap *heap, size_t size) {
    if (size > SIZE_MAX / 2) {
        return nullptr;
    }
    if (size >= HEAP_LARGE_BYTES) {
        return alloc_large(heap, size);
    }
    size_t need = align_up(size + sizeof(struct block), HEAP_ALIGN);
    if (need < BLOCK_MIN) {
        need = BLOCK_MIN;
    }
    struct block *block = find(heap, need);
    if (block == nullptr) {
        return nullptr;
    }
    list_remove(link_of(block));
    size_t rest = size_of(block) - need;
    if (rest >= BLOCK_MIN) {
        block->size = need;
        struct block *tail = after(block);
        *tail = (struct block){.size = rest, .previous_size = need};
        after(tail)->previous_size = rest;
        // At the front: what was cut from stays the first choice, and untouched pages stay so.
        list_push_front(&heap->free_blocks, link_of(tail));
    }
    heap->used_bytes += size_of(block);
    block->size |= USED;
    return block + 1;
}

static void give_back_region(struct heap *heap, struct block *block) {
    if (heap->spare == nullptr) {
        heap->spare = block;
        return;
    }
    heap->region_count--;
    heap->region_free(block, HEAP_REGION_BYTES);
}

void heap_free(struct heap *heap, void *memory) {
    if (memory == nullptr) {
        return;
    }
    struct block *block = (struct block *)memory - 1;
    heap->used_bytes -= size_of(block);
    if ((block->size & LARGE) != 0) {
        heap->region_free(block, size_of(block));
        return;
    }
    block->size &= ~USED;
    struct block *next = after(block);
    if ((next->size & USED) == 0) {
        list_remove(link_of(next));
        block->size += size_of(next);
    }
    if (block->previous_size != 0 && (before(block)->size & USED) == 0) {
        struct block *previous = before(block);
        list_remove(link_of(previous));
        previous->size += size_of(block);
        block = previous;
    }
    after(block)->previous_size = size_of(block);
    if (size_of(block) == REGION_ROOM) {
        give_back_region(heap, block);
    } else {
        list_push_front(&heap->free_blocks, link_of(block));
    }
}

size_t heap_capacity(const void *memory) {
    return size_of((const struct block *)memory - 1) - sizeof(struct block);
}

bool heap_check(const struct heap *heap) {
    LIST_FOR_EACH(node, &heap->free_blocks) {
        struct block *block = &LIST_ENTRY(node, struct free_block, link)->header;
        bool joined = (after(block)->size & USED) != 0 &&
                      (block->previous_size == 0 || (before(block)->size & USED) != 0);
        if ((block->size & FLAGS) != 0 || block->size < BLOCK_MIN || !joined ||
            after(block)->previous_size != block->size) {
            return false;
        }
    }
    return list_check(&heap->free_blocks, SIZE_MAX);
}
