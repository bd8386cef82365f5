// Where objects of a message under construction lie: what the building parts of the library share, and nobody else uses.
#pragma once

#include "lib/capnp/build.h"

static inline void capnp_builder_fail(struct capnp_builder *builder, enum capnp_status error) {
    if (builder != nullptr) {
        capnp_fail(&builder->view, error);
    }
}

// An object of a message under construction, and what leads to it. `word` 0: there is none.
struct capnp_built {
    uint64_t word;   // what describes it
    uint64_t *start; // its first word
    uint64_t *pad;   // the landing pad that leads to it, or nullptr
    uint32_t segment;
    uint32_t pad_words;
};

// Follows a pointer. What a builder wrote is right, so that nothing is checked. A capability: `word` and nothing else.
struct capnp_built capnp_locate(struct capnp_builder *builder, uint64_t *at, uint32_t segment);

// Makes room for an object of so many words, zeroed, and the pointer to it, which overwrites what is there. `word` is the
// pointer without offset. *segment is that of the pointer, and becomes that of the object. nullptr, with the error kept
// and nothing changed, when there is no room.
uint64_t *capnp_allocate(struct capnp_builder *builder, uint64_t *at, uint32_t *segment, uint64_t word, uint64_t words);

// Zeroes what capnp_locate found, and all below it; not the pointer that led there.
void capnp_wipe_object(struct capnp_builder *builder, const struct capnp_built *object, uint32_t depth);

// The pointer in `from` is afterwards in `to`, which was null and in another object.
void capnp_move_pointer(struct capnp_builder *builder, uint64_t *from, uint32_t from_segment, uint64_t *to,
                        uint32_t to_segment);

// Data and pointers of a struct into another that is at least as large, and new.
void capnp_move_struct(struct capnp_builder *builder, const struct capnp_struct_builder *from,
                       const struct capnp_struct_builder *to);

// A new entry of the capability table; false, with the error kept, when it is full.
[[nodiscard]] static inline bool capnp_add_handle(struct capnp_builder *builder, handle_t handle, bool move, uint32_t *index) {
    const uint32_t next = builder->view.handle_count;
    if (next == builder->handle_max) {
        capnp_builder_fail(builder, CAPNP_NO_HANDLES);
        return false;
    }
    builder->handles[next] = handle;
    builder->moved |= (uint64_t)move << next;
    builder->view.handle_count = next + 1;
    *index = next;
    return true;
}
