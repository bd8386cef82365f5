// Client stubs of the log (lib/wire/log.h). Statuses: lib/wire/client.h. All but log_post may block
// until their deadline.
#pragma once

#include "lib/wire/log.h"

// Appends a record and waits until it is kept. `subject` is 0, or (control) the holder it is filed under.
status_t log_append(handle_t log, enum log_level level, uint64_t subject, const char *text, size_t text_bytes,
                    uint64_t deadline_ns);

// Hands a record over without an answer: for those who must never wait for logd. TIMED_OUT: logd did not
// take it before the deadline; the record is not kept.
status_t log_post(handle_t log, enum log_level level, uint64_t subject, const char *text, size_t text_bytes,
                  uint64_t deadline_ns);

// Appends a formatted record; gives up after a second. What is longer than 256 bytes ends in "...".
[[gnu::format(printf, 3, 4)]] status_t log_print(handle_t log, enum log_level level, const char *format, ...);

// Asks for one page of records. They are in the message page, for log_record_next with `page_bytes`, until
// the next call.
struct log_answer {
    uint64_t records;
    uint64_t next_after;
    bool more;
    uint64_t dropped;
    size_t page_bytes;
};
status_t log_query(handle_t log, const struct log_query *query, struct log_answer *out);

status_t log_stats(handle_t log, struct log_stats *out);

// Control: records of this holder carry the name from now on; nullptr: the holder is gone.
status_t log_name_badge(handle_t log, uint64_t holder, const char *name, uint64_t deadline_ns);
