// What Tab offers: words for the place of the one being typed. (complete.c)
#pragma once

#include <stddef.h>
#include <stdint.h>

struct wanted {
    const char *prefix; // what is typed of it
    size_t prefix_bytes;
    bool any_case; // upper and lower case are the same
};

// Begins anew: what is offered replaces so many bytes before the cursor.
void candidates_begin(size_t replace_bytes);

// Offers the word if it begins so.
void candidates_add(const struct wanted *wanted, const char *word);

// What is put in behind the only one. " " unless another is said.
void candidates_suffix(const char *suffix);

// For a line that begins with `call `, of which `rest` is what follows. (complete_call.c)
void complete_call(const char *rest, size_t len);
