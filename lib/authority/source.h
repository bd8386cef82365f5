// The source of a manifest: finds what is written in an entry, takes it out, and writes the difference down for `patch`.
//
// The compiler has accepted the text, so it is only taken apart as far as parentheses, strings and comments go. Whatever is not found
// is simply not found: in an entry that is put together of other constants, for instance.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "base/fmt.h"

constexpr size_t SOURCE_EDITS_MAX = 64;

// A part of the text: [from, to).
struct source_span {
    size_t from, to;
};

struct source_edit {
    struct source_span gone;
    char instead[16]; // of what is gone; ""
};

// A text and what is to be changed in it. The text stays the caller's.
struct source {
    const char *text;
    size_t len;
    size_t count;
    struct source_edit edits[SOURCE_EDITS_MAX];
};

// The entry, in parentheses, that begins in this line (from 1).
bool source_entry(const struct source *source, uint32_t line, struct source_span *out);

// The innermost entry of this name around this line that has grants: one that a line of them is known of, not its own.
bool source_entry_around(const struct source *source, uint32_t line, const char *name, struct source_span *out);

// Take out: an element of the entry's list of grants, or of the names that it resolves, by its name, `control` of one, a whole field. Set: a field that is a number.
// False when it is not written there, or there is no room for one edit more.
bool source_drop_grant(struct source *source, struct source_span entry, const char *name);
bool source_drop_name(struct source *source, struct source_span entry, const char *name);
bool source_drop_control(struct source *source, struct source_span entry, const char *name);
bool source_drop_field(struct source *source, struct source_span entry, const char *name);
bool source_set_number(struct source *source, struct source_span entry, const char *name, uint64_t value);

// A unified diff of the text, which is the file of this name. Nothing when nothing was changed.
void source_write_diff(const struct source *source, const char *file, fmt_sink_fn *sink, void *context);
