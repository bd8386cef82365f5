// The contract of the log (logd): append records, read them back.
//
// LOG_APPEND     words[0] level, words[1] subject (0: the caller; control: the holder number that the
//                record is filed under); page: the text, 1..LOG_TEXT_MAX bytes of UTF-8.
//                May be sent without waiting for an answer. Answer: words[0] sequence.
// LOG_QUERY      words[0] after (records with a higher sequence), words[1] limit, words[2] least urgent
//                level wanted, words[3] 1: of what matches only the last `limit`; page: empty, or the
//                name of the one service wanted.
//                Answer: words[0] records, words[1] `after` for the next query, words[2] 1 when more
//                match, words[3] records that were dropped between `after` and the oldest one kept;
//                page: the records, struct log_wire_record followed by the text, padded to 8 bytes.
// LOG_STATS      Answer: struct log_stats in words.
// LOG_NAME_BADGE control. words[0] holder number; page: its name, which later records of that holder carry, or
//                empty: the holder is gone.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/wire/wire.h"

enum log_method : uint32_t {
    LOG_APPEND = 1,
    LOG_QUERY = 2,
    LOG_STATS = 3,
    LOG_NAME_BADGE = 4,
};

enum log_level : uint8_t {
    LOG_ERROR = 0,
    LOG_WARNING = 1,
    LOG_INFO = 2,
    LOG_DEBUG = 3,
    LOG_LEVEL_COUNT = 4,
};

constexpr size_t LOG_TEXT_MAX = 1024;

// "error", "warning", "info", "debug".
const char *log_level_name(enum log_level level);

struct log_wire_record {
    uint64_t sequence; // from 1, never reused while logd lives
    uint64_t time_ns;
    uint8_t level; // enum log_level
    uint8_t zero;
    uint16_t text_bytes;
    uint32_t zero2;
    char service[WIRE_NAME_BYTES];
};
static_assert(sizeof(struct log_wire_record) == 48);

struct log_query {
    uint64_t after;
    uint64_t limit;
    enum log_level level;
    bool last;
    char service[WIRE_NAME_BYTES]; // empty: all
};

struct log_stats {
    uint64_t records;
    uint64_t used_bytes;
    uint64_t capacity_bytes;
    uint64_t appended; // since logd started
    uint64_t dropped;  // the oldest ones, to make room
    uint64_t first_sequence;
    uint64_t last_sequence;
    uint64_t refused; // appends that were malformed
};
static_assert(sizeof(struct log_stats) == 8 * 8);

struct log_append {
    enum log_level level;
    uint64_t subject; // holder number
    const char *text; // in the request's page
    size_t text_bytes;
};

// --- the server's side: each is false when the request is malformed ---
[[nodiscard]] bool log_append_decode(const struct wire_request *request, struct log_append *out);
[[nodiscard]] bool log_query_decode(const struct wire_request *request, struct log_query *out);

// Appends one record to an answer page of MESSAGE_PAGE_BYTES that has *used bytes already; false, with
// nothing changed, when it does not fit.
[[nodiscard]] bool log_record_put(uint8_t *page, size_t *used, const struct log_wire_record *record,
                                  const char *text);

// --- the client's side ---

// One record of an answer; `text` points into the bytes that were decoded.
struct log_record {
    struct log_wire_record header;
    const char *text;
};

// Takes the record at *offset and steps over it; false at the end, or when the bytes are malformed.
[[nodiscard]] bool log_record_next(const uint8_t *page, size_t page_bytes, size_t *offset, struct log_record *out);

// Lays out a request; the page has MESSAGE_PAGE_BYTES. Text beyond LOG_TEXT_MAX is cut and ends in "...".
struct wire_body log_append_encode(uint8_t *page, enum log_level level, uint64_t subject, const char *text,
                                   size_t text_bytes);
struct wire_body log_query_encode(uint8_t *page, const struct log_query *query);
