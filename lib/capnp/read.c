#include "lib/capnp/read.h"

#include "base/mem.h"
#include "base/str.h"
#include "lib/capnp/follow.h"

void capnp_fail(struct capnp_message *message, enum capnp_status error) {
    if (message != nullptr && message->error == 0) {
        message->error = error;
    }
}

void capnp_message_init_segments(struct capnp_message *message, const struct capnp_segment *segments, uint32_t count) {
    uint64_t words = 0;
    uintptr_t address_bits = 0;
    for (uint32_t i = 0; i < count; i++) {
        words += segments[i].count;
        address_bits |= (uintptr_t)segments[i].words;
    }
    *message = (struct capnp_message){
        .segments = segments,
        .segment_count = count,
        .traversal_words = words * CAPNP_TRAVERSAL_FACTOR + CAPNP_TRAVERSAL_WORDS,
        .nesting = CAPNP_NESTING,
    };
    if (address_bits % CAPNP_WORD_BYTES != 0) {
        message->segment_count = 0;
        capnp_fail(message, CAPNP_BAD_POINTER);
    }
}

void capnp_message_init(struct capnp_message *message, const void *words, uint32_t word_count) {
    // A reader never writes through it: the constness comes back with every reference.
    struct capnp_segment single = {.words = (uint64_t *)words, .count = word_count, .capacity = word_count};
    capnp_message_init_segments(message, &single, 1);
    message->single = single;
    message->segments = &message->single;
}

struct capnp_pointer capnp_root(struct capnp_message *message) {
    if (message->segment_count == 0 || message->segments[0].count == 0) {
        capnp_fail(message, CAPNP_OUT_OF_BOUNDS);
        return (struct capnp_pointer){.message = message};
    }
    return (struct capnp_pointer){
        .message = message,
        .at = message->segments[0].words,
        .place = (uint64_t)message->nesting << 32,
    };
}

struct capnp_text capnp_text(const char *string) {
    return (struct capnp_text){string, strlen(string)};
}

bool capnp_text_equal(struct capnp_text a, struct capnp_text b) {
    return a.len == b.len && (a.len == 0 || memcmp(a.bytes, b.bytes, a.len) == 0);
}

// Words at this offset of a segment, paid for; null when they are not there.
static const uint64_t *words_at(struct capnp_message *message, uint32_t segment, uint64_t offset, uint64_t count) {
    if (segment >= message->segment_count || offset > message->segments[segment].count ||
        count > message->segments[segment].count - offset) {
        capnp_fail(message, CAPNP_OUT_OF_BOUNDS);
        return nullptr;
    }
    return capnp_spend(message, count) ? message->segments[segment].words + offset : nullptr;
}

// Spec, Inter-Segment Pointers. Finds the word that describes the object, and where it begins.
static bool follow_far(struct capnp_message *message, uint64_t far, uint32_t *segment, uint64_t *word, int64_t *start) {
    bool is_double = capnp_word_far_is_double(far);
    *segment = capnp_word_far_segment(far);
    const uint64_t *pad = words_at(message, *segment, capnp_word_far_offset(far), is_double ? 2 : 1);
    if (pad == nullptr) {
        return false;
    }
    *word = capnp_load(pad);
    *start = (int64_t)capnp_word_far_offset(far) + 1 + capnp_word_offset(*word);
    bool is_far = capnp_word_kind(*word) == CAPNP_KIND_FAR;
    if (is_double) {
        uint64_t content = *word;
        if (!is_far || capnp_word_far_is_double(content) || capnp_word_far_segment(content) >= message->segment_count) {
            capnp_fail(message, CAPNP_BAD_POINTER);
            return false;
        }
        *segment = capnp_word_far_segment(content);
        *start = capnp_word_far_offset(content);
        *word = capnp_load(pad + 1);
        is_far = capnp_word_kind(*word) == CAPNP_KIND_FAR;
    }
    if (is_far) {
        capnp_fail(message, CAPNP_BAD_POINTER);
    }
    return !is_far;
}

bool capnp_follow(struct capnp_message *message, const uint64_t *at, uint64_t word, uint64_t place,
                  struct capnp_object *out) {
    if (place >> 32 == 0) {
        capnp_fail(message, CAPNP_NESTING_LIMIT);
        return false;
    }
    place -= 1ull << 32;
    if (message == nullptr) {
        *out = (struct capnp_object){word, at + 1 + capnp_word_offset(word), UINT64_MAX, place};
        return capnp_word_kind(word) != CAPNP_KIND_FAR;
    }
    uint32_t segment = (uint32_t)place;
    int64_t start;
    if (capnp_word_kind(word) == CAPNP_KIND_FAR) {
        if (!follow_far(message, word, &segment, &word, &start)) {
            return false;
        }
        place = (place & UINT64_MAX << 32) | segment;
    } else {
        start = at - message->segments[segment].words + 1 + capnp_word_offset(word);
    }
    const struct capnp_segment *in = &message->segments[segment];
    if (start < 0 || start > in->count) {
        capnp_fail(message, CAPNP_OUT_OF_BOUNDS);
        return false;
    }
    *out = (struct capnp_object){word, in->words + start, in->count - (uint64_t)start, place};
    return true;
}

bool capnp_claim(struct capnp_message *message, const struct capnp_object *object, uint64_t words) {
    if (words > object->room) {
        capnp_fail(message, CAPNP_OUT_OF_BOUNDS);
        return false;
    }
    return capnp_spend(message, words);
}

bool capnp_object_struct(struct capnp_message *message, const struct capnp_object *object, struct capnp_struct *out) {
    if (capnp_word_kind(object->word) != CAPNP_KIND_STRUCT) {
        capnp_fail(message, CAPNP_WRONG_KIND);
        return false;
    }
    if (!capnp_claim(message, object, capnp_word_struct_words(object->word))) {
        return false;
    }
    *out = (struct capnp_struct){
        .message = message,
        .data = (const uint8_t *)object->start,
        .place = object->place,
        .data_bytes = capnp_word_data_words(object->word) * 8u,
        .pointers = capnp_word_pointers(object->word),
    };
    return true;
}

bool capnp_object_list(struct capnp_message *message, const struct capnp_object *object, struct capnp_list *out) {
    if (capnp_word_kind(object->word) != CAPNP_KIND_LIST) {
        capnp_fail(message, CAPNP_WRONG_KIND);
        return false;
    }
    enum capnp_element element = capnp_word_element(object->word);
    uint32_t count = capnp_word_count(object->word);
    struct capnp_list list = {.message = message, .place = object->place, .element = element};
    if (element == CAPNP_STRUCTS) {
        uint32_t words = count;
        if (!capnp_claim(message, object, words + 1ull)) {
            return false;
        }
        uint64_t tag = capnp_load(object->start);
        list.count = capnp_word_tag_count(tag);
        if (capnp_word_kind(tag) != CAPNP_KIND_STRUCT ||
            (uint64_t)list.count * capnp_word_struct_words(tag) > words) {
            capnp_fail(message, CAPNP_BAD_POINTER);
            return false;
        }
        list.data = (const uint8_t *)(object->start + 1);
        list.data_bytes = capnp_word_data_words(tag) * 8u;
        list.pointers = capnp_word_pointers(tag);
        list.step_bytes = capnp_word_struct_words(tag) * 8u;
    } else {
        if (!capnp_claim(message, object, capnp_element_words(element, count))) {
            return false;
        }
        list.count = count;
        list.data = (const uint8_t *)object->start;
        list.step_bytes = capnp_element_bytes(element);
        list.data_bytes = element == CAPNP_POINTERS ? 0 : list.step_bytes;
        list.pointers = element == CAPNP_POINTERS;
    }
    // Elements without a size cost no words, but whoever goes through them spends time (spec, List amplification).
    if (list.step_bytes == 0 && element != CAPNP_BITS && !capnp_spend(message, list.count)) {
        return false;
    }
    *out = list;
    return true;
}

// Whether the elements of a list can be read in the way that is wanted.
static bool readable_as(const struct capnp_list *list, enum capnp_element want) {
    if (list->element == want) {
        return true;
    }
    if (want == CAPNP_STRUCTS) {
        return list->element != CAPNP_BITS;
    }
    return list->element == CAPNP_STRUCTS && want != CAPNP_BITS &&
           (want == CAPNP_POINTERS ? list->pointers != 0 : capnp_element_bytes(want) <= list->data_bytes);
}

struct capnp_struct capnp_follow_struct(struct capnp_message *message, const uint64_t *at, uint64_t place,
                                        const uint64_t *fallback) {
    struct capnp_object object;
    struct capnp_struct found;
    uint64_t word = at != nullptr ? capnp_load(at) : 0;
    if (word != 0 && capnp_follow(message, at, word, place, &object) && capnp_object_struct(message, &object, &found)) {
        return found;
    }
    return fallback != nullptr ? capnp_struct_at(capnp_constant(fallback)) : (struct capnp_struct){};
}

struct capnp_list capnp_follow_list(struct capnp_message *message, const uint64_t *at, uint64_t place,
                                    enum capnp_element want, const uint64_t *fallback) {
    struct capnp_object object;
    struct capnp_list found;
    uint64_t word = at != nullptr ? capnp_load(at) : 0;
    if (word != 0 && capnp_follow(message, at, word, place, &object) && capnp_object_list(message, &object, &found)) {
        if (readable_as(&found, want)) {
            return found;
        }
        capnp_fail(message, CAPNP_WRONG_KIND);
    }
    return fallback != nullptr ? capnp_list_at(capnp_constant(fallback), want) : (struct capnp_list){.element = want};
}

// Without the NUL of a text. `bytes` null: null or malformed.
struct capnp_data capnp_follow_blob(struct capnp_message *message, const uint64_t *at, uint64_t place, bool is_text) {
    struct capnp_object object;
    uint64_t word = at != nullptr ? capnp_load(at) : 0;
    if (word == 0 || !capnp_follow(message, at, word, place, &object)) {
        return (struct capnp_data){};
    }
    uint32_t count = capnp_word_count(object.word);
    if (capnp_word_kind(object.word) != CAPNP_KIND_LIST || capnp_word_element(object.word) != CAPNP_1_BYTE) {
        capnp_fail(message, CAPNP_WRONG_KIND);
        return (struct capnp_data){};
    }
    if (!capnp_claim(message, &object, (count + 7ull) / 8)) {
        return (struct capnp_data){};
    }
    const uint8_t *bytes = (const uint8_t *)object.start;
    if (is_text && (count == 0 || bytes[--count] != '\0')) {
        capnp_fail(message, CAPNP_BAD_TEXT);
        return (struct capnp_data){};
    }
    return (struct capnp_data){bytes, count};
}

handle_t capnp_follow_handle(struct capnp_message *message, const uint64_t *at) {
    uint64_t word = at != nullptr ? capnp_load(at) : 0;
    if (word == 0) {
        return (handle_t){};
    }
    if (!capnp_word_is_handle(word)) {
        capnp_fail(message, capnp_word_kind(word) == CAPNP_KIND_OTHER ? CAPNP_BAD_POINTER : CAPNP_WRONG_KIND);
        return (handle_t){};
    }
    if (message == nullptr || capnp_word_handle(word) >= message->handle_count) {
        capnp_fail(message, CAPNP_BAD_HANDLE);
        return (handle_t){};
    }
    return message->handles[capnp_word_handle(word)];
}
