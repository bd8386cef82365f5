// The lines that were entered before: bounded in number and bytes, each text once, newest last.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t HISTORY_LINES = 100;
constexpr size_t HISTORY_BYTES = 6144;

// Lines lie one after the other in `bytes`, oldest first, without gaps.
struct history {
    size_t count;
    size_t used;
    uint16_t lengths[HISTORY_LINES];
    char bytes[HISTORY_BYTES];
};

void history_init(struct history *history);

// Adds a line as the newest; one with the same text is taken out, the oldest make room. Lines that are
// empty or longer than HISTORY_BYTES are not kept.
void history_add(struct history *history, const char *line, size_t len);

// Line `index`, 0 the oldest; not terminated. `index` < count.
const char *history_line(const struct history *history, size_t index, size_t *len);

constexpr size_t HISTORY_NONE = SIZE_MAX;

// The next older (newer) line than `index` that begins with the prefix; HISTORY_NONE when there is
// none. Begin with `index` = count.
size_t history_older(const struct history *history, size_t index, const char *prefix, size_t prefix_bytes);
size_t history_newer(const struct history *history, size_t index, const char *prefix, size_t prefix_bytes);

// The newest line older than `index` that has `text` in it, and where.
size_t history_search(const struct history *history, size_t index, const char *text, size_t text_bytes,
                      size_t *at);
