#include "lib/package/package.h"

#include <stdlib.h>

#include "base/test.h"

constexpr size_t BYTES = 3 * 4096;

static uint8_t *build(void) {
    uint8_t *bytes = calloc(1, BYTES);
    struct boot_package_header header = {
        .magic = BOOT_PACKAGE_MAGIC, .version = BOOT_PACKAGE_VERSION, .entry_count = 2, .total_bytes = BYTES};
    struct boot_package_entry entries[2] = {
        {.name = "a.manifest", .kind = BOOT_ENTRY_MANIFEST, .offset_bytes = 4096, .len_bytes = 10},
        {.name = "logd", .kind = BOOT_ENTRY_PROGRAM, .offset_bytes = 8192, .len_bytes = 4096},
    };
    memcpy(bytes, &header, sizeof header);
    memcpy(bytes + sizeof header, entries, sizeof entries);
    bytes[8192] = 42;
    return bytes;
}

TEST(entries_are_found_by_kind_and_name) {
    uint8_t *bytes = build();
    struct package package;
    struct package_entry entry;
    REQUIRE(package_open(bytes, BYTES, &package));
    CHECK(package_find(&package, BOOT_ENTRY_PROGRAM, "logd", &entry));
    CHECK_EQ(entry.bytes[0], 42);
    CHECK_EQ(entry.len_bytes, 4096);
    CHECK(package_find(&package, BOOT_ENTRY_MANIFEST, nullptr, &entry));
    CHECK_STR_EQ(entry.name, "a.manifest");
    CHECK(!package_find(&package, BOOT_ENTRY_PROGRAM, "a.manifest", &entry));
    CHECK(!package_find(&package, BOOT_ENTRY_DATA, nullptr, &entry));
    CHECK(!package_entry(&package, 2, &entry));
    free(bytes);
}

TEST(malformed_entries_are_not_found) {
    static const struct {
        size_t at;
        uint64_t value;
    } changes[] = {{48, 8193}, {48, UINT64_MAX - 4095}, {48, 4 * 4096}, {56, 4097}, {56, UINT64_MAX}};
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t *bytes = build();
        memcpy(bytes + sizeof(struct boot_package_header) + sizeof(struct boot_package_entry) + changes[i].at,
               &changes[i].value, 8);
        struct package package;
        struct package_entry entry;
        REQUIRE(package_open(bytes, BYTES, &package));
        CHECK(!package_find(&package, BOOT_ENTRY_PROGRAM, "logd", &entry));
        free(bytes);
    }
}

TEST(what_is_no_package_is_refused) {
    struct package package;
    for (size_t len = 0; len < sizeof(struct boot_package_header) + 2 * sizeof(struct boot_package_entry);
         len++) {
        uint8_t *bytes = build();
        uint8_t *cut = malloc(len == 0 ? 1 : len);
        memcpy(cut, bytes, len);
        CHECK(!package_open(cut, len, &package));
        free(cut);
        free(bytes);
    }
    static const size_t fields[] = {0, 8, 14};
    for (size_t i = 0; i < 3; i++) {
        uint8_t *bytes = build();
        bytes[fields[i]] ^= 0xff;
        CHECK(!package_open(bytes, BYTES, &package));
        free(bytes);
    }
}

TEST(a_whole_system) {
    static const struct {
        size_t at;
        const char *bytes, *what;
    } changes[] = {
        {64, "a.manifest", nullptr},
        {64 + 64, "a.manifest", "two entries have the same name"},
        {64 + 64, "", "an entry is malformed"},
        {64 + 64, "lo gd", "an entry is malformed"},
        {64 + 64, "lo\x1bgd", "an entry is malformed"},
        {64 + 40, "\2", "it has no manifest"},
        {64 + 40, "\5", "an entry is malformed"},
        {64 + 64 + 40, "\3", "it has several manifests"},
        {64 + 64 + 44, "\1", "an entry is malformed"},
        {64 + 64 + 49, "\x10", "an entry lies in what is before it"},
    };
    for (size_t i = 0; i < sizeof changes / sizeof changes[0]; i++) {
        uint8_t *bytes = build();
        strcpy((char *)bytes + changes[i].at, changes[i].bytes);
        struct package package;
        const char *what = nullptr;
        REQUIRE(package_open(bytes, BYTES, &package));
        CHECK_EQ(package_check(&package, &what), changes[i].what == nullptr);
        if (changes[i].what != nullptr) {
            CHECK_STR_EQ(what, changes[i].what);
        }
        free(bytes);
    }
}
