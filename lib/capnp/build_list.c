#include "lib/capnp/build_list.h"

#include "base/mem.h"
#include "lib/capnp/allocate.h"
#include "lib/capnp/copy.h"

static struct capnp_list_builder simple_list(struct capnp_builder *builder, uint64_t *start, uint32_t segment,
                                             enum capnp_element element, uint32_t count) {
    return (struct capnp_list_builder){
        .builder = builder,
        .data = (uint8_t *)start,
        .segment = segment,
        .count = count,
        .step_bytes = capnp_element_bytes(element),
        .pointers = element == CAPNP_POINTERS,
        .element = element,
    };
}

// `tag` is where the tag is, or will be.
static struct capnp_list_builder struct_list(struct capnp_builder *builder, uint64_t *tag, uint32_t segment,
                                             uint64_t shape, uint32_t count) {
    return (struct capnp_list_builder){
        .builder = builder,
        .data = (uint8_t *)(tag + 1),
        .segment = segment,
        .count = count,
        .step_bytes = capnp_word_struct_words(shape) * 8u,
        .data_words = capnp_word_data_words(shape),
        .pointers = capnp_word_pointers(shape),
        .element = CAPNP_STRUCTS,
    };
}

struct capnp_list_builder capnp_place_list(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                           enum capnp_element element, uint32_t count) {
    if (at == nullptr) {
        return (struct capnp_list_builder){.element = element};
    }
    if (count > CAPNP_COUNT_MAX) {
        capnp_builder_fail(builder, CAPNP_TOO_LARGE);
        return (struct capnp_list_builder){.element = element};
    }
    capnp_wipe(builder, at, segment);
    uint64_t *start = capnp_allocate(builder, at, &segment, capnp_make_list(element, count),
                                     capnp_element_words(element, count));
    return start == nullptr ? (struct capnp_list_builder){.element = element}
                            : simple_list(builder, start, segment, element, count);
}

// Without a look at what was there before.
static struct capnp_list_builder new_struct_list(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                                 uint64_t shape, uint32_t count) {
    uint64_t words = (uint64_t)count * capnp_word_struct_words(shape);
    if (count > CAPNP_COUNT_MAX || words > CAPNP_COUNT_MAX) {
        capnp_builder_fail(builder, CAPNP_TOO_LARGE);
        return (struct capnp_list_builder){.element = CAPNP_STRUCTS};
    }
    uint64_t *tag = capnp_allocate(builder, at, &segment, capnp_make_list(CAPNP_STRUCTS, (uint32_t)words), words + 1);
    if (tag == nullptr) {
        return (struct capnp_list_builder){.element = CAPNP_STRUCTS};
    }
    *tag = capnp_make_offset(shape, count);
    return struct_list(builder, tag, segment, shape, count);
}

struct capnp_list_builder capnp_place_struct_list(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                                  uint64_t shape, uint32_t count) {
    if (at == nullptr) {
        return (struct capnp_list_builder){.element = CAPNP_STRUCTS};
    }
    capnp_wipe(builder, at, segment);
    return new_struct_list(builder, at, segment, shape, count);
}

// As it lies there.
static struct capnp_list_builder list_of(struct capnp_builder *builder, const struct capnp_built *object) {
    enum capnp_element element = capnp_word_element(object->word);
    if (element == CAPNP_STRUCTS) {
        uint64_t tag = *object->start;
        return struct_list(builder, object->start, object->segment, tag, capnp_word_tag_count(tag));
    }
    return simple_list(builder, object->start, object->segment, element, capnp_word_count(object->word));
}

// Makes the elements structs, of at least this shape. An element that was a number or a pointer becomes the
// first field of its struct.
static struct capnp_list_builder enlarge(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                         const struct capnp_built *object, const struct capnp_list_builder *from,
                                         uint64_t shape) {
    uint16_t data_words = capnp_word_data_words(shape);
    uint16_t pointers = capnp_word_pointers(shape);
    uint32_t data_bytes = capnp_read_list(*from).data_bytes;
    data_words = data_words * 8u < data_bytes ? (uint16_t)((data_bytes + 7) / 8) : data_words;
    pointers = pointers < from->pointers ? from->pointers : pointers;
    struct capnp_list_builder to =
        new_struct_list(builder, at, segment, capnp_make_struct(data_words, pointers), from->count);
    for (uint32_t i = 0; i < to.count; i++) {
        struct capnp_struct_builder element = capnp_list_edit_struct(to, i);
        uint8_t *old = from->data + (uint64_t)i * from->step_bytes;
        memcpy(element.data, old, data_bytes);
        for (uint32_t p = 0; p < from->pointers; p++) {
            capnp_move_pointer(builder, (uint64_t *)(void *)(old + data_bytes) + p, from->segment,
                               element.data + element.data_words + p, element.segment);
        }
    }
    if (to.data != nullptr) {
        capnp_wipe_object(builder, object, CAPNP_NESTING);
    }
    return to;
}

struct capnp_list_builder capnp_reach_list(struct capnp_builder *builder, uint64_t *at, uint32_t segment,
                                           enum capnp_element element, uint64_t shape, const uint64_t *fallback) {
    if (at != nullptr && *at == 0 && fallback != nullptr) {
        capnp_set_pointer((struct capnp_pointer_builder){builder, at, segment}, capnp_constant(fallback));
    }
    if (at == nullptr || *at == 0) {
        return (struct capnp_list_builder){.builder = builder, .element = element};
    }
    struct capnp_built object = capnp_locate(builder, at, segment);
    if (capnp_word_kind(object.word) == CAPNP_KIND_LIST) {
        struct capnp_list_builder list = list_of(builder, &object);
        bool same = list.element == element;
        if (element == CAPNP_STRUCTS && (same || list.element != CAPNP_BITS)) {
            return same && list.data_words >= capnp_word_data_words(shape) && list.pointers >= capnp_word_pointers(shape)
                       ? list
                       : enlarge(builder, at, segment, &object, &list, shape);
        }
        if (same || (list.element == CAPNP_STRUCTS && element != CAPNP_BITS &&
                     (element == CAPNP_POINTERS ? list.pointers != 0 : element == CAPNP_VOID || list.data_words != 0))) {
            return list;
        }
    }
    capnp_builder_fail(builder, CAPNP_WRONG_KIND);
    return (struct capnp_list_builder){.builder = builder, .element = element};
}

void capnp_trim_list(struct capnp_pointer_builder p, uint32_t count) {
    if (p.at == nullptr || *p.at == 0) {
        return;
    }
    struct capnp_built object = capnp_locate(p.builder, p.at, p.segment);
    if (capnp_word_kind(object.word) != CAPNP_KIND_LIST) {
        capnp_builder_fail(p.builder, CAPNP_WRONG_KIND);
        return;
    }
    struct capnp_list_builder list = list_of(p.builder, &object);
    if (count >= list.count) {
        return;
    }
    uint64_t before, after;
    uint64_t word;
    if (list.element == CAPNP_STRUCTS) {
        uint32_t step = list.step_bytes / 8u;
        before = 1 + (uint64_t)list.count * step;
        after = 1 + (uint64_t)count * step;
        word = capnp_make_list(CAPNP_STRUCTS, count * step);
    } else {
        before = capnp_element_words(list.element, list.count);
        after = capnp_element_words(list.element, count);
        word = capnp_make_list(list.element, count);
    }
    for (uint32_t i = count; i < list.count && list.pointers != 0; i++) {
        uint64_t *pointers = capnp_list_edit_pointer(list, i).at;
        for (uint32_t k = 0; k < list.pointers; k++) {
            capnp_wipe(p.builder, pointers + k, list.segment);
        }
    }
    if (list.element == CAPNP_BITS) {
        for (uint32_t i = count; i < list.count; i++) {
            list.data[i / 8] &= (uint8_t)~(1u << i % 8);
        }
    } else {
        memset(list.data + (uint64_t)count * list.step_bytes, 0, (uint64_t)(list.count - count) * list.step_bytes);
    }
    if (list.element == CAPNP_STRUCTS) {
        *object.start = capnp_make_offset(capnp_make_struct(list.data_words, list.pointers), count);
    }
    // Only the halves that say how long it is change: the offset stays.
    uint64_t *describes = object.pad == nullptr ? p.at : object.pad_words == 2 ? object.pad + 1 : object.pad;
    *describes = word | (uint32_t)*describes;
    struct capnp_segment *in = &p.builder->segments[object.segment];
    if (object.start + before == in->words + in->count) {
        in->count -= (uint32_t)(before - after);
    }
}
