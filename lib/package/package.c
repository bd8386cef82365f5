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

bool package_entry(const struct package *package, uint32_t index, struct package_entry *out) {
    uint64_t at = sizeof(struct boot_package_header) + index * sizeof(struct boot_package_entry);
    struct boot_package_entry entry;
    if (index >= package->entry_count) {
        return false;
    }
    memcpy(&entry, package->bytes + at, sizeof entry);
    if (!str_is_terminated(entry.name, sizeof entry.name) || entry.offset_bytes % PAGE_BYTES != 0 ||
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
