// Reads one message and writes what its copy is: round_trip fields|whole|canonical [-p] [-P] [SEGMENT-WORDS]
//
//   fields     through the generated getters and setters, field by field
//   whole      with capnp_set_struct
//   canonical  in canonical form
//   -p, -P     the input, the output is packed
//   SEGMENT-WORDS  how large each segment of the copy is
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/capnp/build.h"
#include "lib/capnp/canonical.h"
#include "lib/capnp/copy.h"
#include "lib/capnp/frame.h"
#include "lib/capnp/pack.h"
#include "tests/capnp/round_trip.h"

constexpr size_t BYTES_MAX = 1 << 22;
constexpr uint32_t SEGMENTS_MAX = 512;

static uint32_t segment_words = 1 << 16;

static void must(status_t status, const char *what) {
    if (!status_ok(status)) {
        fprintf(stderr, "round_trip: %s: status %u\n", what, status.code);
        exit(1);
    }
}

static bool grow(void *context, uint32_t min_words, struct capnp_segment *out) {
    (void)context;
    uint32_t words = min_words > segment_words ? min_words : segment_words;
    *out = (struct capnp_segment){.words = malloc(words * sizeof(uint64_t)), .capacity = words};
    memset(out->words, 0xa5, words * sizeof(uint64_t));
    return true;
}

static size_t read_all(uint64_t *memory) {
    size_t used = fread(memory, 1, BYTES_MAX, stdin);
    if (used == BYTES_MAX) {
        must((status_t){1}, "the input is too large");
    }
    return used;
}

static void write_all(const struct capnp_message *message, bool packed) {
    size_t bytes = (size_t)capnp_frame_bytes(message);
    uint64_t *framed = malloc(bytes);
    must(capnp_frame_write(message, framed, bytes), "framing");
    if (packed) {
        size_t room = (size_t)capnp_packed_bytes_max(bytes / 8);
        uint8_t *out = malloc(room);
        must(capnp_pack_all(framed, bytes / 8, out, room, &bytes), "packing");
        fwrite(out, 1, bytes, stdout);
        free(out);
    } else {
        fwrite(framed, 1, bytes, stdout);
    }
    free(framed);
}

static void make_canonical(struct capnp_message *from, bool packed) {
    uint64_t *memory = calloc(1, BYTES_MAX);
    uint32_t used = 0;
    must(capnp_canonicalise(capnp_struct_at(capnp_root(from)), memory, BYTES_MAX / 8, &used), "the canonical form");
    must(capnp_check_canonical(memory, used), "the check of the canonical form");
    struct capnp_message copy;
    capnp_message_init(&copy, memory, used);
    write_all(&copy, packed);
    free(memory);
}

int main(int argc, char **argv) {
    bool packed_in = false;
    bool packed_out = false;
    for (int i = 2; i < argc; i++) {
        if (strcmp(argv[i], "-p") == 0) {
            packed_in = true;
        } else if (strcmp(argv[i], "-P") == 0) {
            packed_out = true;
        } else {
            segment_words = (uint32_t)strtoul(argv[i], nullptr, 10);
        }
    }
    uint64_t *input = calloc(1, BYTES_MAX);
    size_t bytes = read_all(input);
    if (packed_in) {
        uint64_t *unpacked = calloc(1, BYTES_MAX);
        size_t words = 0;
        must(capnp_unpack_all((const uint8_t *)input, bytes, unpacked, BYTES_MAX / 8, &words), "unpacking");
        free(input);
        input = unpacked;
        bytes = words * 8;
    }
    static struct capnp_segment in_table[SEGMENTS_MAX];
    static struct capnp_segment out_table[SEGMENTS_MAX];
    struct capnp_message from;
    size_t used = 0;
    must(capnp_frame_open(input, bytes, in_table, SEGMENTS_MAX, &from, &used), "opening the message");
    if (argc > 1 && strcmp(argv[1], "canonical") == 0) {
        make_canonical(&from, packed_out);
        free(input);
        return 0;
    }
    struct capnp_segment first;
    grow(nullptr, 1, &first);
    struct capnp_builder to;
    capnp_builder_init_growing(&to, first.words, first.capacity, out_table, SEGMENTS_MAX, grow, nullptr);
    if (argc > 1 && strcmp(argv[1], "whole") == 0) {
        capnp_set_struct(capnp_init_root(&to), capnp_struct_at(capnp_root(&from)));
    } else {
        copy_message(&from, &to);
    }
    must(capnp_status(&from), "reading");
    must(capnp_builder_status(&to), "building");
    write_all(&to.view, packed_out);
    for (uint32_t i = 0; i < to.view.segment_count; i++) {
        free(out_table[i].words);
    }
    free(input);
    return 0;
}
