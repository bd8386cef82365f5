#include "lib/lineedit/history.h"

#include "base/mem.h"

void history_init(struct history *history) {
    // All of it, so that what the history takes does not grow with use.
    memset(history, 0, sizeof(*history));
}

static size_t offset_of(const struct history *history, size_t index) {
    size_t offset = 0;
    for (size_t i = 0; i < index; i++) {
        offset += history->lengths[i];
    }
    return offset;
}

static void remove_line(struct history *history, size_t index) {
    size_t offset = offset_of(history, index);
    size_t len = history->lengths[index];
    memmove(history->bytes + offset, history->bytes + offset + len, history->used - offset - len);
    memmove(history->lengths + index, history->lengths + index + 1,
            (history->count - index - 1) * sizeof(history->lengths[0]));
    history->used -= len;
    history->count--;
}

static bool begins_with(const struct history *history, size_t index, const char *prefix, size_t prefix_bytes) {
    size_t len;
    const char *line = history_line(history, index, &len);
    return len >= prefix_bytes && memcmp(line, prefix, prefix_bytes) == 0;
}

void history_add(struct history *history, const char *line, size_t len) {
    if (len == 0 || len > HISTORY_BYTES) {
        return;
    }
    for (size_t i = 0; i < history->count; i++) {
        if (history->lengths[i] == len && begins_with(history, i, line, len)) {
            remove_line(history, i);
            break;
        }
    }
    while (history->count == HISTORY_LINES || history->used + len > HISTORY_BYTES) {
        remove_line(history, 0);
    }
    memcpy(history->bytes + history->used, line, len);
    history->lengths[history->count++] = (uint16_t)len;
    history->used += len;
}

const char *history_line(const struct history *history, size_t index, size_t *len) {
    *len = history->lengths[index];
    return history->bytes + offset_of(history, index);
}

size_t history_older(const struct history *history, size_t index, const char *prefix, size_t prefix_bytes) {
    while (index > 0) {
        index--;
        if (begins_with(history, index, prefix, prefix_bytes)) {
            return index;
        }
    }
    return HISTORY_NONE;
}

size_t history_newer(const struct history *history, size_t index, const char *prefix, size_t prefix_bytes) {
    for (index++; index < history->count; index++) {
        if (begins_with(history, index, prefix, prefix_bytes)) {
            return index;
        }
    }
    return HISTORY_NONE;
}

size_t history_search(const struct history *history, size_t index, const char *text, size_t text_bytes,
                      size_t *at) {
    while (index > 0) {
        index--;
        size_t len;
        const char *line = history_line(history, index, &len);
        for (size_t i = 0; i + text_bytes <= len; i++) {
            if (memcmp(line + i, text, text_bytes) == 0) {
                *at = i;
                return index;
            }
        }
    }
    return HISTORY_NONE;
}
