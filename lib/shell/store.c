#include "lib/shell/store.h"

struct header {
    uint32_t name_len, text_len;
};

void store_init(struct shell_store *store, char *bytes, size_t size) {
    *store = (struct shell_store){.bytes = bytes, .size = size};
}

static struct header header_at(const struct shell_store *store, size_t at) {
    struct header header;
    memcpy(&header, store->bytes + at, sizeof(header));
    return header;
}

static size_t entry_bytes(struct header header) {
    return sizeof(header) + header.name_len + header.text_len;
}

static struct shell_text name_at(const struct shell_store *store, size_t at) {
    return (struct shell_text){store->bytes + at + sizeof(struct header), header_at(store, at).name_len};
}

static struct shell_text text_at(const struct shell_store *store, size_t at) {
    const struct header header = header_at(store, at);
    return (struct shell_text){store->bytes + at + sizeof(header) + header.name_len, header.text_len};
}

static bool equal(struct shell_text a, struct shell_text b) {
    return a.len == b.len && memcmp(a.bytes, b.bytes, a.len) == 0;
}

// Where the entry lies; store->used when there is none.
static size_t place_of(const struct shell_store *store, struct shell_text name) {
    size_t at = 0;
    while (at < store->used && !equal(name_at(store, at), name)) {
        at += entry_bytes(header_at(store, at));
    }
    return at;
}

static void remove_at(struct shell_store *store, size_t at) {
    const size_t end = at + entry_bytes(header_at(store, at));
    memmove(store->bytes + at, store->bytes + end, store->used - end);
    store->used -= end - at;
}

bool store_find(const struct shell_store *store, struct shell_text name, struct shell_text *out) {
    const size_t at = place_of(store, name);
    if (at == store->used) {
        return false;
    }
    *out = text_at(store, at);
    return true;
}

// Behind all others; there is room.
static void add(struct shell_store *store, struct shell_text name, struct shell_text text) {
    const struct header header = {.name_len = (uint32_t)name.len, .text_len = (uint32_t)text.len};
    char *const to = store->bytes + store->used;
    memmove(to + sizeof(header) + name.len, text.bytes, text.len);
    memcpy(to + sizeof(header), name.bytes, name.len);
    memcpy(to, &header, sizeof(header));
    store->used += entry_bytes(header);
}

bool store_put(struct shell_store *store, struct shell_text name, struct shell_text text) {
    const size_t old = place_of(store, name);
    const size_t needed = sizeof(struct header) + name.len + text.len;
    if (name.len > SHELL_STORE_NAME_MAX || text.len > store->size || needed > store->size - store->used) {
        return false;
    }
    const bool replaces = old < store->used;
    add(store, name, text); // before the old one goes: it may be what the text lies in
    if (replaces) {
        remove_at(store, old);
    }
    return true;
}

// Turns the bytes from `at` on round, so that the first `count` of them come to be the last.
static void rotate(char *bytes, size_t len, size_t count) {
    const size_t limits[3][2] = {{0, count}, {count, len}, {0, len}};
    for (size_t i = 0; i < 3; i++) {
        for (size_t low = limits[i][0], high = limits[i][1]; low + 1 < high; low++) {
            high--;
            const char c = bytes[low];
            bytes[low] = bytes[high];
            bytes[high] = c;
        }
    }
}

static void make_last(struct shell_store *store, size_t at) {
    rotate(store->bytes + at, store->used - at, entry_bytes(header_at(store, at)));
}

bool store_append(struct shell_store *store, struct shell_text name, struct shell_text text) {
    const size_t at = place_of(store, name);
    if (at == store->used) {
        return store_put(store, name, text);
    }
    if (text.len > store->size - store->used) {
        return false;
    }
    struct header header = header_at(store, at);
    make_last(store, at);
    const size_t last = store->used - entry_bytes(header);
    memcpy(store->bytes + store->used, text.bytes, text.len);
    header.text_len += (uint32_t)text.len;
    memcpy(store->bytes + last, &header, sizeof(header));
    store->used += text.len;
    return true;
}

bool store_remove(struct shell_store *store, struct shell_text name) {
    const size_t at = place_of(store, name);
    if (at == store->used) {
        return false;
    }
    remove_at(store, at);
    return true;
}

bool store_rename(struct shell_store *store, struct shell_text from, struct shell_text to) {
    const size_t at = place_of(store, from);
    if (at == store->used || to.len > SHELL_STORE_NAME_MAX || (to.len > from.len && to.len - from.len > store->size - store->used)) {
        return false;
    }
    if (equal(from, to)) {
        return true;
    }
    make_last(store, at);
    (void)store_remove(store, to); // there may be none
    const size_t last = place_of(store, from);
    struct header header = header_at(store, last);
    char *const name = store->bytes + last + sizeof(header);
    memmove(name + to.len, name + header.name_len, header.text_len);
    memcpy(name, to.bytes, to.len);
    header.name_len = (uint32_t)to.len;
    memcpy(store->bytes + last, &header, sizeof(header));
    store->used = last + entry_bytes(header);
    return true;
}

bool store_at(const struct shell_store *store, size_t index, struct shell_text *name, struct shell_text *text) {
    size_t at = 0;
    for (; at < store->used && index > 0; index--) {
        at += entry_bytes(header_at(store, at));
    }
    if (at >= store->used) {
        return false;
    }
    *name = name_at(store, at);
    *text = text_at(store, at);
    return true;
}
