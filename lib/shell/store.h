// Named texts in a bounded memory: variables, functions, and the files of a session.
#pragma once

#include "lib/shell/syntax.h"

// Entries lie one after the other, each with a header, without gaps; the newest last.
struct shell_store {
    char *bytes;
    size_t size, used;
};

constexpr size_t SHELL_STORE_NAME_MAX = 63;

void store_init(struct shell_store *store, char *bytes, size_t size);

// The text is good until the store is changed. False: there is none of this name.
bool store_find(const struct shell_store *store, struct shell_text name, struct shell_text *out);

// In place of what was there; false, with nothing changed, when there is no room for it. The text may lie in the store.
[[nodiscard]] bool store_put(struct shell_store *store, struct shell_text name, struct shell_text text);

// Behind what is there; likewise. The text does not lie in the store.
[[nodiscard]] bool store_append(struct shell_store *store, struct shell_text name, struct shell_text text);

bool store_remove(struct shell_store *store, struct shell_text name);

// Gives the entry another name, in place of what had that; false when there is none, or no room for a longer name. The new name
// does not lie in the store.
bool store_rename(struct shell_store *store, struct shell_text from, struct shell_text to);

// Entry `index`, oldest first; false at the end.
bool store_at(const struct shell_store *store, size_t index, struct shell_text *name, struct shell_text *text);
