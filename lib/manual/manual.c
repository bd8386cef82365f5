#include "lib/manual/manual.h"

#include "base/str.h"

static bool is_name(struct capnp_text name) {
    for (size_t i = 0; i < name.len; i++) {
        if (!char_is_print(name.bytes[i]) || name.bytes[i] == ' ') {
            return false;
        }
    }
    return name.len > 0 && name.len <= MANUAL_NAME_MAX;
}

void manual_walk_begin(struct manual_walk *walk, const void *words, size_t len_bytes) {
    const size_t count = len_bytes / CAPNP_WORD_BYTES;
    *walk = (struct manual_walk){};
    capnp_message_init(&walk->message, words, count < UINT32_MAX ? (uint32_t)count : UINT32_MAX);
    walk->pages = manual_get_pages(manual_root(&walk->message));
}

// How much of begin..end lies before the part of this number.
static size_t own_bytes(struct manual_part_list parts, uint32_t next, size_t begin, size_t end) {
    if (next < manual_part_list_count(parts)) {
        const uint32_t other = manual_part_get_begin(manual_part_list_get(parts, next));
        if (other >= begin && other < end) {
            return other - begin;
        }
    }
    return end - begin;
}

// The message counts what is read of it: nothing is read twice.
static bool enter_page(struct manual_walk *walk, struct manual_page page) {
    const struct capnp_text text = manual_page_get_text(page);
    walk->parts = manual_page_get_parts(page);
    walk->next_part = 0;
    walk->page = (struct manual_entry){
        .section = manual_page_get_section(page),
        .is_page = true,
        .page = manual_page_get_name(page),
        .name = manual_page_get_name(page),
        .summary = manual_page_get_summary(page),
        .text = text.bytes,
        .text_bytes = text.len,
        .own_bytes = own_bytes(walk->parts, 0, 0, text.len),
    };
    return is_name(walk->page.name);
}

static bool read_part(const struct manual_walk *walk, uint32_t index, struct manual_entry *out) {
    const struct manual_part part = manual_part_list_get(walk->parts, index);
    const uint32_t begin = manual_part_get_begin(part), end = manual_part_get_end(part);
    const uint32_t comment = manual_part_get_comment(part);
    if (begin > comment || comment > end || end > walk->page.text_bytes) {
        return false;
    }
    *out = (struct manual_entry){
        .section = walk->page.section,
        .page = walk->page.name,
        .name = manual_part_get_name(part),
        .summary = manual_part_get_summary(part),
        .text = walk->page.text + begin,
        .text_bytes = end - begin,
        .own_bytes = own_bytes(walk->parts, index + 1, begin, end),
        .comment_bytes = comment - begin,
    };
    return is_name(out->name);
}

bool manual_walk_next(struct manual_walk *walk, struct manual_entry *out) {
    for (;;) {
        while (walk->next_part < manual_part_list_count(walk->parts)) {
            if (read_part(walk, walk->next_part++, out)) {
                return true;
            }
        }
        if (walk->next_page >= manual_page_list_count(walk->pages)) {
            return false;
        }
        if (enter_page(walk, manual_page_list_get(walk->pages, walk->next_page++))) {
            *out = walk->page;
            return true;
        }
    }
}

static bool same_but_for_case(const char *a, const char *b) {
    while (*a != '\0' && char_lower(*a) == char_lower(*b)) {
        a++;
        b++;
    }
    return char_lower(*a) == char_lower(*b);
}

// What of the path PAGE.NAME is behind the page's name; null: it is of another page.
static const char *behind_page(const char *path, struct capnp_text page) {
    for (size_t i = 0; i < page.len; i++) {
        if (char_lower(path[i]) != char_lower(page.bytes[i])) {
            return nullptr;
        }
    }
    return path[page.len] == '.' ? path + page.len + 1 : nullptr;
}

enum manual_fit manual_fit(const struct manual_entry *entry, const char *name) {
    const char *rest = entry->is_page ? nullptr : behind_page(name, entry->page);
    if (str_equal(entry->name.bytes, name)) {
        return MANUAL_FITS_NAME;
    } else if (rest != nullptr && str_equal(entry->name.bytes, rest)) {
        return MANUAL_FITS_PATH;
    } else if (same_but_for_case(entry->name.bytes, name)) {
        return MANUAL_FITS_NAME_BUT_FOR_CASE;
    }
    return rest != nullptr && same_but_for_case(entry->name.bytes, rest) ? MANUAL_FITS_PATH_BUT_FOR_CASE : MANUAL_FITS_NOT;
}

bool manual_find(const void *words, size_t len_bytes, const enum manual_section *section, const char *name,
                 struct manual_entry *out) {
    struct manual_walk walk;
    struct manual_entry entry;
    enum manual_fit best = MANUAL_FITS_NOT;
    manual_walk_begin(&walk, words, len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        const enum manual_fit fit = section == nullptr || entry.section == *section ? manual_fit(&entry, name) : MANUAL_FITS_NOT;
        if (fit > best) {
            *out = entry;
            best = fit;
        }
    }
    return best != MANUAL_FITS_NOT;
}

const char *manual_section_name(enum manual_section section) {
    static const char *const names[] = {"contracts", "concepts", "objects", "howto"};
    return section < sizeof(names) / sizeof(names[0]) ? names[section] : nullptr;
}
