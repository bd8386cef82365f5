// A message of any bytes, read in every way there is, copied, and edited: nothing outside it is touched, and the work is
// bounded by the traversal limit. The input is a stream with its segment table; without a proper one, a single segment.
#include <stdlib.h>
#include <string.h>

#include "lib/capnp/build_list.h"
#include "lib/capnp/copy.h"
#include "lib/capnp/frame.h"
#include "lib/capnp/list.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

constexpr uint32_t SEGMENTS = 8;
constexpr uint32_t BUILT_WORDS = 4096;

static uint64_t visits, sum;
static handle_t handles[3] = {{11}, {12}, {13}};

static void look(struct capnp_pointer at, uint32_t depth);

static void look_struct(struct capnp_struct s, uint32_t depth) {
    for (uint32_t i = 0; i < 10; i++) {
        sum += capnp_get_u8(s, i * 7) + capnp_get_u16(s, i * 6) + capnp_get_u32(s, i * 12) + capnp_get_u64(s, i * 8) +
               capnp_get_bool(s, i * 13);
    }
    for (uint32_t i = 0; i < s.pointers && i < 20; i++) {
        look(capnp_get_pointer(s, i), depth);
    }
    look(capnp_get_pointer(s, s.pointers), depth);
}

static void look_list(struct capnp_list list, enum capnp_element as, uint32_t depth) {
    for (uint32_t i = 0; i < list.count && i < 50; i++, visits++) {
        switch (as) {
        case CAPNP_VOID: break;
        case CAPNP_BITS: sum += capnp_bool_list_get((struct capnp_bool_list){list}, i); break;
        case CAPNP_1_BYTE: sum += capnp_u8_list_get((struct capnp_u8_list){list}, i); break;
        case CAPNP_2_BYTES: sum += capnp_u16_list_get((struct capnp_u16_list){list}, i); break;
        case CAPNP_4_BYTES: sum += capnp_u32_list_get((struct capnp_u32_list){list}, i); break;
        case CAPNP_8_BYTES: sum += capnp_u64_list_get((struct capnp_u64_list){list}, i); break;
        case CAPNP_POINTERS: look(capnp_list_pointer(list, i), depth); break;
        case CAPNP_STRUCTS: look_struct(capnp_list_struct(list, i), depth); break;
        }
    }
    if (list.count != 0 && as == CAPNP_8_BYTES) { // the last element of a long one
        sum += capnp_u64_list_get((struct capnp_u64_list){list}, list.count - 1);
    }
}

// Everything once as everything. The limits end it, not this.
static void look(struct capnp_pointer at, uint32_t depth) {
    if (depth == 0 || capnp_is_null(at) || visits++ > 4'000) {
        return;
    }
    struct capnp_text text = capnp_text_at(at);
    if (strlen(text.bytes) > text.len) {
        abort();
    }
    struct capnp_data bytes = capnp_data_at(at);
    for (size_t i = 0; i < bytes.len; i++) {
        sum += bytes.bytes[i];
    }
    sum += capnp_handle_at(at).v;
    look_struct(capnp_struct_at(at), depth - 1);
    for (enum capnp_element as = CAPNP_VOID; as <= CAPNP_STRUCTS; as++) {
        look_list(capnp_list_at(at, as), as, depth - 1);
    }
}

static bool grow(void *context, uint32_t min_words, struct capnp_segment *out) {
    uint32_t *left = context;
    if (min_words > *left) {
        return false;
    }
    static uint64_t pool[BUILT_WORDS];
    *out = (struct capnp_segment){.words = pool + BUILT_WORDS - *left, .capacity = min_words};
    *left -= min_words;
    return true;
}

// A copy in many small segments, which is then taken for what it may not be, enlarged, cut and cleared.
static void copy_and_edit(struct capnp_pointer root, uint32_t choice) {
    static uint64_t memory[BUILT_WORDS];
    static struct capnp_segment table[256];
    uint32_t left = BUILT_WORDS;
    struct capnp_builder builder;
    capnp_builder_init_growing(&builder, memory, 1 + choice % 64, table, 256, grow, &left);
    struct capnp_pointer_builder at = capnp_init_root(&builder);
    capnp_set_pointer(at, root);
    struct capnp_struct_builder s = capnp_edit_struct(at, 1 + choice % 7, 2 + choice % 5, nullptr);
    for (uint32_t i = 0; s.data != nullptr && i < s.pointers; i++) {
        struct capnp_pointer_builder p = capnp_edit_pointer(s, i);
        switch ((choice >> i % 29) % 8) {
        case 0: capnp_edit_struct_list(p, 2, 1, nullptr); break;
        case 1: capnp_edit_struct(p, 3, 3, nullptr); break;
        case 2: capnp_trim_list(p, choice % 3); break;
        case 3: capnp_set_pointer(p, capnp_read_pointer(at)); break;
        case 4: capnp_clear(p); break;
        case 5: capnp_edit_list(p, CAPNP_POINTERS, nullptr); break;
        case 6: capnp_set_text(p, capnp_text_at(capnp_read_pointer(p))); break;
        default: capnp_set_struct(p, capnp_read_struct(s)); break;
        }
    }
    // What was built can be read: only what was malformed before, or did not fit, is an error.
    struct capnp_message message;
    capnp_message_init_segments(&message, table, builder.view.segment_count);
    message.traversal_words = UINT64_MAX;
    message.nesting = UINT32_MAX;
    message.handles = builder.view.handles;
    message.handle_count = builder.view.handle_count;
    struct capnp_builder again;
    static uint64_t copied[2 * BUILT_WORDS];
    capnp_builder_init(&again, copied, 2 * BUILT_WORDS);
    capnp_set_pointer(capnp_init_root(&again), capnp_root(&message));
    if (message.error != 0) {
        abort();
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    struct capnp_segment table[SEGMENTS];
    struct capnp_message message;
    size_t used;
    size_t words = len / CAPNP_WORD_BYTES;
    uint64_t *copy = malloc(words * CAPNP_WORD_BYTES); // of exactly this size, so that the sanitizer sees where it ends
    if (words == 0) {
        free(copy);
        return 0;
    }
    memcpy(copy, data, words * CAPNP_WORD_BYTES);
    if (!status_ok(capnp_frame_open(copy, words * CAPNP_WORD_BYTES, table, SEGMENTS, &message, &used))) {
        capnp_message_init(&message, copy, (uint32_t)words);
    }
    message.handles = handles;
    message.handle_count = 3;
    visits = 0;
    look(capnp_root(&message), 40);
    message.traversal_words = 100'000;
    message.error = 0;
    copy_and_edit(capnp_root(&message), (uint32_t)(copy[words - 1] >> 32) ^ (uint32_t)copy[words - 1]);
    if (capnp_status(&message).code >= CAPNP_STATUS_END) {
        abort();
    }
    free(copy);
    return 0;
}
