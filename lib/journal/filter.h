// Which records of a journal are asked for.
#pragma once

#include "lib/journal/journal.h"

// All of it must be so; the strings are runs of bytes, and an empty one lets every record pass.
struct journal_filter {
    struct journal_run {
        const char *bytes;
        size_t len;
    } source, domain, contains, field; // the source's name; a part of the text; NAME or NAME=VALUE
    uint64_t cause;                    // 0: any
    uint64_t from_ns, to_ns;
    uint8_t level; // at most this
    uint32_t kinds; // only those of these: bit n is kind n. 0: any
};

// `body` gets the record's body, whether it matches or not.
bool journal_matches(const struct journal *journal, uint16_t at, const struct journal_filter *filter,
                     char body[JOURNAL_BODY_MAX]);
