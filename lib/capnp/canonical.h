// The canonical form of a message: the one sequence of words that stands for its content, for hashing, signing and
// comparing (spec, Canonicalization). One segment, objects in preorder, nothing that could be left out.
#pragma once

#include "lib/capnp/build.h"

// Writes the form of this struct, as a root, to 8-byte aligned memory. NO_SPACE; NOT_CANONICAL: it holds a capability; or
// what is wrong with the struct's message, which keeps the error. *used is words.
status_t capnp_canonicalise(struct capnp_struct root, void *memory, uint32_t word_count, uint32_t *used);

// STATUS_OK when these words are a message in canonical form; NOT_CANONICAL, or what is wrong with it.
status_t capnp_check_canonical(const void *words, uint32_t word_count);

// How many of these words a message in canonical form at their beginning takes; what follows is not looked at.
status_t capnp_measure_canonical(const void *words, uint32_t word_count, uint32_t *used);
