#include "boot/regions.h"

#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"

constexpr uint64_t PAGE_BYTES = 4096;
constexpr uint64_t ADDRESS_LIMIT = UINT64_MAX - PAGE_BYTES + 1; // no region reaches the very last page

static uint64_t end_of(const struct boot_region *region) {
    return region->base + region->len_bytes;
}

static void remove_at(struct boot_info *info, uint32_t at) {
    info->region_count--;
    memmove(&info->regions[at], &info->regions[at + 1], (info->region_count - at) * sizeof(info->regions[0]));
}

// Makes the map overfull, for good, when there is no room.
static bool insert_at(struct boot_info *info, uint32_t at, uint64_t base, uint64_t end, uint32_t kind) {
    if (info->region_count >= BOOT_INFO_MAX_REGIONS) {
        info->region_count = BOOT_INFO_MAX_REGIONS + 1;
        return false;
    }
    memmove(&info->regions[at + 1], &info->regions[at], (info->region_count - at) * sizeof(info->regions[0]));
    info->regions[at] = (struct boot_region){.base = base, .len_bytes = end - base, .kind = kind};
    info->region_count++;
    return true;
}

// Cuts [base, end) out of the map. Returns where a region with that range belongs.
static uint32_t cut_out(struct boot_info *info, uint64_t base, uint64_t end) {
    uint32_t at = 0;
    while (at < info->region_count && end_of(&info->regions[at]) <= base) {
        at++;
    }
    while (at < info->region_count && info->regions[at].base < end) {
        struct boot_region *region = &info->regions[at];
        uint64_t region_end = end_of(region);
        if (region->base < base && region_end > end) {
            region->len_bytes = base - region->base;
            insert_at(info, at + 1, end, region_end, region->kind);
            return at + 1;
        }
        if (region->base < base) {
            region->len_bytes = base - region->base;
            at++;
        } else if (region_end > end) {
            region->base = end;
            region->len_bytes = region_end - end;
            return at;
        } else {
            remove_at(info, at);
        }
    }
    return at;
}

static void join_with_next(struct boot_info *info, uint32_t at) {
    if (at + 1 >= info->region_count) {
        return;
    }
    struct boot_region *region = &info->regions[at];
    const struct boot_region *next = &info->regions[at + 1];
    if (region->kind == next->kind && end_of(region) == next->base) {
        region->len_bytes += next->len_bytes;
        remove_at(info, at + 1);
    }
}

void boot_regions_add(struct boot_info *info, uint64_t base, uint64_t len_bytes, enum boot_mem_kind kind) {
    uint64_t end = saturating_add_u64(base, len_bytes);
    if (info->region_count > BOOT_INFO_MAX_REGIONS || len_bytes == 0) {
        return;
    }
    if (kind == BOOT_MEM_USABLE) {
        end = align_down(end, PAGE_BYTES);
        base = base > ADDRESS_LIMIT ? end : align_up(base, PAGE_BYTES);
    } else {
        end = end > ADDRESS_LIMIT ? ADDRESS_LIMIT : align_up(end, PAGE_BYTES);
        base = align_down(base, PAGE_BYTES);
    }
    if (base >= end) {
        return;
    }
    uint32_t at = cut_out(info, base, end);
    if (info->region_count > BOOT_INFO_MAX_REGIONS || !insert_at(info, at, base, end, kind)) {
        return;
    }
    join_with_next(info, at);
    if (at > 0) {
        join_with_next(info, at - 1);
    }
}

uint64_t boot_regions_set_start_aside(struct boot_info *info) {
    constexpr uint64_t REAL_MODE_END = 1 << 20;
    uint64_t found = 0;
    for (uint32_t i = 0; i < info->region_count && i < BOOT_INFO_MAX_REGIONS; i++) {
        const struct boot_region *region = &info->regions[i];
        const uint64_t end = end_of(region) < REAL_MODE_END ? end_of(region) : REAL_MODE_END;
        if (region->kind == BOOT_MEM_USABLE && end >= region->base + PAGE_BYTES && end > PAGE_BYTES) {
            found = end - PAGE_BYTES;
        }
    }
    if (found != 0) {
        boot_regions_add(info, found, PAGE_BYTES, BOOT_MEM_START);
    }
    return found;
}
