#include "boot/package.h"

#include <stddef.h>

#include "abi/boot_package.h"
#include "abi/message.h"
#include "base/checked.h"
#include "base/elf_image.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/xxh64.h"

constexpr uint64_t PAGE = 4096;

static_assert(BOOT_MAX_SEGMENTS == ELF_MAX_SEGMENTS);

#define COMPLAIN(info, ...) \
    (fmt_snprintf((info)->package_complaint, sizeof (info)->package_complaint, __VA_ARGS__), false)

static uint64_t package_checksum(const struct boot_package_header *h) {
    constexpr size_t BEFORE = offsetof(struct boot_package_header, checksum);
    const uint8_t *bytes = (const uint8_t *)h;
    const uint64_t zero = 0;
    struct xxh64 hash;
    xxh64_init(&hash, 0);
    xxh64_update(&hash, bytes, BEFORE);
    xxh64_update(&hash, &zero, sizeof zero);
    xxh64_update(&hash, bytes + BEFORE + sizeof zero, h->total_bytes - BEFORE - sizeof zero);
    return xxh64_digest(&hash);
}

static bool check_header(struct boot_info *info, const struct boot_package_header *h) {
    static const uint8_t zero[sizeof h->zero];
    const uint64_t len = info->package_bytes;
    if (len < sizeof *h || h->magic != BOOT_PACKAGE_MAGIC) {
        return COMPLAIN(info, "it is no boot package: %zu bytes without a header", len);
    }
    if (h->version != BOOT_PACKAGE_VERSION) {
        return COMPLAIN(info, "version at offset 8 is %u, this kernel knows %u", h->version, BOOT_PACKAGE_VERSION);
    }
    if (h->total_bytes != len || len % PAGE != 0) {
        return COMPLAIN(info, "%s: %zu bytes were loaded, its header says %zu (in whole pages)",
                        len < h->total_bytes ? "it is cut off" : "something follows its end", len, h->total_bytes);
    }
    const uint64_t checksum = package_checksum(h);
    if (checksum != h->checksum) {
        return COMPLAIN(info, "it is damaged: checksum is %016zx, its header says %016zx", checksum, h->checksum);
    }
    if (h->entry_count > BOOT_PACKAGE_MAX_ENTRIES || memcmp(h->zero, zero, sizeof zero) != 0 ||
        len - sizeof *h < h->entry_count * sizeof h->entries[0]) {
        return COMPLAIN(info, "%u entries do not fit, or reserved bytes at offset %zu are not zero", h->entry_count,
                        offsetof(struct boot_package_header, zero));
    }
    return true;
}

static bool find_init(struct boot_info *info, const struct boot_package_header *h,
                      const struct boot_package_entry **init) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->entry_count; i++) {
        const struct boot_package_entry *e = &h->entries[i];
        if (e->offset_bytes % PAGE != 0 || !range_within(e->offset_bytes, e->len_bytes, info->package_bytes)) {
            return COMPLAIN(info, "entry %u, %zu bytes at offset %#zx, is not on a page boundary, or beyond the end at %#zx",
                            i, e->len_bytes, e->offset_bytes, info->package_bytes);
        }
        if (e->kind == BOOT_ENTRY_INIT) {
            *init = e;
            count++;
        }
    }
    return count == 1 || COMPLAIN(info, "it has %u init programs, expected 1", count);
}

void boot_package_read(struct boot_info *info, uint16_t machine) {
    const struct elf_rules rules = {machine, BOOTSTRAP_INIT_IMAGE_BASE, USER_LOWEST, USER_END};
    const struct boot_package_header *h = (const struct boot_package_header *)(uintptr_t)info->package_phys;
    const struct boot_package_entry *init = nullptr;
    struct elf_image image;
    if (h == nullptr || !check_header(info, h) || !find_init(info, h, &init)) {
        return;
    }
    const char *error = elf_parse((const uint8_t *)h + init->offset_bytes, init->len_bytes, &rules, &image);
    if (error != nullptr) {
        (void)COMPLAIN(info, "init: %s", error);
        return;
    }
    memcpy(info->package_build_id, h->build_id, sizeof info->package_build_id);
    info->init_entry = image.entry;
    info->init_base = image.base;
    info->init_segment_count = image.segment_count;
    for (uint32_t i = 0; i < image.segment_count; i++) {
        const struct elf_segment *s = &image.segments[i];
        info->init_segments[i] = (struct boot_segment){s->address, s->len_bytes, init->offset_bytes + s->file_offset,
                                                       s->file_bytes, s->writable, s->executable};
    }
}
