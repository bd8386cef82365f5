#include "lib/package/package.h"

#include "abi/message.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/str.h"

bool package_open(const uint8_t *bytes, uint64_t len_bytes, struct package *out) {
    struct boot_package_header header;
    if (len_bytes < sizeof header) {
        return false;
    }
    memcpy(&header, bytes, sizeof header);
    if (header.magic != BOOT_PACKAGE_MAGIC || header.version != BOOT_PACKAGE_VERSION ||
        header.entry_count > BOOT_PACKAGE_MAX_ENTRIES ||
        !range_within(sizeof header, header.entry_count * sizeof(struct boot_package_entry), len_bytes)) {
        return false;
    }
    *out = (struct package){.bytes = bytes, .len_bytes = len_bytes, .entry_count = header.entry_count};
    return true;
}

// Something to print and to type.
static bool is_name(const char name[BOOT_PACKAGE_NAME_BYTES]) {
    size_t len = 0;
    while (len < BOOT_PACKAGE_NAME_BYTES && char_is_print(name[len]) && name[len] != ' ') {
        len++;
    }
    return len > 0 && len < BOOT_PACKAGE_NAME_BYTES && name[len] == '\0';
}

bool package_entry(const struct package *package, uint32_t index, struct package_entry *out) {
    uint64_t at = sizeof(struct boot_package_header) + index * sizeof(struct boot_package_entry);
    struct boot_package_entry entry;
    if (index >= package->entry_count) {
        return false;
    }
    memcpy(&entry, package->bytes + at, sizeof entry);
    if (!is_name(entry.name) || entry.zero != 0 || entry.kind < BOOT_ENTRY_INIT || entry.kind > BOOT_ENTRY_DATA ||
        entry.len_bytes == 0 || entry.offset_bytes % PAGE_BYTES != 0 ||
        !range_within(entry.offset_bytes, entry.len_bytes, package->len_bytes)) {
        return false;
    }
    *out = (struct package_entry){
        .offset_bytes = entry.offset_bytes,
        .len_bytes = entry.len_bytes,
        .bytes = package->bytes + entry.offset_bytes,
        .kind = entry.kind,
        .name = (const char *)package->bytes + at + offsetof(struct boot_package_entry, name),
    };
    return true;
}

bool package_find(const struct package *package, enum boot_entry_kind kind, const char *name,
                  struct package_entry *out) {
    for (uint32_t i = 0; i < package->entry_count; i++) {
        struct package_entry entry;
        if (package_entry(package, i, &entry) && entry.kind == kind &&
            (name == nullptr || str_equal(entry.name, name))) {
            *out = entry;
            return true;
        }
    }
    return false;
}

bool package_check(const struct package *package, const char **what) {
    uint32_t manifests = 0;
    uint64_t end = sizeof(struct boot_package_header) + package->entry_count * sizeof(struct boot_package_entry);
    for (uint32_t i = 0; i < package->entry_count; i++) {
        struct package_entry entry, same;
        if (!package_entry(package, i, &entry)) {
            *what = "an entry is malformed";
            return false;
        }
        if (entry.offset_bytes < end) {
            *what = "an entry lies in what is before it";
            return false;
        }
        end = entry.offset_bytes + entry.len_bytes;
        manifests += entry.kind == BOOT_ENTRY_MANIFEST;
        for (uint32_t j = 0; j < i; j++) {
            if (package_entry(package, j, &same) && str_equal(same.name, entry.name)) {
                *what = "two entries have the same name";
                return false;
            }
        }
    }
    *what = manifests == 0 ? "it has no manifest" : "it has several manifests";
    return manifests == 1;
}
