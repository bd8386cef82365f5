#include "lib/capnp/frame.h"

#include "base/mem.h"

// The table is 32-bit numbers: segments less one, then the words of each, filled up to a whole word.
static uint64_t table_bytes(uint64_t segments) {
    return (segments + 2) / 2 * 8;
}

static uint32_t number_at(const void *bytes, uint64_t index) {
    uint32_t value;
    memcpy(&value, (const uint8_t *)bytes + index * sizeof(value), sizeof(value));
    return value;
}

status_t capnp_frame_measure(const void *bytes, size_t len_bytes, uint32_t segments_max, uint64_t *need_bytes) {
    *need_bytes = CAPNP_WORD_BYTES;
    if (len_bytes < CAPNP_WORD_BYTES) {
        return capnp_error(CAPNP_TRUNCATED);
    }
    uint64_t segments = number_at(bytes, 0) + 1ull;
    if (segments > segments_max) {
        return capnp_error(CAPNP_BAD_FRAME);
    }
    *need_bytes = table_bytes(segments);
    if (len_bytes < *need_bytes) {
        return capnp_error(CAPNP_TRUNCATED);
    }
    for (uint64_t i = 0; i < segments; i++) {
        *need_bytes += (uint64_t)number_at(bytes, i + 1) * CAPNP_WORD_BYTES;
    }
    return STATUS_OK;
}

status_t capnp_frame_open(const void *bytes, size_t len_bytes, struct capnp_segment *table, uint32_t table_count,
                          struct capnp_message *out, size_t *used_bytes) {
    uint64_t need;
    TRY(capnp_frame_measure(bytes, len_bytes, table_count, &need));
    if (need > len_bytes) {
        return capnp_error(CAPNP_TRUNCATED);
    }
    if ((uintptr_t)bytes % CAPNP_WORD_BYTES != 0) {
        return capnp_error(CAPNP_BAD_FRAME);
    }
    uint32_t segments = number_at(bytes, 0) + 1;
    uint64_t *words = (uint64_t *)bytes + table_bytes(segments) / CAPNP_WORD_BYTES; // readers do not write
    for (uint32_t i = 0; i < segments; i++) {
        uint32_t count = number_at(bytes, i + 1ull);
        table[i] = (struct capnp_segment){.words = words, .count = count, .capacity = count};
        words += count;
    }
    capnp_message_init_segments(out, table, segments);
    *used_bytes = need;
    return STATUS_OK;
}

uint64_t capnp_frame_table_bytes(const struct capnp_message *message) {
    return table_bytes(message->segment_count);
}

uint64_t capnp_frame_bytes(const struct capnp_message *message) {
    uint64_t bytes = capnp_frame_table_bytes(message);
    for (uint32_t i = 0; i < message->segment_count; i++) {
        bytes += (uint64_t)message->segments[i].count * CAPNP_WORD_BYTES;
    }
    return bytes;
}

status_t capnp_frame_write_table(const struct capnp_message *message, void *out, size_t out_bytes) {
    uint64_t len = capnp_frame_table_bytes(message);
    if (len > out_bytes) {
        return capnp_error(CAPNP_NO_SPACE);
    }
    uint8_t *at = out;
    memset(at + len - CAPNP_WORD_BYTES, 0, CAPNP_WORD_BYTES);
    uint32_t number = message->segment_count - 1;
    memcpy(at, &number, sizeof(number));
    for (uint32_t i = 0; i < message->segment_count; i++) {
        memcpy(at + (i + 1) * sizeof(number), &message->segments[i].count, sizeof(number));
    }
    return STATUS_OK;
}

status_t capnp_frame_write(const struct capnp_message *message, void *out, size_t out_bytes) {
    if (capnp_frame_bytes(message) > out_bytes) {
        return capnp_error(CAPNP_NO_SPACE);
    }
    TRY(capnp_frame_write_table(message, out, out_bytes));
    uint8_t *at = (uint8_t *)out + capnp_frame_table_bytes(message);
    for (uint32_t i = 0; i < message->segment_count; i++) {
        uint64_t len = (uint64_t)message->segments[i].count * CAPNP_WORD_BYTES;
        memcpy(at, message->segments[i].words, len);
        at += len;
    }
    return STATUS_OK;
}
