#include "base/fdt.h"

#include <stdlib.h>
#include <string.h>

#include "base/test.h"

// A tree is built the way a compiler of device trees does, then damaged.
static uint8_t blob[2048];
static uint32_t used, strings_used;
static char strings[256];

static void put32(uint32_t at, uint32_t value) {
    blob[at] = (uint8_t)(value >> 24);
    blob[at + 1] = (uint8_t)(value >> 16);
    blob[at + 2] = (uint8_t)(value >> 8);
    blob[at + 3] = (uint8_t)value;
}

static void word(uint32_t value) {
    put32(used, value);
    used += 4;
}

static void bytes(const void *from, uint32_t len) {
    memcpy(blob + used, from, len);
    used = (used + len + 3) & ~3u;
}

static void begin(const char *name) {
    word(1);
    bytes(name, (uint32_t)strlen(name) + 1);
}

static void end(void) {
    word(2);
}

static void property(const char *name, const void *value, uint32_t len) {
    word(3);
    word(len);
    word(strings_used);
    memcpy(strings + strings_used, name, strlen(name) + 1);
    strings_used += (uint32_t)strlen(name) + 1;
    bytes(value, len);
}

static void cells(const char *name, uint32_t count, const uint32_t *values) {
    uint8_t raw[64];
    for (uint32_t i = 0; i < count; i++) {
        for (uint32_t b = 0; b < 4; b++) {
            raw[4 * i + b] = (uint8_t)(values[i] >> (24 - 8 * b));
        }
    }
    property(name, raw, 4 * count);
}

// Length of the whole.
static uint32_t build(void) {
    memset(blob, 0, sizeof blob);
    strings_used = 0;
    used = 40 + 32; // one reservation and the end of the list
    put32(40 + 4, 0x8000'0000);
    put32(40 + 12, 0x1000);
    const uint32_t structure = used;
    begin("");
    cells("#address-cells", 1, (uint32_t[]){2});
    cells("#size-cells", 1, (uint32_t[]){2});
    property("compatible", "a,board\0b,board", 16);
    word(4);
    begin("memory@80000000");
    property("device_type", "memory", 7);
    cells("reg", 8, (uint32_t[]){0, 0x8000'0000, 0, 0x1000'0000, 1, 0, 0, 0x2000});
    end();
    begin("soc");
    cells("#address-cells", 1, (uint32_t[]){1});
    cells("#size-cells", 1, (uint32_t[]){1});
    begin("serial@1000");
    cells("reg", 2, (uint32_t[]){0x1000, 0x100});
    cells("interrupts", 1, (uint32_t[]){10});
    end();
    begin("serial@2000");
    end();
    end();
    end();
    word(9);
    const uint32_t structure_end = used;
    memcpy(blob + used, strings, strings_used);
    used += strings_used;
    const uint32_t header[10] = {0xd00d'feed, used,         structure, structure_end, 40, 17, 16, 0,
                                 strings_used, structure_end - structure};
    for (uint32_t i = 0; i < 10; i++) {
        put32(4 * i, header[i]);
    }
    return used;
}

TEST(a_good_tree_is_read) {
    struct fdt fdt;
    const uint32_t len = build();
    CHECK(fdt_open(&fdt, blob, len) == nullptr);
    const fdt_node root = fdt_root(&fdt);
    CHECK(fdt_lists(&fdt, root, "compatible", "b,board"));
    CHECK(!fdt_lists(&fdt, root, "compatible", "board"));
    CHECK(!fdt_lists(&fdt, root, "nothing", "board"));
    const fdt_node memory = fdt_child_named(&fdt, root, "memory");
    uint64_t base, size;
    CHECK(fdt_reg(&fdt, root, memory, 1, &base, &size));
    CHECK_EQ(base, 1ull << 32);
    CHECK_EQ(size, 0x2000);
    CHECK(!fdt_reg(&fdt, root, memory, 2, &base, &size));
    const fdt_node soc = fdt_child_named(&fdt, root, "soc");
    const fdt_node first = fdt_child(&fdt, soc, (fdt_node){0});
    CHECK(fdt_is_named(&fdt, first, "serial") && fdt_is_named(&fdt, first, "serial@1000"));
    CHECK(!fdt_is_named(&fdt, first, "serial@1"));
    CHECK(fdt_reg(&fdt, soc, first, 0, &base, &size) && base == 0x1000 && size == 0x100);
    CHECK_EQ(fdt_cell(fdt_property(&fdt, first, "interrupts"), 0, 0), 10);
    CHECK_EQ(fdt_cell(fdt_property(&fdt, first, "interrupts"), 1, 7), 7);
    const fdt_node second = fdt_child(&fdt, soc, first);
    CHECK(fdt_is_named(&fdt, second, "serial@2000"));
    CHECK(fdt_property(&fdt, second, "reg").bytes == nullptr);
    CHECK_EQ(fdt_child(&fdt, soc, second).at, 0);
    CHECK_EQ(fdt_child(&fdt, second, (fdt_node){0}).at, 0);
    CHECK_EQ(fdt_child_named(&fdt, root, "absent").at, 0);
    CHECK(fdt_reservation(&fdt, 0, &base, &size) && base == 0x8000'0000 && size == 0x1000);
    CHECK(!fdt_reservation(&fdt, 1, &base, &size));
}

// Uses everything that a tree offers; the sanitizers watch.
static void use(const uint8_t *tree, size_t len) {
    struct fdt fdt;
    if (fdt_open(&fdt, tree, len) != nullptr) {
        return;
    }
    uint64_t base, size;
    const fdt_node root = fdt_root(&fdt);
    for (fdt_node node = fdt_child(&fdt, root, (fdt_node){0}); node.at != 0; node = fdt_child(&fdt, root, node)) {
        for (fdt_node inner = fdt_child(&fdt, node, (fdt_node){0}); inner.at != 0;
             inner = fdt_child(&fdt, node, inner)) {
            (void)fdt_reg(&fdt, node, inner, 0, &base, &size);
            (void)fdt_lists(&fdt, inner, "interrupts", "x");
        }
        (void)fdt_lists(&fdt, node, "device_type", "memory");
        for (uint32_t i = 0; i < 4; i++) {
            (void)fdt_reg(&fdt, root, node, i, &base, &size);
        }
    }
    for (uint32_t i = 0; fdt_reservation(&fdt, i, &base, &size); i++) {
    }
}

// In memory of exactly its length, so that one byte too far is seen.
static void use_copy(size_t len) {
    uint8_t *copy = malloc(len);
    memcpy(copy, blob, len);
    use(copy, len);
    free(copy);
}

TEST(a_damaged_tree_does_no_harm) {
    const uint32_t len = build();
    for (size_t cut = 1; cut < len; cut++) {
        use_copy(cut);
    }
    static const uint8_t values[] = {0, 1, 2, 3, 9, 0x7f, 0x80, 0xff};
    for (uint32_t at = 0; at < len; at++) {
        const uint8_t before = blob[at];
        for (size_t v = 0; v < sizeof values; v++) {
            blob[at] = values[v];
            use_copy(len);
        }
        blob[at] = before;
    }
    srand(1);
    for (uint32_t round = 0; round < 20'000; round++) {
        uint8_t saved[sizeof blob];
        memcpy(saved, blob, sizeof blob);
        for (uint32_t i = 0; i < 1 + round % 5; i++) {
            blob[(uint32_t)rand() % len] = (uint8_t)rand();
        }
        use_copy(len);
        memcpy(blob, saved, sizeof blob);
    }
}

TEST(what_is_wrong_is_said) {
    struct fdt fdt;
    const uint32_t len = build();
    CHECK_STR_EQ(fdt_open(&fdt, blob, 20), "it is no device tree");
    CHECK_STR_EQ(fdt_open(&fdt, blob, len - 1), "it is cut off, or larger than it may be");
    put32(20, 16);
    CHECK_STR_EQ(fdt_open(&fdt, blob, len), "it is of a version that is not understood");
    build();
    put32(8, len);
    CHECK_STR_EQ(fdt_open(&fdt, blob, len), "a part of it lies outside");
    build();
    put32(72, 2);
    CHECK_STR_EQ(fdt_open(&fdt, blob, len), "its nodes do not match");
    build();
    put32(72, 7);
    CHECK_STR_EQ(fdt_open(&fdt, blob, len), "its structure is malformed");
}
