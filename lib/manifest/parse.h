// Parts of the manifest reader that see each other. Internal to lib/manifest.
#pragma once

#include "lib/manifest/lex.h"
#include "lib/manifest/manifest.h"

struct parser {
    struct manifest *out;
    struct manifest_error *error;
    struct manifest_unit *unit; // whose block is open, or null
    uint32_t line;
    uint32_t seen; // fields of the open block, one bit each
    struct lex_line words;
};

// Fills the error with the parser's line (or the one given) and is false, to be returned.
[[gnu::format(printf, 2, 3)]] bool parse_fail(struct parser *parser, const char *format, ...);
[[gnu::format(printf, 3, 4)]] bool parse_fail_at(struct parser *parser, uint32_t line, const char *format,
                                                 ...);

// A name: a lower-case letter, then lower-case letters, digits, `-` and `_`.
bool parse_name(struct parser *parser, const struct lex_word *word, const char *what,
                char to[MANIFEST_NAME_BYTES]);

// A number with K, M or G behind it or nothing.
bool parse_size(struct parser *parser, const struct lex_word *word, uint64_t *out);

// The line `grant NAME = WHAT`.
bool parse_grant(struct parser *parser);

// What only the whole file can show: unknown services, missing fields, names given twice.
bool manifest_check_whole(struct parser *parser);
