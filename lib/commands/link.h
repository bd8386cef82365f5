// A chain of calls: `call keys.open '(name = "device")' .key.sign '(message = "x")'`. What follows a call begins with a dot, and is
// on a capability that its results have.
#pragma once

#include "lib/commands/target.h"
#include "lib/reflect/read.h"

// A capability among the results of a method.
struct link {
    struct capnp_text field;
    uint32_t offset; // of its pointer
    const struct capnp_schema *interface; // null: what it is only its handle says, once it is there
};

// What of the word ".FIELD.METHOD" or ".METHOD" is which; `field` is empty where none is named.
struct link_word {
    struct capnp_text field, method;
};
struct link_word link_word(struct capnp_text word);

// Number `index` of the capabilities in the results themselves; false behind the last.
bool link_at(const struct reflect_method *method, uint32_t index, struct link *out);

// The one of this name or, for none, the only one. False, with a sentence in `error`, when there is none, or more than one.
bool link_find(const struct reflect_method *method, struct capnp_text field, struct link *out, char error[REFLECT_ERROR_BYTES]);

// The capability in results that came: still theirs, to be kept. 0: they have none.
handle_t link_handle(const struct link *link, struct capnp_struct results);

// Makes a target of a handle, which is the target's from now on. False, and it is closed: of an interface that this program does not
// know.
bool link_follow(const struct link *link, handle_t handle, struct target *out);
