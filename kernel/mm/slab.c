#include "kernel/mm/slab.h"

#include "abi/gen/abi.h"
#include "base/align.h"
#include "base/mem.h"
#include "kernel/mm/direct_map.h"
#include "kernel/mm/frame.h"
#include "kernel/panic.h"

// A free object begins with the link to the next one.
struct free_object {
    struct free_object *next;
};

// The first 64 bytes of every slab page. A page is on its cache's partial list, or is the cache's spare,
// or is full and on no list.
struct slab_page {
    struct slab_cache *cache;
    struct slab_page *next, *prev; // partial list; prev is null for the first
    struct free_object *free;      // objects that were freed
    uint32_t fresh;                // objects that were never given out: the last `fresh` of the page
    uint32_t in_use;
};
static_assert(sizeof(struct slab_page) <= SLAB_HEADER_BYTES);

static uint64_t total_pages; // atomic

static void partial_push(struct slab_cache *cache, struct slab_page *page) REQUIRES(cache->lock) {
    page->prev = nullptr;
    page->next = cache->partial;
    if (page->next != nullptr) {
        page->next->prev = page;
    }
    cache->partial = page;
}

static void partial_remove(struct slab_cache *cache, struct slab_page *page) REQUIRES(cache->lock) {
    if (page->prev != nullptr) {
        page->prev->next = page->next;
    } else {
        cache->partial = page->next;
    }
    if (page->next != nullptr) {
        page->next->prev = page->prev;
    }
}

// A page with a free object, at the front of the partial list; null when there is no memory.
static struct slab_page *page_provide(struct slab_cache *cache) REQUIRES(cache->lock) {
    struct slab_page *page = cache->spare;
    if (page != nullptr) {
        cache->spare = nullptr;
    } else {
        paddr_t frame;
        if (!status_ok(frame_alloc(0, &frame))) {
            return nullptr;
        }
        page = phys_to_virt(frame);
        *page = (struct slab_page){.cache = cache, .fresh = cache->per_page};
        __atomic_fetch_add(&total_pages, 1, __ATOMIC_RELAXED);
    }
    partial_push(cache, page);
    return page;
}

// Where object `index` of a page is. Objects fill the page from its end, so that those whose size is a
// multiple of 64 begin on a cache line.
static void *object_at(const struct slab_cache *cache, struct slab_page *page, uint32_t index) {
    return (char *)page + SLAB_PAGE_BYTES - (size_t)(index + 1) * cache->object_bytes;
}

// The debug build fills what is freed, behind its link, and looks whether it is still so when it is given out again.
// No byte repeated: nobody fills an object with it by chance.
constexpr uint64_t FREED_WORD = 0xdead'0b1e'c7f4'eed0;

static bool is_poisoned(const struct slab_cache *cache, const struct free_object *object) {
    const uint64_t *word = (const uint64_t *)(object + 1), *end = word + cache->object_bytes / 8 - 1;
    while (word < end && *word == FREED_WORD) {
        word++;
    }
    return word == end;
}

static void poison(const struct slab_cache *cache, struct free_object *object) {
    if (is_poisoned(cache, object)) {
        panic("%s at %p is freed twice", cache->name, (void *)object);
    }
    for (size_t i = 1; i < cache->object_bytes / 8; i++) {
        ((uint64_t *)object)[i] = FREED_WORD;
    }
}

void *slab_alloc(struct slab_cache *cache) {
    spin_lock(&cache->lock);
    struct slab_page *page = cache->partial;
    if (page == nullptr) {
        page = page_provide(cache);
        if (page == nullptr) {
            spin_unlock(&cache->lock);
            return nullptr;
        }
    }
    void *object = page->free;
    if (object != nullptr) {
        page->free = page->free->next;
        if (KERNEL_DEBUG && !is_poisoned(cache, object)) {
            panic("%s at %p was written after it was freed", cache->name, object);
        }
    } else {
        object = object_at(cache, page, --page->fresh);
    }
    page->in_use++;
    if (page->free == nullptr && page->fresh == 0) {
        partial_remove(cache, page);
    }
    spin_unlock(&cache->lock);
    memset(object, 0, cache->object_bytes);
    return object;
}

void slab_free(struct slab_cache *cache, void *object) {
    struct slab_page *page = (struct slab_page *)align_down((uintptr_t)object, SLAB_PAGE_BYTES);
    ASSERT(page->cache == cache);
    struct slab_page *unused = nullptr;
    if (KERNEL_DEBUG) {
        poison(cache, object);
    }
    spin_lock(&cache->lock);
    struct free_object *freed = object;
    bool was_full = page->free == nullptr && page->fresh == 0;
    freed->next = page->free;
    page->free = freed;
    page->in_use--;
    if (was_full) {
        partial_push(cache, page);
    }
    if (page->in_use == 0) {
        partial_remove(cache, page);
        if (cache->spare == nullptr) {
            cache->spare = page;
        } else {
            unused = page;
        }
    }
    spin_unlock(&cache->lock);
    if (unused != nullptr) {
        __atomic_fetch_sub(&total_pages, 1, __ATOMIC_RELAXED);
        frame_free(virt_to_phys(unused), 0);
    }
}

// Size classes of kalloc: the smallest that holds the request is used. The one for a multiple of 64 is always
// a multiple of 64 itself.
#define SIZE_CLASSES(X) \
    X(16) X(32) X(64) X(96) X(128) X(192) X(256) X(384) X(512) X(640) X(960) X(1344) X(1984)

#define CLASS_CACHE(bytes) static SLAB_CACHE_BYTES(size_##bytes, "size " #bytes, bytes);
SIZE_CLASSES(CLASS_CACHE)

#define CLASS_POINTER(bytes) &size_##bytes,
static struct slab_cache *const size_classes[] = {SIZE_CLASSES(CLASS_POINTER)};

// bytes <= SLAB_MAX_BYTES.
static struct slab_cache *class_for(size_t bytes) {
    size_t index = 0;
    while (size_classes[index]->object_bytes < bytes) {
        index++;
    }
    return size_classes[index];
}

void *kalloc(size_t bytes) {
    if (bytes <= SLAB_MAX_BYTES) {
        return slab_alloc(class_for(bytes));
    }
    paddr_t block;
    unsigned order = frame_order_for(bytes);
    if (!status_ok(frame_alloc(order, &block))) {
        return nullptr;
    }
    void *memory = phys_to_virt(block);
    memset(memory, 0, SLAB_PAGE_BYTES << order);
    return memory;
}

void kfree(void *memory, size_t bytes) {
    if (bytes <= SLAB_MAX_BYTES) {
        slab_free(class_for(bytes), memory);
    } else {
        frame_free(virt_to_phys(memory), frame_order_for(bytes));
    }
}

uint64_t kalloc_charge(size_t bytes) {
    return bytes <= SLAB_MAX_BYTES ? slab_charge(class_for(bytes))
                                   : SLAB_PAGE_BYTES << frame_order_for(bytes);
}

uint64_t slab_total_bytes(void) {
    return __atomic_load_n(&total_pages, __ATOMIC_RELAXED) * SLAB_PAGE_BYTES;
}
