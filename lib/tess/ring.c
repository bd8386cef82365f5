#include "lib/tess/ring.h"

#include "abi/gen/stubs.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"

static status_t create(uint32_t entries, uint32_t in_flight, uint32_t pages, uint32_t flags, struct tess_ring *out) {
    handle_t handle;
    uint64_t address;
    TRY(tess_account_create_ring(tess_self_account(), entries, in_flight, pages, flags, tess_self_vspace(), 0, &handle,
                                 &address));
    uint8_t *memory = (uint8_t *)(uintptr_t)address;
    struct ring_header *header = (struct ring_header *)memory;
    *out = (struct tess_ring){
        .handle = handle,
        .header = header,
        .entries = (struct ring_entry *)(memory + header->entries_offset),
        .completions = (struct ring_completion *)(memory + header->completions_offset),
        .buffers = (struct ring_buffer *)(memory + header->buffers_offset),
        .pages = memory + header->pages_offset,
        .mask = entries - 1,
    };
    return STATUS_OK;
}

status_t tess_ring_create(uint32_t entries, uint32_t in_flight, uint32_t pages, struct tess_ring *out) {
    return create(entries, in_flight, pages, 0, out);
}

status_t tess_ring_create_polled(uint32_t entries, uint32_t in_flight, uint32_t pages, struct tess_ring *out) {
    return create(entries, in_flight, pages, RING_POLLED, out);
}

void tess_ring_destroy(struct tess_ring *ring) {
    const uint64_t len_bytes = ring->header->pages_offset + ring->header->pages * (uint64_t)MESSAGE_PAGE_BYTES;
    tess_close(ring->handle);
    status_t ignored = tess_vspace_unmap(tess_self_vspace(), (uint64_t)(uintptr_t)ring->header, len_bytes);
    (void)ignored; // only what the program itself did to the mapping can make it fail
    *ring = (struct tess_ring){};
}
