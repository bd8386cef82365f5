#include "kernel/ksyms.h"

struct ksym {
    uint32_t text_offset;
    uint32_t name_offset;
};

struct ksym_table {
    uint32_t count;
    uint32_t zero;
    struct ksym symbols[];
};

// From the linker script.
extern const char __image_start[];
extern const char __text_start[];
extern const char __text_end[];
extern const char __ksyms_start[];
extern const char __ksyms_end[];

const char *ksym_lookup(uintptr_t pc, uintptr_t *offset) {
    // In the first link pass the section is empty.
    size_t table_bytes = (uintptr_t)__ksyms_end - (uintptr_t)__ksyms_start;
    if (pc < (uintptr_t)__text_start || pc >= (uintptr_t)__text_end || table_bytes < sizeof(struct ksym_table)) {
        return nullptr;
    }
    const struct ksym_table *table = (const struct ksym_table *)(const void *)__ksyms_start;
    uint64_t wanted = pc - (uintptr_t)__image_start;
    size_t low = 0;
    size_t high = table->count;
    while (low < high) {
        size_t middle = low + (high - low) / 2;
        if (table->symbols[middle].text_offset <= wanted) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    if (low == 0) {
        return nullptr;
    }
    const struct ksym *symbol = &table->symbols[low - 1];
    *offset = wanted - symbol->text_offset;
    return __ksyms_start + symbol->name_offset;
}
