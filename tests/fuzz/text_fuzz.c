// Text by a schema, and back (lib/reflect). The first byte says what the rest is:
//
//   even  a text, as a person types it. What is accepted can be written, and read again, and is then the same text; what may
//         come next can be asked of any. The room for the message is small, so that it runs out.
//   odd   a message of any bytes, written as text: nothing outside it is touched, and the output is bounded by its limits.
#include <stdlib.h>
#include <string.h>

#include "everything.capnp.h"
#include "lib/reflect/read.h"
#include "lib/reflect/write.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

constexpr uint32_t ROOM_WORDS = 1024;
constexpr size_t TEXT_BYTES = 1 << 20;
constexpr uint64_t BYTES_A_WORD = 256; // of text, at most, that a word of a message comes to: indentation is most of it

static const struct capnp_schema *const schema = &everything_schema;

struct written {
    uint64_t len;
    char bytes[TEXT_BYTES];
};

static struct written first, second;

static void collect(void *context, const char *bytes, size_t len) {
    struct written *written = context;
    if (written->len + len <= TEXT_BYTES) {
        memcpy(written->bytes + written->len, bytes, len);
    }
    written->len += len;
}

static void write_text(struct capnp_struct value, enum reflect_style style, struct written *out) {
    out->len = 0;
    reflect_write_struct(schema, value, style, collect, out);
}

static bool find(void *context, struct capnp_text name, const struct capnp_schema *wanted, handle_t *out,
                 char error[REFLECT_ERROR_BYTES]) {
    (void)context;
    (void)wanted;
    memcpy(error, "none", 5);
    *out = (handle_t){5};
    return name.len > 0;
}

static bool read_text(struct capnp_text text, struct capnp_builder *builder, uint64_t *memory, uint32_t words,
                      struct capnp_struct_builder *to) {
    char error[REFLECT_ERROR_BYTES] = "";
    capnp_builder_init(builder, memory, words);
    *to = capnp_init_struct(capnp_init_root(builder), EVERYTHING_DATA_WORDS, EVERYTHING_POINTERS);
    const bool good = reflect_read_struct(schema, text, (struct reflect_handles){.find = find}, *to, error);
    if (!good && (strlen(error) < 10 || memchr(error, '\0', sizeof(error)) == nullptr)) {
        abort();
    }
    return good;
}

static void there_and_back(struct capnp_text text, uint32_t words) {
    static uint64_t memory[ROOM_WORDS], again[2 * ROOM_WORDS];
    struct capnp_builder builder, builder_again;
    struct capnp_struct_builder made, made_again;
    struct reflect_expected expected;
    reflect_expect(schema, text, &expected);
    if (expected.what != REFLECT_NOTHING && expected.word > text.len) {
        abort();
    }
    if (!read_text(text, &builder, memory, words, &made)) {
        return;
    }
    builder.view.traversal_words = UINT64_MAX;
    write_text(capnp_read_struct(made), REFLECT_SHORT, &first);
    if (builder.view.error != 0 || first.len > TEXT_BYTES ||
        !read_text((struct capnp_text){first.bytes, first.len}, &builder_again, again, 2 * ROOM_WORDS, &made_again)) {
        abort();
    }
    write_text(capnp_read_struct(made_again), REFLECT_SHORT, &second);
    if (first.len != second.len || memcmp(first.bytes, second.bytes, first.len) != 0) {
        abort();
    }
}

static void show(const uint64_t *words, uint32_t count) {
    for (enum reflect_style style = REFLECT_SHORT; style <= REFLECT_PRETTY; style++) {
        struct capnp_message message;
        capnp_message_init(&message, words, count);
        const uint64_t limit = message.traversal_words;
        write_text(capnp_struct_at(capnp_root(&message)), style, &first);
        if (first.len > limit * BYTES_A_WORD) {
            abort();
        }
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    if (len == 0) {
        return 0;
    }
    const size_t words = (len - 1) / CAPNP_WORD_BYTES;
    if (data[0] % 2 == 0) {
        char *text = malloc(len - 1 + (len == 1)); // of exactly this size, so that the sanitizer sees where it ends
        memcpy(text, data + 1, len - 1);
        there_and_back((struct capnp_text){text, len - 1}, 1 + data[0] * 4u);
        free(text);
    } else if (words > 0) {
        uint64_t *copy = malloc(words * CAPNP_WORD_BYTES);
        memcpy(copy, data + 1, words * CAPNP_WORD_BYTES);
        show(copy, (uint32_t)words);
        free(copy);
    }
    return 0;
}
