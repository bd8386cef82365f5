#include "lib/launch/mappings.h"

#include "base/align.h"
#include "lib/tess/spawn_layout.h"
#include "tess_arch.h"

static void add_pages(struct crash *to, uint64_t low, uint64_t high, uint32_t protection, const char *what) {
    if (high > low) {
        crash_add_mapping(to, low, high, protection, what);
    }
}

static void add_segment(struct crash *to, const struct elf_plan *plan, const struct elf_segment *segment, uint64_t bias) {
    const uint64_t low = align_down(segment->address, PAGE_BYTES), high = align_up(segment->address + segment->memory_bytes, PAGE_BYTES);
    const uint64_t relro = plan->relro_address, relro_end = relro + plan->relro_bytes;
    if ((segment->protection & PROT_WRITE) == 0 || plan->relro_bytes == 0 || relro < low || relro_end > high) {
        add_pages(to, bias + low, bias + high, segment->protection, (segment->protection & PROT_EXECUTE) != 0 ? "code" : "data");
        return;
    }
    add_pages(to, bias + low, bias + relro, segment->protection, "data");
    add_pages(to, bias + relro, bias + relro_end, PROT_READ, "relocated");
    add_pages(to, bias + relro_end, bias + high, segment->protection, "data");
}

void launch_mappings(const struct remains *remains, const struct package_entry *file, struct crash *to) {
    const struct elf_target target = {.machine = TESS_ARCH_ELF_MACHINE, .relative_type = TESS_ARCH_ELF_RELATIVE};
    struct elf_plan plan;
    uint64_t bootstrap_bytes = remains->private_at; // less the writable segments, which lie between it and the stack
    if (elf_plan(file->bytes, file->len_bytes, target, &plan) != ELF_OK) {
        return;
    }
    for (uint32_t i = 0; i < plan.segment_count; i++) {
        const struct elf_segment *segment = &plan.segments[i];
        if ((segment->protection & PROT_WRITE) != 0) {
            bootstrap_bytes -= align_up(segment->address + segment->memory_bytes, PAGE_BYTES) - align_down(segment->address, PAGE_BYTES);
        }
    }
    add_pages(to, BOOTSTRAP_AT, BOOTSTRAP_AT + bootstrap_bytes, PROT_READ, "bootstrap block");
    add_pages(to, remains->stack_low, remains->stack_high, PROT_READ | PROT_WRITE, "stack");
    add_pages(to, MESSAGE_PAGE_AT, MESSAGE_PAGE_AT + MESSAGE_PAGE_BYTES, PROT_READ | PROT_WRITE, "message page");
    for (uint32_t i = 0; i < plan.segment_count; i++) {
        add_segment(to, &plan, &plan.segments[i], remains->image_bias);
    }
}
