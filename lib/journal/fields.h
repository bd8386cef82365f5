// The fields of a record, as the journal keeps them: one after the other, 4 bytes and the name and the value each. Pure; what
// is read may be anything.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t JOURNAL_FIELD_NAME_MAX = 23;

struct journal_field {
    const char *name;
    const char *text; // null: it is an integer
    size_t name_bytes, text_bytes;
    int64_t integer;
};

// Appends a field to `bytes`, of which *used are in use. False, with nothing changed, when it does not fit, or its name is none:
// 1 to 23 printable characters without a space or `=`.
[[nodiscard]] bool journal_fields_add(uint8_t *bytes, size_t size, size_t *used, const struct journal_field *field);

// Reads the field at *offset and moves on; false at the end, or where there is none.
bool journal_fields_next(const uint8_t *bytes, size_t len, size_t *offset, struct journal_field *out);

// Whether one of them is meant by NAME or NAME=VALUE.
bool journal_fields_match(const uint8_t *bytes, size_t len, const char *wanted, size_t wanted_bytes);
