#include "lib/capnp/build.h"

#include "base/mem.h"
#include "lib/capnp/allocate.h"
#include "lib/capnp/copy.h"

void capnp_builder_init_growing(struct capnp_builder *builder, void *memory, uint32_t word_count,
                                struct capnp_segment *table, uint32_t table_count, capnp_grow_fn *grow, void *context) {
    *builder = (struct capnp_builder){
        .view = {.segments = table, .segment_count = 1, .traversal_words = UINT64_MAX, .nesting = CAPNP_NESTING},
        .segments = table,
        .segment_max = table_count,
        .grow = grow,
        .context = context,
    };
    table[0] = (struct capnp_segment){
        .words = memory,
        .capacity = word_count < CAPNP_COUNT_MAX ? word_count : CAPNP_COUNT_MAX,
    };
    capnp_builder_handles(builder, builder->few, CAPNP_FEW_HANDLES);
}

void capnp_builder_init(struct capnp_builder *builder, void *memory, uint32_t word_count) {
    // The table is part of what is initialised, so it is filled in afterwards.
    struct capnp_segment table;
    capnp_builder_init_growing(builder, memory, word_count, &table, 1, nullptr, nullptr);
    builder->first = table;
    builder->segments = &builder->first;
    builder->view.segments = &builder->first;
}

// Lays the root out at the beginning of what has room for it.
static struct capnp_struct_builder lay_out(struct capnp_builder *builder, uint64_t *memory, uint32_t words, uint16_t data_words,
                                           uint16_t pointers) {
    memory[0] = words > 1 ? capnp_make_struct(data_words, pointers) : CAPNP_EMPTY_STRUCT;
    for (uint32_t i = 1; i < words; i++) {
        memory[i] = 0;
    }
    // What has no size lies at its pointer (capnp_place_struct).
    return (struct capnp_struct_builder){.builder = builder, .data = memory + (words > 1), .data_words = data_words, .pointers = pointers};
}

// Only what is ever read: this is done for each answer that has a capability.
struct capnp_struct_builder capnp_builder_init_struct(struct capnp_builder *builder, uint64_t *memory, uint32_t word_count,
                                                      uint16_t data_words, uint16_t pointers) {
    const uint32_t words = 1u + data_words + pointers;
    builder->view.segments = builder->segments = &builder->first;
    builder->view.segment_count = builder->segment_max = 1;
    builder->view.error = 0;
    builder->view.traversal_words = UINT64_MAX;
    builder->view.nesting = CAPNP_NESTING;
    builder->grow = nullptr;
    builder->first = (struct capnp_segment){.words = memory, .count = words, .capacity = word_count};
    capnp_builder_handles(builder, builder->few, CAPNP_FEW_HANDLES);
    return lay_out(builder, memory, words, data_words, pointers);
}

struct capnp_struct_builder capnp_build_root(struct capnp_builder *builder, uint16_t data_words, uint16_t pointers) {
    struct capnp_segment *segment = &builder->segments[0];
    const uint32_t words = 1u + data_words + pointers;
    if (segment->count != 0 || words > segment->capacity) {
        return capnp_init_struct(capnp_init_root(builder), data_words, pointers);
    }
    segment->count = words;
    return lay_out(builder, segment->words, words, data_words, pointers);
}

void capnp_builder_handles(struct capnp_builder *builder, handle_t *table, uint32_t count) {
    builder->handles = table;
    builder->handle_max = count;
    builder->view.handles = table;
    builder->view.handle_count = 0;
    builder->moved = 0;
}

struct capnp_pointer_builder capnp_init_root(struct capnp_builder *builder) {
    struct capnp_segment *segment = &builder->segments[0];
    if (segment->count == 0) {
        if (segment->capacity == 0) {
            capnp_builder_fail(builder, CAPNP_NO_SPACE);
            return (struct capnp_pointer_builder){.builder = builder};
        }
        segment->words[segment->count++] = 0;
    }
    return (struct capnp_pointer_builder){.builder = builder, .at = segment->words};
}

// An object of so many words in place of what is there, which is wiped when `fill` is copied.
static uint64_t *replace(struct capnp_builder *builder, uint64_t *at, uint32_t *segment, uint64_t word, uint64_t words,
                         const void *fill, size_t fill_bytes) {
    struct capnp_built old = {};
    if (*at != 0) {
        old = capnp_locate(builder, at, *segment);
    }
    uint64_t *start = capnp_allocate(builder, at, segment, word, words);
    if (start == nullptr) {
        return nullptr;
    }
    if (fill_bytes != 0) {
        memcpy(start, fill, fill_bytes);
    }
    if (old.word != 0) {
        capnp_wipe_object(builder, &old, CAPNP_NESTING);
    }
    return start;
}

static struct capnp_struct_builder struct_of(struct capnp_builder *builder, uint64_t *start, uint32_t segment,
                                             uint64_t word) {
    return (struct capnp_struct_builder){builder, start, segment, capnp_word_data_words(word), capnp_word_pointers(word)};
}

struct capnp_struct_builder capnp_place_struct(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                               uint64_t shape) {
    if (at == nullptr) {
        return (struct capnp_struct_builder){};
    }
    if (shape == 0) {
        capnp_wipe(builder, at, segment);
        *at = CAPNP_EMPTY_STRUCT;
        return (struct capnp_struct_builder){builder, at, segment, 0, 0};
    }
    uint64_t *start = replace(builder, at, &segment, shape, capnp_word_struct_words(shape), nullptr, 0);
    return start == nullptr ? (struct capnp_struct_builder){} : struct_of(builder, start, segment, shape);
}

// Makes the struct as large as it has to be: a new one, into which data and pointers go.
static struct capnp_struct_builder enlarge(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                           struct capnp_built *old, uint64_t shape) {
    struct capnp_struct_builder from = struct_of(builder, old->start, old->segment, old->word);
    uint16_t data_words = from.data_words > capnp_word_data_words(shape) ? from.data_words : capnp_word_data_words(shape);
    uint16_t pointers = from.pointers > capnp_word_pointers(shape) ? from.pointers : capnp_word_pointers(shape);
    shape = capnp_make_struct(data_words, pointers);
    uint64_t *start = capnp_allocate(builder, at, &segment, shape, capnp_word_struct_words(shape));
    if (start == nullptr) {
        return (struct capnp_struct_builder){};
    }
    struct capnp_struct_builder to = struct_of(builder, start, segment, shape);
    capnp_move_struct(builder, &from, &to);
    capnp_wipe_object(builder, old, CAPNP_NESTING);
    return to;
}

void capnp_move_struct(struct capnp_builder *builder, const struct capnp_struct_builder *from,
                       const struct capnp_struct_builder *to) {
    memcpy(to->data, from->data, from->data_words * CAPNP_WORD_BYTES);
    for (uint32_t i = 0; i < from->pointers; i++) {
        capnp_move_pointer(builder, from->data + from->data_words + i, from->segment, to->data + to->data_words + i,
                           to->segment);
    }
}

struct capnp_struct_builder capnp_reach_struct(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                               uint64_t shape, const uint64_t *fallback) {
    if (at == nullptr) {
        return (struct capnp_struct_builder){};
    }
    if (*at == 0 && fallback == nullptr) {
        return capnp_place_struct(builder, at, segment, shape);
    }
    if (*at == 0) {
        capnp_set_pointer((struct capnp_pointer_builder){builder, at, segment}, capnp_constant(fallback));
    }
    struct capnp_built object = capnp_locate(builder, at, segment);
    if (object.word == 0 || capnp_word_kind(object.word) != CAPNP_KIND_STRUCT) {
        capnp_builder_fail(builder, CAPNP_WRONG_KIND);
        return (struct capnp_struct_builder){};
    }
    if (capnp_word_data_words(object.word) < capnp_word_data_words(shape) ||
        capnp_word_pointers(object.word) < capnp_word_pointers(shape)) {
        return enlarge(builder, at, segment, &object, shape);
    }
    return struct_of(builder, object.start, object.segment, object.word);
}

uint8_t *capnp_place_bytes(struct capnp_builder *builder, uint64_t *at, uint32_t segment, uint64_t count,
                           const void *bytes, size_t len) {
    if (at == nullptr) {
        return nullptr;
    }
    if (count > CAPNP_COUNT_MAX || len > CAPNP_COUNT_MAX) {
        capnp_builder_fail(builder, CAPNP_TOO_LARGE);
        return nullptr;
    }
    uint64_t word = capnp_make_list(CAPNP_1_BYTE, (uint32_t)count);
    return (uint8_t *)replace(builder, at, &segment, word, (count + 7) / 8, bytes, len);
}

void capnp_place_handle(struct capnp_builder *builder, uint64_t *at, uint32_t segment, handle_t handle, bool move) {
    uint32_t index;
    if (at == nullptr) {
        return;
    }
    if (*at != 0) {
        capnp_wipe(builder, at, segment);
    }
    if (handle.v != 0 && capnp_add_handle(builder, handle, move, &index)) {
        *at = capnp_make_handle(index);
    }
}

void capnp_wipe(struct capnp_builder *builder, uint64_t *at, uint32_t segment) {
    if (at != nullptr && *at != 0) {
        struct capnp_built object = capnp_locate(builder, at, segment);
        *at = 0;
        capnp_wipe_object(builder, &object, CAPNP_NESTING);
    }
}
