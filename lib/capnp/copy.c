#include "lib/capnp/copy.h"

#include "base/mem.h"
#include "lib/capnp/allocate.h"
#include "lib/capnp/follow.h"

// The functions here call each other as deep as pointers are nested in the source, which its limit bounds.
static void copy_pointer(struct capnp_pointer_builder *p, struct capnp_pointer value, bool canonical);

static void copy_pointers(struct capnp_builder *builder, uint64_t *to, uint32_t segment, struct capnp_message *message,
                          const uint64_t *from, uint64_t place, uint32_t count, bool canonical) {
    for (uint32_t i = 0; i < count; i++) {
        if (!capnp_is_null((struct capnp_pointer){.at = from + i})) {
            struct capnp_pointer_builder p = {builder, to + i, segment};
            copy_pointer(&p, (struct capnp_pointer){message, from + i, place}, canonical);
        }
    }
}

// The words of some data up to the last one that is not 0 (canonical), or all of them.
static uint32_t data_words(const uint8_t *data, uint32_t bytes, bool canonical) {
    while (canonical && bytes > 0 && data[bytes - 1] == 0) {
        bytes--;
    }
    return (bytes + 7) / 8;
}

static uint32_t pointer_count(const uint8_t *pointers, uint32_t count, bool canonical) {
    const uint64_t *words = (const uint64_t *)(const void *)pointers;
    while (canonical && count > 0 && words[count - 1] == 0) {
        count--;
    }
    return count;
}

static void copy_struct(const struct capnp_pointer_builder *p, const struct capnp_struct *value, bool canonical) {
    if (value->data == nullptr) {
        *p->at = CAPNP_EMPTY_STRUCT;
        return;
    }
    uint32_t words = data_words(value->data, value->data_bytes, canonical);
    uint32_t pointers = pointer_count(value->data + value->data_bytes, value->pointers, canonical);
    if (words + pointers == 0) {
        *p->at = CAPNP_EMPTY_STRUCT;
        return;
    }
    uint32_t segment = p->segment;
    uint64_t *start = capnp_allocate(p->builder, p->at, &segment, capnp_make_struct((uint16_t)words, (uint16_t)pointers),
                                     words + pointers);
    if (start == nullptr) {
        return;
    }
    uint32_t bytes = words * 8 < value->data_bytes ? words * 8 : value->data_bytes;
    if (bytes != 0) {
        memcpy(start, value->data, bytes);
    }
    copy_pointers(p->builder, start + words, segment, value->message,
                  (const uint64_t *)(const void *)(value->data + value->data_bytes), value->place, pointers, canonical);
}

static void copy_struct_list(const struct capnp_pointer_builder *p, const struct capnp_list *value, bool canonical) {
    uint32_t words = canonical ? 0 : value->data_bytes / 8;
    uint32_t pointers = canonical ? 0 : value->pointers;
    const uint8_t *from = value->data;
    for (uint32_t i = 0; canonical && value->step_bytes != 0 && i < value->count; i++, from += value->step_bytes) {
        uint32_t these = data_words(from, value->data_bytes, true);
        words = these > words ? these : words;
        these = pointer_count(from + value->data_bytes, value->pointers, true);
        pointers = these > pointers ? these : pointers;
    }
    uint64_t shape = capnp_make_struct((uint16_t)words, (uint16_t)pointers);
    uint64_t step = words + pointers;
    uint32_t segment = p->segment;
    uint64_t *to = capnp_allocate(p->builder, p->at, &segment,
                                  capnp_make_list(CAPNP_STRUCTS, (uint32_t)(step * value->count)), step * value->count + 1);
    if (to == nullptr) {
        return;
    }
    *to++ = capnp_make_offset(shape, value->count);
    from = value->data;
    for (uint32_t i = 0; step != 0 && i < value->count; i++, from += value->step_bytes, to += step) {
        memcpy(to, from, words * 8ull);
        copy_pointers(p->builder, to + words, segment, value->message,
                      (const uint64_t *)(const void *)(from + value->data_bytes), value->place, pointers, canonical);
    }
}

static void copy_list(const struct capnp_pointer_builder *p, const struct capnp_list *value, bool canonical) {
    if (value->element == CAPNP_STRUCTS) {
        copy_struct_list(p, value, canonical);
        return;
    }
    uint32_t segment = p->segment;
    uint64_t words = capnp_element_words(value->element, value->count);
    uint64_t shape = capnp_make_list(value->element, value->count);
    if (words == 0 && canonical) { // where its elements would lie if it had any
        const struct capnp_segment *in = &p->builder->segments[segment];
        *p->at = capnp_make_offset(shape, in->words + in->count - p->at - 1);
        return;
    }
    uint64_t *start = capnp_allocate(p->builder, p->at, &segment, shape, words);
    if (start == nullptr || words == 0) {
        return;
    }
    if (value->element == CAPNP_POINTERS) {
        copy_pointers(p->builder, start, segment, value->message, (const uint64_t *)(const void *)value->data, value->place,
                      value->count, canonical);
    } else if (value->element == CAPNP_BITS) {
        memcpy(start, value->data, (value->count + 7ull) / 8);
        if (value->count % 64 != 0) {
            start[words - 1] &= (1ull << value->count % 64) - 1; // what lies beyond the last bit is nobody's
        }
    } else {
        memcpy(start, value->data, (uint64_t)value->count * value->step_bytes);
    }
}

static void copy_handle(const struct capnp_pointer_builder *p, struct capnp_pointer value, bool canonical) {
    uint32_t index;
    if (canonical) {
        capnp_builder_fail(p->builder, CAPNP_NOT_CANONICAL);
        return;
    }
    handle_t handle = capnp_handle_at(value);
    if (handle.v != 0 && capnp_add_handle(p->builder, handle, false, &index)) {
        *p->at = capnp_make_handle(index);
    }
}

// Into a pointer that is null.
static void copy_pointer(struct capnp_pointer_builder *p, struct capnp_pointer value, bool canonical) {
    uint64_t word = capnp_load(value.at);
    struct capnp_object object;
    if (capnp_word_kind(word) == CAPNP_KIND_OTHER) {
        copy_handle(p, value, canonical);
    } else if (word != 0 && capnp_follow(value.message, value.at, word, value.place, &object)) {
        if (capnp_word_kind(object.word) == CAPNP_KIND_STRUCT) {
            struct capnp_struct found;
            if (capnp_object_struct(value.message, &object, &found)) {
                copy_struct(p, &found, canonical);
            }
        } else {
            struct capnp_list found;
            if (capnp_object_list(value.message, &object, &found)) {
                copy_list(p, &found, canonical);
            }
        }
    }
    if (value.message != nullptr && value.message->error != 0) {
        capnp_builder_fail(p->builder, (enum capnp_status)value.message->error);
    }
}

// What is there is wiped only afterwards: what is copied may be a part of it.
static struct capnp_built take_off(const struct capnp_pointer_builder *p) {
    struct capnp_built old = *p->at == 0 ? (struct capnp_built){} : capnp_locate(p->builder, p->at, p->segment);
    *p->at = 0;
    return old;
}

static void wipe_old(const struct capnp_pointer_builder *p, const struct capnp_built *old) {
    if (old->word != 0) {
        capnp_wipe_object(p->builder, old, CAPNP_NESTING);
    }
}

void capnp_set_pointer(struct capnp_pointer_builder p, struct capnp_pointer value) {
    if (p.at == nullptr || p.at == value.at) {
        return;
    }
    struct capnp_built old = take_off(&p);
    if (value.at != nullptr) {
        copy_pointer(&p, value, false);
    }
    wipe_old(&p, &old);
}

void capnp_set_struct(struct capnp_pointer_builder p, struct capnp_struct value) {
    if (p.at != nullptr) {
        struct capnp_built old = take_off(&p);
        copy_struct(&p, &value, false);
        wipe_old(&p, &old);
    }
}

void capnp_set_list(struct capnp_pointer_builder p, struct capnp_list value) {
    if (p.at != nullptr) {
        struct capnp_built old = take_off(&p);
        copy_list(&p, &value, false);
        wipe_old(&p, &old);
    }
}

void capnp_copy_canonical(struct capnp_pointer_builder p, struct capnp_struct value) {
    if (p.at != nullptr) {
        copy_struct(&p, &value, true);
    }
}
