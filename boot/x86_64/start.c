#include "boot/x86_64/start.h"

#include "base/mem.h"
#include "boot/regions.h"

// As it lies in start.S.
struct [[gnu::packed]] start_parameters {
    uint64_t entry;
    uint64_t gdt[2];
    uint32_t root;
    uint32_t jump_offset;
    uint16_t jump_selector;
    uint16_t gdt_limit;
    uint32_t gdt_base;
};

extern const uint8_t start_code[], start_64[], start_parameters[], start_end[];

void start_prepare(struct boot_info *info, uint64_t tables_phys) {
    const uint64_t page_phys = boot_regions_set_start_aside(info);
    if (page_phys == 0) {
        return;
    }
    memcpy((void *)page_phys, start_code, (size_t)(start_end - start_code));
    const uint64_t parameters_phys = page_phys + (uint64_t)(start_parameters - start_code);
    struct start_parameters *parameters = (struct start_parameters *)parameters_phys;
    parameters->root = (uint32_t)tables_phys;
    parameters->jump_offset = (uint32_t)(page_phys + (uint64_t)(start_64 - start_code));
    parameters->gdt_base = (uint32_t)(parameters_phys + offsetof(struct start_parameters, gdt));
    info->start_phys = page_phys;
    info->start_entry_phys = parameters_phys + offsetof(struct start_parameters, entry);
}
