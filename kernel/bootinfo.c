#include "kernel/bootinfo.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/xxh64.h"

constexpr uint64_t PAGE = 4096;
constexpr uint64_t KERNEL_ALIGNMENT = 2 << 20;

// Always false, so that a check can end with it.
[[gnu::format(printf, 2, 3)]] static bool complain(struct boot_complaint *complaint, const char *format,
                                                   ...) {
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(complaint->text, sizeof complaint->text, format, args);
    va_end(args);
    return false;
}

// ---- Boot info ----

static bool check_region(const struct boot_info *boot, uint32_t i, struct boot_complaint *complaint) {
    const struct boot_region *r = &boot->regions[i];
    if (r->kind < BOOT_MEM_USABLE || r->kind > BOOT_MEM_BOOT_INFO) {
        return complain(complaint, "memory region %u has kind %u, expected 1 to 7", i, r->kind);
    }
    if ((r->base | r->len_bytes) % PAGE != 0 || r->len_bytes == 0) {
        return complain(complaint, "memory region %u at %#lx, %#lx bytes, is not whole pages", i,
                        (unsigned long)r->base, (unsigned long)r->len_bytes);
    }
    if (r->base + r->len_bytes < r->base) {
        return complain(complaint, "memory region %u at %#lx, %#lx bytes, wraps around", i,
                        (unsigned long)r->base, (unsigned long)r->len_bytes);
    }
    if (i > 0 && r->base < r[-1].base + r[-1].len_bytes) {
        return complain(complaint, "memory region %u at %#lx begins before region %u ends", i,
                        (unsigned long)r->base, i - 1);
    }
    return true;
}

// Whether the range lies in one region of the kind.
static bool inside(const struct boot_info *boot, uint64_t base, uint64_t len, enum boot_mem_kind kind) {
    for (uint32_t i = 0; i < boot->region_count; i++) {
        const struct boot_region *r = &boot->regions[i];
        if (r->kind == kind && base >= r->base && len <= r->len_bytes &&
            base - r->base <= r->len_bytes - len) {
            return true;
        }
    }
    return false;
}

bool boot_info_check(const struct boot_info *boot, struct boot_complaint *complaint) {
    if (boot->magic != BOOT_INFO_MAGIC) {
        return complain(complaint, "magic is %#lx, expected %#lx", (unsigned long)boot->magic,
                        (unsigned long)BOOT_INFO_MAGIC);
    }
    if (boot->version != BOOT_INFO_VERSION) {
        return complain(complaint, "version is %u, this kernel knows %u", boot->version, BOOT_INFO_VERSION);
    }
    if (boot->size_bytes != sizeof *boot) {
        return complain(complaint, "size is %u bytes, expected %zu", boot->size_bytes, sizeof *boot);
    }
    if (!str_is_terminated(boot->loader, sizeof boot->loader)) {
        return complain(complaint, "the loader's name has no end");
    }
    if (!str_is_terminated(boot->cmdline, sizeof boot->cmdline)) {
        return complain(complaint, "the command line has no end");
    }
    if (boot->region_count == 0 || boot->region_count > BOOT_INFO_MAX_REGIONS) {
        return complain(complaint, "%u memory regions, expected 1 to %u", boot->region_count,
                        BOOT_INFO_MAX_REGIONS);
    }
    for (uint32_t i = 0; i < boot->region_count; i++) {
        if (!check_region(boot, i, complaint)) {
            return false;
        }
    }
    if (boot->kernel_phys_base % KERNEL_ALIGNMENT != 0 || boot->kernel_phys_bytes == 0 ||
        !inside(boot, boot->kernel_phys_base, boot->kernel_phys_bytes, BOOT_MEM_KERNEL)) {
        return complain(complaint, "the kernel, %#lx bytes at %#lx, is in no memory region of its own",
                        (unsigned long)boot->kernel_phys_bytes, (unsigned long)boot->kernel_phys_base);
    }
    if (boot->package_phys != 0 &&
        (boot->package_phys % PAGE != 0 || boot->package_bytes == 0 ||
         !inside(boot, boot->package_phys, boot->package_bytes, BOOT_MEM_PACKAGE))) {
        return complain(complaint, "the boot package, %#lx bytes at %#lx, is in no memory region of its own",
                        (unsigned long)boot->package_bytes, (unsigned long)boot->package_phys);
    }
    return true;
}

uint64_t boot_info_bytes(const struct boot_info *boot, enum boot_mem_kind kind) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < boot->region_count; i++) {
        if (boot->regions[i].kind == kind) {
            sum += boot->regions[i].len_bytes;
        }
    }
    return sum;
}

uint64_t boot_info_take(struct boot_info *boot, uint64_t len_bytes, uint64_t limit) {
    for (uint32_t i = boot->region_count; i-- > 0;) {
        struct boot_region *region = &boot->regions[i];
        const uint64_t region_end = region->base + region->len_bytes;
        const uint64_t end = region_end < limit ? region_end : limit;
        const uint64_t base = region->base == 0 ? PAGE : region->base;
        if (region->kind != BOOT_MEM_USABLE || end < base || end - base <= len_bytes) {
            continue; // one that would be used up is none, which spares a case
        }
        const uint32_t parts = end == region_end ? 1 : 2; // to come behind what stays
        if (boot->region_count + parts > BOOT_INFO_MAX_REGIONS) {
            return 0;
        }
        memmove(region + 1 + parts, region + 1, (boot->region_count - i - 1) * sizeof *region);
        boot->region_count += parts;
        region->len_bytes = end - len_bytes - region->base;
        region[1] = (struct boot_region){.base = end - len_bytes, .len_bytes = len_bytes, .kind = BOOT_MEM_KERNEL};
        if (parts == 2) {
            region[2] = (struct boot_region){.base = end, .len_bytes = region_end - end, .kind = BOOT_MEM_USABLE};
        }
        return end - len_bytes;
    }
    return 0;
}

uint32_t boot_info_number(const struct boot_info *boot, const char *name, uint32_t otherwise) {
    const size_t name_len = strlen(name);
    for (const char *at = boot->cmdline; *at != 0; at++) {
        const bool begins = at == boot->cmdline || at[-1] == ' ';
        if (!begins || strncmp(at, name, name_len) != 0 || at[name_len] != '=') {
            continue;
        }
        uint32_t value = 0;
        const char *digit = at + name_len + 1;
        for (; *digit >= '0' && *digit <= '9' && value < 100'000'000; digit++) {
            value = value * 10 + (uint32_t)(*digit - '0');
        }
        if (digit != at + name_len + 1 && (*digit == ' ' || *digit == 0)) {
            return value;
        }
    }
    return otherwise;
}

// ---- Boot package ----

static bool all_zero(const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (bytes[i] != 0) {
            return false;
        }
    }
    return true;
}

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

static bool check_header(const struct boot_package_header *h, uint64_t len,
                         struct boot_complaint *complaint) {
    if (len < sizeof *h) {
        return complain(complaint, "it is cut off after %lu bytes, its header alone has %zu",
                        (unsigned long)len, sizeof *h);
    }
    if (h->magic != BOOT_PACKAGE_MAGIC) {
        return complain(complaint, "it is no boot package: magic at offset 0 is %#lx, expected %#lx",
                        (unsigned long)h->magic, (unsigned long)BOOT_PACKAGE_MAGIC);
    }
    if (h->version != BOOT_PACKAGE_VERSION) {
        return complain(complaint, "version at offset 8 is %u, this kernel knows %u", h->version,
                        BOOT_PACKAGE_VERSION);
    }
    if (h->total_bytes != len) {
        return complain(complaint, "%s: %lu bytes were loaded, its header says %lu",
                        len < h->total_bytes ? "it is cut off" : "something follows its end",
                        (unsigned long)len, (unsigned long)h->total_bytes);
    }
    if (len % PAGE != 0) {
        return complain(complaint, "its length, %lu bytes, is not whole pages", (unsigned long)len);
    }
    uint64_t checksum = package_checksum(h);
    if (checksum != h->checksum) {
        return complain(complaint, "it is damaged: checksum is %016lx, its header says %016lx",
                        (unsigned long)checksum, (unsigned long)h->checksum);
    }
    if (!all_zero(h->zero, sizeof h->zero)) {
        return complain(complaint, "reserved bytes of its header, at offset %zu, are not zero",
                        offsetof(struct boot_package_header, zero));
    }
    if (h->entry_count == 0 || h->entry_count > BOOT_PACKAGE_MAX_ENTRIES) {
        return complain(complaint, "it has %u entries, expected 1 to %u", h->entry_count,
                        BOOT_PACKAGE_MAX_ENTRIES);
    }
    if (len - sizeof *h < h->entry_count * sizeof h->entries[0]) {
        return complain(complaint, "its table of %u entries does not fit in %lu bytes", h->entry_count,
                        (unsigned long)len);
    }
    return true;
}

static bool check_entry_name(const struct boot_package_header *h, uint32_t i,
                             struct boot_complaint *complaint) {
    const struct boot_package_entry *e = &h->entries[i];
    if (!str_is_terminated(e->name, sizeof e->name) || e->name[0] == 0) {
        return complain(complaint, "entry %u has no proper name", i);
    }
    for (const char *c = e->name; *c != 0; c++) {
        if (!char_is_print(*c) || *c == ' ') {
            return complain(complaint, "the name of entry %u has a byte %#x in it", i, (uint8_t)*c);
        }
    }
    for (uint32_t j = 0; j < i; j++) {
        if (str_equal(h->entries[j].name, e->name)) {
            return complain(complaint, "entries %u and %u are both named \"%s\"", j, i, e->name);
        }
    }
    return true;
}

// Entries lie behind the table and behind each other, each on a page boundary.
static bool check_entry(const struct boot_package_header *h, uint32_t i, uint64_t *end,
                        struct boot_complaint *complaint) {
    const struct boot_package_entry *e = &h->entries[i];
    if (!check_entry_name(h, i, complaint)) {
        return false;
    }
    if (e->kind < BOOT_ENTRY_INIT || e->kind > BOOT_ENTRY_DATA || e->zero != 0) {
        return complain(complaint, "entry %u (\"%s\") has kind %u, expected 1 to 4", i, e->name, e->kind);
    }
    if (e->offset_bytes % PAGE != 0 || e->len_bytes == 0) {
        return complain(complaint,
                        "entry %u (\"%s\"), %lu bytes at offset %#lx, is empty or not on a page boundary", i,
                        e->name, (unsigned long)e->len_bytes, (unsigned long)e->offset_bytes);
    }
    if (e->offset_bytes < *end) {
        return complain(complaint,
                        "entry %u (\"%s\") at offset %#lx lies in what is before it, which ends at %#lx", i,
                        e->name, (unsigned long)e->offset_bytes, (unsigned long)*end);
    }
    if (e->offset_bytes > h->total_bytes || e->len_bytes > h->total_bytes - e->offset_bytes) {
        return complain(complaint,
                        "entry %u (\"%s\"), %lu bytes at offset %#lx, reaches beyond the end at %#lx", i,
                        e->name, (unsigned long)e->len_bytes, (unsigned long)e->offset_bytes,
                        (unsigned long)h->total_bytes);
    }
    *end = e->offset_bytes + e->len_bytes;
    return true;
}

static uint32_t count_kind(const struct boot_package_header *h, enum boot_entry_kind kind) {
    uint32_t count = 0;
    for (uint32_t i = 0; i < h->entry_count; i++) {
        count += h->entries[i].kind == kind;
    }
    return count;
}

bool boot_package_check(const void *package, uint64_t len_bytes, const uint8_t build_id[20],
                        struct boot_complaint *complaint) {
    const struct boot_package_header *h = package;
    if (!check_header(h, len_bytes, complaint)) {
        return false;
    }
    uint64_t end = sizeof *h + h->entry_count * sizeof h->entries[0];
    for (uint32_t i = 0; i < h->entry_count; i++) {
        if (!check_entry(h, i, &end, complaint)) {
            return false;
        }
    }
    if (count_kind(h, BOOT_ENTRY_INIT) != 1) {
        return complain(complaint, "it has %u init programs, expected 1", count_kind(h, BOOT_ENTRY_INIT));
    }
    if (count_kind(h, BOOT_ENTRY_MANIFEST) != 1) {
        return complain(complaint, "it has %u manifests, expected 1", count_kind(h, BOOT_ENTRY_MANIFEST));
    }
    for (uint32_t i = 0; i < sizeof h->build_id; i++) {
        if (h->build_id[i] != build_id[i]) {
            return complain(complaint,
                            "it was made for kernel %02x%02x%02x%02x, this is kernel %02x%02x%02x%02x",
                            h->build_id[0], h->build_id[1], h->build_id[2], h->build_id[3], build_id[0],
                            build_id[1], build_id[2], build_id[3]);
        }
    }
    return true;
}

const struct boot_package_entry *boot_package_find(const struct boot_package_header *package,
                                                   enum boot_entry_kind kind) {
    for (uint32_t i = 0; i < package->entry_count; i++) {
        if (package->entries[i].kind == kind) {
            return &package->entries[i];
        }
    }
    return nullptr;
}
