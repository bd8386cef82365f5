#include "lib/capnp/canonical.h"

#include "lib/capnp/copy.h"
#include "lib/capnp/follow.h"

status_t capnp_canonicalise(struct capnp_struct root, void *memory, uint32_t word_count, uint32_t *used) {
    struct capnp_builder builder;
    capnp_builder_init(&builder, memory, word_count);
    capnp_copy_canonical(capnp_init_root(&builder), root);
    TRY(capnp_builder_status(&builder));
    *used = builder.first.count;
    return STATUS_OK;
}

// The walk goes through the objects in the order in which they must lie. `next` is where the one that is met next must begin.
struct walk {
    struct capnp_message message;
    const uint64_t *next;
};

static bool pointer_is_canonical(struct walk *walk, const uint64_t *at, uint64_t place);

static bool pointers_are_canonical(struct walk *walk, const uint64_t *pointers, uint32_t count, uint64_t place) {
    for (uint32_t i = 0; i < count; i++) {
        if (!pointer_is_canonical(walk, pointers + i, place)) {
            return false;
        }
    }
    return true;
}

static bool struct_is_canonical(struct walk *walk, const struct capnp_object *object) {
    struct capnp_struct found;
    if (!capnp_object_struct(&walk->message, object, &found)) {
        return false;
    }
    uint32_t words = found.data_bytes / 8;
    const uint64_t *pointers = object->start + words;
    if (words + found.pointers == 0 || (words != 0 && pointers[-1] == 0) ||
        (found.pointers != 0 && pointers[found.pointers - 1] == 0)) {
        return false;
    }
    walk->next += words + found.pointers;
    return pointers_are_canonical(walk, pointers, found.pointers, found.place);
}

static bool struct_list_is_canonical(struct walk *walk, const struct capnp_list *list, uint32_t list_words) {
    uint32_t words = list->data_bytes / 8;
    uint32_t step = words + list->pointers;
    const uint64_t *first = (const uint64_t *)(const void *)list->data;
    const uint64_t *element = first;
    bool data_used = words == 0;
    bool pointers_used = list->pointers == 0;
    for (uint32_t i = 0; step != 0 && i < list->count; i++, element += step) {
        data_used = data_used || element[words - 1] != 0;
        pointers_used = pointers_used || element[step - 1] != 0;
    }
    if (!data_used || !pointers_used || (uint64_t)list->count * step != list_words) {
        return false;
    }
    walk->next += 1 + list_words;
    element = first;
    for (uint32_t i = 0; list->pointers != 0 && i < list->count; i++, element += step) {
        if (!pointers_are_canonical(walk, element + words, list->pointers, list->place)) {
            return false;
        }
    }
    return true;
}

// Whether what follows the last element in its word is 0.
static bool padding_is_zero(const struct capnp_list *list, const uint64_t *start, uint64_t words) {
    uint64_t bits = list->element == CAPNP_BITS ? list->count : (uint64_t)list->count * list->step_bytes * 8;
    return bits % 64 == 0 || start[words - 1] >> bits % 64 == 0;
}

static bool list_is_canonical(struct walk *walk, const struct capnp_object *object) {
    struct capnp_list list;
    if (!capnp_object_list(&walk->message, object, &list)) {
        return false;
    }
    if (list.element == CAPNP_STRUCTS) {
        return struct_list_is_canonical(walk, &list, capnp_word_count(object->word));
    }
    uint64_t words = capnp_element_words(list.element, list.count);
    if (!padding_is_zero(&list, object->start, words)) {
        return false;
    }
    walk->next += words;
    return list.element != CAPNP_POINTERS || pointers_are_canonical(walk, object->start, list.count, list.place);
}

static bool pointer_is_canonical(struct walk *walk, const uint64_t *at, uint64_t place) {
    uint64_t word = capnp_load(at);
    struct capnp_object object;
    if (word == 0 || word == CAPNP_EMPTY_STRUCT) {
        return true;
    }
    if (capnp_word_kind(word) == CAPNP_KIND_FAR || capnp_word_kind(word) == CAPNP_KIND_OTHER ||
        !capnp_follow(&walk->message, at, word, place, &object) || object.start != walk->next) {
        return false;
    }
    return capnp_word_kind(word) == CAPNP_KIND_STRUCT ? struct_is_canonical(walk, &object)
                                                      : list_is_canonical(walk, &object);
}

status_t capnp_measure_canonical(const void *words, uint32_t word_count, uint32_t *used) {
    struct walk walk;
    capnp_message_init(&walk.message, words, word_count);
    struct capnp_pointer root = capnp_root(&walk.message);
    TRY(capnp_status(&walk.message));
    walk.next = root.at + 1;
    bool canonical = *root.at != 0 && capnp_word_kind(*root.at) == CAPNP_KIND_STRUCT &&
                     pointer_is_canonical(&walk, root.at, root.place);
    TRY(capnp_status(&walk.message));
    if (!canonical) {
        return capnp_error(CAPNP_NOT_CANONICAL);
    }
    *used = (uint32_t)(walk.next - root.at);
    return STATUS_OK;
}

status_t capnp_check_canonical(const void *words, uint32_t word_count) {
    uint32_t used;
    TRY(capnp_measure_canonical(words, word_count, &used));
    return used == word_count ? STATUS_OK : capnp_error(CAPNP_NOT_CANONICAL);
}
