#include "lib/serial/byte_ring.h"

#include "base/mem.h"

bool byte_ring_put(struct byte_ring *ring, const void *bytes, size_t len) {
    if (len > byte_ring_free(ring)) {
        return false;
    }
    if (ring->used == 0) {
        ring->head = 0;
    }
    size_t tail = ring->head + ring->used;
    tail = tail < ring->size ? tail : tail - ring->size;
    size_t first = ring->size - tail;
    first = first < len ? first : len;
    memcpy(ring->bytes + tail, bytes, first);
    memcpy(ring->bytes, (const uint8_t *)bytes + first, len - first);
    ring->used += len;
    return true;
}

size_t byte_ring_take(struct byte_ring *ring, void *bytes, size_t len) {
    len = len < ring->used ? len : ring->used;
    size_t first = ring->size - ring->head;
    first = first < len ? first : len;
    memcpy(bytes, ring->bytes + ring->head, first);
    memcpy((uint8_t *)bytes + first, ring->bytes, len - first);
    ring->head += len;
    ring->head = ring->head < ring->size ? ring->head : ring->head - ring->size;
    ring->used -= len;
    return len;
}
