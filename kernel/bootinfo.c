#include "kernel/bootinfo.h"

#include <stdarg.h>

#include "base/checked.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

constexpr uint64_t PAGE = 4096;
constexpr uint64_t KERNEL_ALIGNMENT = 2 << 20;

[[gnu::format(printf, 1, 2)]] static const char *complain(const char *format, ...) {
    static char text[160];
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(text, sizeof text, format, args);
    va_end(args);
    return text;
}

// ---- Boot info ----

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

static const char *check_machine(const struct boot_info *boot) {
    const struct {
        const char *what;
        uint32_t count, most;
    } lists[] = {{"processors", boot->cpu_count, BOOT_MAX_CPUS},
                 {"devices", boot->device_count, BOOT_MAX_DEVICES},
                 {"lines", boot->line_count, BOOT_MAX_LINES},
                 {"ranges of ports", boot->port_count, BOOT_MAX_PORTS},
                 {"segments of init", boot->init_segment_count, BOOT_MAX_SEGMENTS}};
    for (size_t i = 0; i < sizeof lists / sizeof lists[0]; i++) {
        if (lists[i].count > lists[i].most) {
            return complain("%u %s, expected at most %u", lists[i].count, lists[i].what, lists[i].most);
        }
    }
    for (uint32_t i = 0; i < boot->device_count; i++) {
        const struct boot_device *d = &boot->devices[i];
        if (d->len_bytes == 0 || d->phys + d->len_bytes < d->phys) {
            return complain("device %u, %#lx bytes at %#lx, is no range of memory", i, d->len_bytes, d->phys);
        }
    }
    for (uint32_t i = 0; i < boot->init_segment_count; i++) {
        const struct boot_segment *s = &boot->init_segments[i];
        if (!range_within(s->package_offset, s->file_bytes, boot->package_bytes)) {
            return complain("segment %u of init, %#lx bytes at offset %#lx, is beyond the package", i, s->file_bytes,
                            s->package_offset);
        }
    }
    return nullptr;
}

const char *boot_info_check(const struct boot_info *boot) {
    if (boot->magic != BOOT_INFO_MAGIC || boot->version != BOOT_INFO_VERSION || boot->size_bytes != sizeof *boot) {
        return complain("magic %#lx, version %u, %u bytes; expected %#lx, %u, %zu: loader and kernel do not fit "
                        "together",
                        boot->magic, boot->version, boot->size_bytes, BOOT_INFO_MAGIC, BOOT_INFO_VERSION, sizeof *boot);
    }
    if (!str_is_terminated(boot->loader, sizeof boot->loader) ||
        !str_is_terminated(boot->cmdline, sizeof boot->cmdline) ||
        !str_is_terminated(boot->complaint, sizeof boot->complaint) ||
        !str_is_terminated(boot->package_complaint, sizeof boot->package_complaint)) {
        return "the loader's name, the command line or a complaint has no end";
    }
    if (boot->region_count == 0 || boot->region_count > BOOT_INFO_MAX_REGIONS) {
        return complain("%u memory regions, expected 1 to %u", boot->region_count, BOOT_INFO_MAX_REGIONS);
    }
    uint64_t end = 0;
    for (uint32_t i = 0; i < boot->region_count; i++) {
        const struct boot_region *r = &boot->regions[i];
        if (r->kind < BOOT_MEM_USABLE || r->kind > BOOT_MEM_START || (r->base | r->len_bytes) % PAGE != 0 ||
            r->len_bytes == 0 || r->base < end || r->base + r->len_bytes < r->base) {
            return complain("memory region %u, kind %u, %#lx bytes at %#lx, is not whole pages behind the one before "
                            "it", i, r->kind, r->len_bytes, r->base);
        }
        end = r->base + r->len_bytes;
    }
    if (boot->kernel_phys_base % KERNEL_ALIGNMENT != 0 || boot->kernel_phys_bytes == 0 ||
        !inside(boot, boot->kernel_phys_base, boot->kernel_phys_bytes, BOOT_MEM_KERNEL)) {
        return complain("the kernel, %#lx bytes at %#lx, is in no memory region of its own", boot->kernel_phys_bytes,
                        boot->kernel_phys_base);
    }
    if (boot->package_phys != 0 &&
        (boot->package_phys % PAGE != 0 || boot->package_bytes == 0 ||
         !inside(boot, boot->package_phys, boot->package_bytes, BOOT_MEM_PACKAGE))) {
        return complain("the boot package, %#lx bytes at %#lx, is in no memory region of its own",
                        boot->package_bytes, boot->package_phys);
    }
    return check_machine(boot);
}

const char *boot_package_check(const struct boot_info *boot, const uint8_t build_id[20]) {
    const uint8_t *its = boot->package_build_id;
    if (boot->package_phys == 0) {
        return "there is none; the loader must pass boot.pkg as the first module";
    }
    if (boot->package_complaint[0] != 0) {
        return boot->package_complaint;
    }
    return memcmp(its, build_id, sizeof boot->package_build_id) == 0
               ? nullptr
               : complain("it was made for kernel %02x%02x%02x%02x, this is kernel %02x%02x%02x%02x", its[0], its[1],
                          its[2], its[3], build_id[0], build_id[1], build_id[2], build_id[3]);
}

uint64_t boot_info_bytes(const struct boot_info *boot, uint32_t kinds) {
    uint64_t sum = 0;
    for (uint32_t i = 0; i < boot->region_count; i++) {
        sum += (kinds >> boot->regions[i].kind & 1) != 0 ? boot->regions[i].len_bytes : 0;
    }
    return sum;
}

uint64_t boot_info_ram_bytes(const struct boot_info *boot) {
    return boot_info_bytes(boot, ~(1u << BOOT_MEM_RESERVED | 1u << BOOT_MEM_ACPI_TABLES | 1u << BOOT_MEM_ACPI_NVS));
}

bool boot_owns_ports(uint64_t base, uint64_t count) {
    for (uint32_t i = 0; i < boot_machine->port_count; i++) {
        if (ranges_overlap(base, count, boot_machine->ports[i].base, boot_machine->ports[i].count)) {
            return true;
        }
    }
    return false;
}

bool boot_resets_by(uint64_t base, uint64_t count) {
    for (uint32_t i = 0; i < BOOT_MAX_WRITES && boot_machine->reset[i].bytes != 0; i++) {
        if (ranges_overlap(base, count, boot_machine->reset[i].port, boot_machine->reset[i].bytes)) {
            return true;
        }
    }
    return false;
}

bool boot_owns_memory(uint64_t base, uint64_t len_bytes) {
    for (uint32_t i = 0; i < boot_machine->device_count; i++) {
        if (ranges_overlap(base, len_bytes, boot_machine->devices[i].phys, boot_machine->devices[i].len_bytes)) {
            return true;
        }
    }
    return false;
}

uint32_t boot_info_number(const struct boot_info *boot, const char *name, uint32_t otherwise) {
    const char *at = boot->cmdline;
    while ((at = str_find_word(at, name)) != nullptr) {
        uint32_t value = 0;
        const char *const first = at + (*at == '='), *digit = first;
        for (; char_is_digit(*digit) && value < 100'000'000; digit++) {
            value = value * 10 + (uint32_t)(*digit - '0');
        }
        if (digit != first && (*digit == ' ' || *digit == 0)) {
            return value;
        }
    }
    return otherwise;
}
