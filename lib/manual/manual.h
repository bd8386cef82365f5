// The manual that the system carries (idl/manual.capnp), read where it lies.
//
// Whoever made the file is not believed: what is malformed is left out, and nothing outside its bytes is read, whatever is
// in them. They must not change meanwhile. Nothing here allocates or blocks.
#pragma once

#include "idl/manual.capnp.h"

constexpr size_t MANUAL_NAME_MAX = 63;

// Something that has a name: a page, or a part of one. All of it lies in the file.
struct manual_entry {
    enum manual_section section; // maybe one that this program does not know
    bool is_page;
    struct capnp_text page;      // whose it is: the same as the name, of a page
    struct capnp_text name;      // printable, without blanks
    struct capnp_text summary;
    const char *text;            // not terminated; its first line names it
    size_t text_bytes;
    size_t own_bytes;            // of the text, before the first part that lies in it
    size_t comment_bytes;        // of the text, before the description
};

// Goes through the entries: each page, and behind it its parts.
struct manual_walk {
    struct capnp_message message;
    struct manual_page_list pages;
    uint32_t next_page;
    struct manual_entry page;      // the one whose parts come next
    struct manual_part_list parts;
    uint32_t next_part;
};

// `words` is 8-byte aligned. What is behind the last whole word, and zeros behind the message, do not matter.
void manual_walk_begin(struct manual_walk *walk, const void *words, size_t len_bytes);
[[nodiscard]] bool manual_walk_next(struct manual_walk *walk, struct manual_entry *out);

// How well a name fits an entry. Pages may declare things of one name: `Key` is in `config` and in `keys`, and the one of these is
// `keys.Key`. The larger is the better.
enum manual_fit : uint8_t {
    MANUAL_FITS_NOT,
    MANUAL_FITS_PATH_BUT_FOR_CASE,
    MANUAL_FITS_NAME_BUT_FOR_CASE,
    MANUAL_FITS_PATH, // PAGE.NAME, of a part
    MANUAL_FITS_NAME,
};
enum manual_fit manual_fit(const struct manual_entry *entry, const char *name);

// The entry that the name fits best, and the first of several; in the section or (null) in any.
[[nodiscard]] bool manual_find(const void *words, size_t len_bytes, const enum manual_section *section, const char *name,
                               struct manual_entry *out);

// "contracts", "concepts", "objects", "howto"; null when the number is none of them.
const char *manual_section_name(enum manual_section section);

// ---- search ----

// How well an entry answers a search, 0: not at all. Every word must be in the entry: anywhere in its name, or at the beginning
// of a word of its summary or its own text; upper and lower case are the same.
unsigned manual_match(const struct manual_entry *entry, const char *const *words, size_t count);

constexpr size_t MANUAL_RESULTS_MAX = 40;

// The best so far, best first; of equals the one that came first.
struct manual_results {
    size_t count;
    size_t left_out; // there was no room for
    struct {
        unsigned score;
        struct manual_entry entry;
    } best[MANUAL_RESULTS_MAX];
};

// Does nothing when the score is 0.
void manual_results_add(struct manual_results *results, const struct manual_entry *entry, unsigned score);
