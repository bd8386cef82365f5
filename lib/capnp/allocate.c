#include "lib/capnp/allocate.h"

#include "base/mem.h"

static uint64_t shape_of(uint64_t word) {
    return word & 0xffff'ffff'0000'0003;
}

static uint64_t *room_in(struct capnp_segment *segment, uint64_t words) {
    if (words > segment->capacity - segment->count) {
        return nullptr;
    }
    uint64_t *start = segment->words + segment->count;
    segment->count += (uint32_t)words;
    return start;
}

// Room in the newest segment, or in one more.
static uint64_t *room_elsewhere(struct capnp_builder *builder, uint64_t words, uint32_t *segment) {
    uint32_t newest = builder->view.segment_count - 1;
    uint64_t *start = room_in(&builder->segments[newest], words);
    if (start != nullptr) {
        *segment = newest;
        return start;
    }
    struct capnp_segment grown = {};
    if (builder->grow == nullptr || builder->view.segment_count == builder->segment_max ||
        !builder->grow(builder->context, (uint32_t)words, &grown) || grown.capacity < words) {
        capnp_builder_fail(builder, CAPNP_NO_SPACE);
        return nullptr;
    }
    grown.count = 0;
    grown.capacity = grown.capacity < CAPNP_COUNT_MAX ? grown.capacity : CAPNP_COUNT_MAX;
    *segment = builder->view.segment_count++;
    builder->segments[*segment] = grown;
    return room_in(&builder->segments[*segment], words);
}

static uint32_t index_in(const struct capnp_builder *builder, uint32_t segment, const uint64_t *word) {
    return (uint32_t)(word - builder->segments[segment].words);
}

uint64_t *capnp_allocate(struct capnp_builder *builder, uint64_t *at, uint32_t *segment, uint64_t word, uint64_t words) {
    // What has no size lies behind its pointer, not at the end of what was built: that may move (capnp_trim_list).
    uint64_t *start = words == 0 ? at + 1 : room_in(&builder->segments[*segment], words);
    if (start != nullptr) {
        *at = capnp_make_offset(word, start - at - 1);
    } else {
        uint64_t *pad = room_elsewhere(builder, words + 1, segment);
        if (pad == nullptr) {
            return nullptr;
        }
        *at = capnp_make_far(*segment, index_in(builder, *segment, pad));
        *pad = word; // the object follows at once: offset 0
        start = pad + 1;
    }
    for (uint64_t i = 0; i < words; i++) {
        start[i] = 0;
    }
    return start;
}

struct capnp_built capnp_locate(struct capnp_builder *builder, uint64_t *at, uint32_t segment) {
    uint64_t word = *at;
    if (capnp_word_kind(word) != CAPNP_KIND_FAR) {
        return (struct capnp_built){.word = word, .start = at + 1 + capnp_word_offset(word), .segment = segment};
    }
    segment = capnp_word_far_segment(word);
    uint64_t *pad = builder->segments[segment].words + capnp_word_far_offset(word);
    if (!capnp_word_far_is_double(word)) {
        return (struct capnp_built){*pad, pad + 1 + capnp_word_offset(*pad), pad, segment, 1};
    }
    segment = capnp_word_far_segment(pad[0]);
    uint64_t *start = builder->segments[segment].words + capnp_word_far_offset(pad[0]);
    return (struct capnp_built){pad[1], start, pad, segment, 2};
}

static void wipe_pointer(struct capnp_builder *builder, uint64_t *at, uint32_t segment, uint32_t depth) {
    if (*at != 0) {
        struct capnp_built below = capnp_locate(builder, at, segment);
        *at = 0;
        capnp_wipe_object(builder, &below, depth - 1);
    }
}

void capnp_wipe_object(struct capnp_builder *builder, const struct capnp_built *object, uint32_t depth) {
    if (depth == 0) {
        return;
    }
    memset(object->pad, 0, object->pad_words * CAPNP_WORD_BYTES);
    if (capnp_word_kind(object->word) == CAPNP_KIND_OTHER) {
        return;
    }
    // A struct, or a list whose elements are like one.
    uint64_t *element = object->start;
    uint32_t count = 1;
    uint32_t data_words = capnp_word_data_words(object->word);
    uint32_t pointers = capnp_word_pointers(object->word);
    uint64_t words = capnp_word_struct_words(object->word);
    if (capnp_word_kind(object->word) == CAPNP_KIND_LIST) {
        enum capnp_element kind = capnp_word_element(object->word);
        count = capnp_word_count(object->word);
        data_words = 0;
        pointers = kind == CAPNP_POINTERS;
        words = capnp_element_words(kind, count);
        if (kind == CAPNP_STRUCTS) {
            words = count + 1ull;
            count = capnp_word_tag_count(*element);
            data_words = capnp_word_data_words(*element);
            pointers = capnp_word_pointers(*element);
            element++;
        }
    }
    for (uint32_t i = 0; pointers != 0 && i < count; i++) {
        element += data_words;
        for (uint32_t p = 0; p < pointers; p++, element++) {
            wipe_pointer(builder, element, object->segment, depth);
        }
    }
    memset(object->start, 0, words * CAPNP_WORD_BYTES);
}

void capnp_move_pointer(struct capnp_builder *builder, uint64_t *from, uint32_t from_segment, uint64_t *to,
                        uint32_t to_segment) {
    uint64_t word = *from;
    *from = 0;
    // These say the same wherever they stand.
    if (word == 0 || word == CAPNP_EMPTY_STRUCT || capnp_word_kind(word) == CAPNP_KIND_FAR ||
        capnp_word_kind(word) == CAPNP_KIND_OTHER) {
        *to = word;
        return;
    }
    uint64_t *start = from + 1 + capnp_word_offset(word);
    if (from_segment == to_segment) {
        *to = capnp_make_offset(shape_of(word), start - to - 1);
        return;
    }
    uint64_t *pad = room_in(&builder->segments[from_segment], 1);
    if (pad != nullptr) {
        *pad = capnp_make_offset(shape_of(word), start - pad - 1);
        *to = capnp_make_far(from_segment, index_in(builder, from_segment, pad));
        return;
    }
    uint32_t pad_segment;
    pad = room_elsewhere(builder, 2, &pad_segment);
    if (pad != nullptr) {
        pad[0] = capnp_make_far(from_segment, index_in(builder, from_segment, start));
        pad[1] = shape_of(word);
        *to = capnp_make_far(pad_segment, index_in(builder, pad_segment, pad)) | CAPNP_FAR_DOUBLE;
    }
}
