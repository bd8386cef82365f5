#include "boot/x86_64/acpi.h"

#include "base/mem.h"

// Unaligned little-endian fields.
static uint16_t get16(const uint8_t *p) {
    return (uint16_t)(p[0] | p[1] << 8);
}
static uint32_t get32(const uint8_t *p) {
    return get16(p) | (uint32_t)get16(p + 2) << 16;
}
static uint64_t get64(const uint8_t *p) {
    return get32(p) | (uint64_t)get32(p + 4) << 32;
}

static const uint8_t *bytes_at(const struct acpi_memory *memory, uint64_t phys, size_t len) {
    return phys != 0 ? memory->at(memory->context, phys, len) : nullptr;
}

// The bytes of every table add up to 0 modulo 256. Unrolled: tables are several KiB, and this runs in every boot.
static bool checksum_ok(const uint8_t *p, size_t len) {
    uint8_t sum = 0;
#pragma clang loop unroll_count(16)
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + p[i]);
    }
    return sum == 0;
}

// ---- The root pointer ----

enum {
    RSDP_BYTES_V1 = 20,
    RSDP_BYTES = 36,
    RSDP_REVISION = 15,
    RSDP_RSDT = 16,
    RSDP_LENGTH = 20,
    RSDP_XSDT = 24,
    HEADER_BYTES = 36, // of every table: signature, length at 4, ...
    HEADER_LENGTH = 4,
};

constexpr uint32_t MAX_TABLE_BYTES = 4 << 20;

static bool is_rsdp(const uint8_t *p) {
    return p != nullptr && memcmp(p, "RSD PTR ", 8) == 0 && checksum_ok(p, RSDP_BYTES_V1);
}

// A whole table, checked. Null when it cannot be read, is too short or does not add up.
static const uint8_t *table_at(const struct acpi_memory *memory, uint64_t phys, uint32_t min_bytes,
                               uint32_t *len) {
    const uint8_t *header = bytes_at(memory, phys, HEADER_BYTES);
    if (header == nullptr) {
        return nullptr;
    }
    *len = get32(header + HEADER_LENGTH);
    if (*len < min_bytes || *len < HEADER_BYTES || *len > MAX_TABLE_BYTES) {
        return nullptr;
    }
    const uint8_t *table = bytes_at(memory, phys, *len);
    return table != nullptr && checksum_ok(table, *len) ? table : nullptr;
}

// ---- MADT (5.2.12) ----

enum {
    MADT_BYTES = 44,
    MADT_LAPIC_ADDRESS = 36,
    MADT_LAPIC = 0,
    MADT_IOAPIC = 1,
    MADT_OVERRIDE = 2,
    MADT_LAPIC_OVERRIDE = 5,
    MADT_X2APIC = 9,
};

// Room for one more of what there are `count`; else it is left out.
static bool has_room(struct acpi_info *info, uint32_t count, uint32_t max) {
    info->overfull |= count == max;
    return count < max;
}

static void add_processor(struct acpi_info *info, uint32_t id, uint32_t flags) {
    if ((flags & 1) != 0 && has_room(info, info->processor_count, ACPI_MAX_PROCESSORS)) {
        info->processors[info->processor_count++] = id;
    }
}

static void add_override(struct acpi_info *info, const uint8_t *e) {
    if (e[2] != 0 || e[3] >= 16 || !has_room(info, info->override_count, ACPI_MAX_OVERRIDES)) {
        return;
    }
    // Polarity in bits 0-1, trigger mode in bits 2-3: 0 as the bus has it (ISA: high, edge), 1 high
    // or edge, 3 low or level.
    uint16_t flags = get16(e + 8);
    info->overrides[info->override_count++] = (struct acpi_override){
        .source = e[3],
        .gsi = get32(e + 4),
        .active_low = (flags & 3) == 3,
        .level = (flags >> 2 & 3) == 3,
    };
}

static const char *parse_madt(const uint8_t *madt, uint32_t len, struct acpi_info *info) {
    info->lapic_phys = get32(madt + MADT_LAPIC_ADDRESS);
    for (uint32_t at = MADT_BYTES; at < len;) {
        const uint8_t *e = madt + at;
        if (len - at < 2 || e[1] < 2 || e[1] > len - at) {
            return "an entry of the MADT has a wrong length";
        }
        if (e[0] == MADT_LAPIC && e[1] >= 8) {
            add_processor(info, e[3], get32(e + 4));
        } else if (e[0] == MADT_X2APIC && e[1] >= 16) {
            add_processor(info, get32(e + 4), get32(e + 8));
        } else if (e[0] == MADT_IOAPIC && e[1] >= 12 && has_room(info, info->ioapic_count, ACPI_MAX_IOAPICS)) {
            info->ioapics[info->ioapic_count++] =
                (struct acpi_ioapic){.id = e[2], .phys = get32(e + 4), .gsi_base = get32(e + 8)};
        } else if (e[0] == MADT_OVERRIDE && e[1] >= 10) {
            add_override(info, e);
        } else if (e[0] == MADT_LAPIC_OVERRIDE && e[1] >= 12) {
            info->lapic_phys = get64(e + 4);
        }
        at += e[1];
    }
    return nullptr;
}

// ---- DMAR ----

// What is behind a unit: of interest are I/O APICs, which sit on the bus that is named (8.3.1).
static const char *add_scopes(const uint8_t *scopes, uint32_t len, struct acpi_info *info) {
    constexpr uint8_t IOAPIC = 3, IOAPIC_BYTES = 8;
    for (uint32_t at = 0; at < len;) {
        const uint8_t *e = scopes + at;
        if (len - at < 2 || e[1] < 2 || e[1] > len - at) {
            return "a device scope of the DMAR has a wrong length";
        }
        if (e[0] == IOAPIC && e[1] == IOAPIC_BYTES && has_room(info, info->scope_count, ACPI_MAX_IOAPICS)) {
            info->scopes[info->scope_count++] =
                (struct acpi_scope){.ioapic_id = e[4], .requester = (uint16_t)(e[5] << 8 | e[6] << 3 | e[7])};
        }
        at += e[1];
    }
    return nullptr;
}

static const char *parse_dmar(const uint8_t *dmar, uint32_t len, struct acpi_info *info) {
    constexpr uint32_t FLAGS = 37, REMAPS_INTERRUPTS = 1, ENTRIES = 48, UNIT = 0, UNIT_BYTES = 16;
    for (uint32_t at = ENTRIES; at < len;) {
        const uint8_t *e = dmar + at;
        if (len - at < 4 || get16(e + 2) < 4 || get16(e + 2) > len - at) {
            return "an entry of the DMAR has a wrong length";
        }
        if (get16(e) == UNIT && get16(e + 2) >= UNIT_BYTES && get16(e + 6) == 0 &&
            has_room(info, info->iommu_count, ACPI_MAX_IOMMUS)) {
            info->iommu_phys[info->iommu_count++] = get64(e + 8);
            const bool remaps = (dmar[FLAGS] & REMAPS_INTERRUPTS) != 0;
            const char *error = remaps ? add_scopes(e + UNIT_BYTES, get16(e + 2) - UNIT_BYTES, info) : nullptr;
            if (error != nullptr) {
                return error;
            }
        }
        at += get16(e + 2);
    }
    return nullptr;
}

// ---- DSDT: \_S5_ (7.4.2.6) ----

// A small integer of AML: ZeroOp, OneOp, or BytePrefix and a byte.
static bool aml_byte(const uint8_t *p, uint32_t len, uint32_t *at, uint8_t *out) {
    if (*at < len && p[*at] <= 1) {
        *out = p[(*at)++];
        return true;
    }
    if (len - *at >= 2 && *at < len && p[*at] == 0x0a) {
        *out = p[*at + 1];
        *at += 2;
        return true;
    }
    return false;
}

// There is no AML interpreter here: the package is found by its name and its fixed form,
// NameOp "_S5_" PackageOp PkgLength NumElements type_a type_b ...
static void parse_dsdt(const uint8_t *dsdt, uint32_t len, struct acpi_info *info) {
    for (uint32_t i = HEADER_BYTES + 1; i + 8 <= len; i++) {
        if (dsdt[i] != '_' || memcmp(dsdt + i, "_S5_\x12", 5) != 0 ||
            (dsdt[i - 1] != 0x08 && (dsdt[i - 1] != '\\' || dsdt[i - 2] != 0x08))) {
            continue;
        }
        uint32_t at = i + 5 + 1 + (dsdt[i + 5] >> 6) + 1; // behind PkgLength and NumElements
        uint8_t a = 0, b = 0;
        if (at < len && aml_byte(dsdt, len, &at, &a) && aml_byte(dsdt, len, &at, &b)) {
            info->has_s5 = true;
            info->s5_type_a = a;
            info->s5_type_b = b;
            return;
        }
    }
}

// ---- FADT (5.2.9) ----

enum {
    FADT_BYTES = 116, // revision 1
    FADT_DSDT = 40,
    FADT_SMI_COMMAND = 48,
    FADT_ACPI_ENABLE = 52,
    FADT_PM1A_CONTROL = 64,
    FADT_PM1B_CONTROL = 68,
    FADT_PM_TIMER = 76,
    FADT_PM_TIMER_LEN = 91,
    FADT_FLAGS = 112,
    FADT_RESET_REGISTER = 116,
    FADT_RESET_VALUE = 128,
    FADT_X_DSDT = 140,
    FADT_X_PM1A_CONTROL = 172,
    FADT_X_PM1B_CONTROL = 184,
    FADT_X_PM_TIMER = 208,
    FADT_GAS_BYTES = 12, // generic address structure: space, width, offset, access, address at 4
    FLAG_RESET = 1 << 10,
    SPACE_IO = 1,
};

// 0: none.
static uint16_t as_port(uint64_t value) {
    return value <= UINT16_MAX ? (uint16_t)value : 0;
}

static uint16_t gas_port(const uint8_t *gas) {
    return gas[0] == SPACE_IO ? as_port(get64(gas + 4)) : 0;
}

// A port, from the 64-bit field when it is there and in use, else from the old 32-bit one.
static uint16_t fadt_port(const uint8_t *fadt, uint32_t len, uint32_t offset, uint32_t x_offset) {
    const uint16_t port = len >= x_offset + FADT_GAS_BYTES ? gas_port(fadt + x_offset) : 0;
    return port != 0 ? port : as_port(get32(fadt + offset));
}

static const char *parse_fadt(const struct acpi_memory *memory, const uint8_t *fadt, uint32_t len,
                              struct acpi_info *info) {
    uint32_t flags = get32(fadt + FADT_FLAGS);
    info->pm1a_control_port = fadt_port(fadt, len, FADT_PM1A_CONTROL, FADT_X_PM1A_CONTROL);
    info->pm1b_control_port = fadt_port(fadt, len, FADT_PM1B_CONTROL, FADT_X_PM1B_CONTROL);
    if (fadt[FADT_PM_TIMER_LEN] == 4) {
        info->pm_timer_port = fadt_port(fadt, len, FADT_PM_TIMER, FADT_X_PM_TIMER);
    }
    info->smi_command_port = as_port(get32(fadt + FADT_SMI_COMMAND));
    info->acpi_enable_value = fadt[FADT_ACPI_ENABLE];
    if (len > FADT_RESET_VALUE && (flags & FLAG_RESET) != 0) {
        info->reset_port = gas_port(fadt + FADT_RESET_REGISTER); // one in memory is not used
        info->reset_value = fadt[FADT_RESET_VALUE];
    }
    uint64_t dsdt_phys = len >= FADT_X_DSDT + 8 ? get64(fadt + FADT_X_DSDT) : 0;
    if (dsdt_phys == 0) {
        dsdt_phys = get32(fadt + FADT_DSDT);
    }
    uint32_t dsdt_len;
    const uint8_t *dsdt = table_at(memory, dsdt_phys, HEADER_BYTES, &dsdt_len);
    if (dsdt == nullptr || memcmp(dsdt, "DSDT", 4) != 0) {
        return "the DSDT is damaged";
    }
    parse_dsdt(dsdt, dsdt_len, info);
    return nullptr;
}

// ---- All of it ----

static const char *parse_table(const struct acpi_memory *memory, uint64_t phys, struct acpi_info *info) {
    const uint8_t *header = bytes_at(memory, phys, HEADER_BYTES);
    if (header == nullptr) {
        return nullptr; // a hole in the list: nothing that is needed
    }
    uint32_t len;
    if (memcmp(header, "APIC", 4) == 0) {
        const uint8_t *madt = table_at(memory, phys, MADT_BYTES, &len);
        return madt != nullptr ? parse_madt(madt, len, info) : "the MADT is damaged";
    }
    if (memcmp(header, "DMAR", 4) == 0) {
        const uint8_t *dmar = table_at(memory, phys, HEADER_BYTES, &len);
        return dmar != nullptr ? parse_dmar(dmar, len, info) : "the DMAR is damaged";
    }
    if (memcmp(header, "FACP", 4) == 0) {
        const uint8_t *fadt = table_at(memory, phys, FADT_BYTES, &len);
        return fadt != nullptr ? parse_fadt(memory, fadt, len, info) : "the FADT is damaged";
    }
    return nullptr;
}

const char *acpi_parse(const struct acpi_memory *memory, uint64_t rsdp_phys, struct acpi_info *info) {
    *info = (struct acpi_info){};
    const uint8_t *rsdp = bytes_at(memory, rsdp_phys, RSDP_BYTES_V1);
    if (!is_rsdp(rsdp)) {
        return "there is no root pointer";
    }
    uint64_t root_phys = get32(rsdp + RSDP_RSDT);
    uint32_t entry_bytes = 4;
    const char *root_name = "RSDT";
    if (rsdp[RSDP_REVISION] >= 2) {
        rsdp = bytes_at(memory, rsdp_phys, RSDP_BYTES);
        if (rsdp == nullptr || get32(rsdp + RSDP_LENGTH) < RSDP_BYTES || !checksum_ok(rsdp, RSDP_BYTES)) {
            return "the extended root pointer is damaged";
        }
        if (get64(rsdp + RSDP_XSDT) != 0) {
            root_phys = get64(rsdp + RSDP_XSDT);
            entry_bytes = 8;
            root_name = "XSDT";
        }
    }
    uint32_t len;
    const uint8_t *root = table_at(memory, root_phys, HEADER_BYTES, &len);
    if (root == nullptr || memcmp(root, root_name, 4) != 0) {
        return "the root table is damaged";
    }
    const char *first_error = nullptr;
    for (uint32_t at = HEADER_BYTES; at + entry_bytes <= len; at += entry_bytes) {
        uint64_t phys = entry_bytes == 8 ? get64(root + at) : get32(root + at);
        const char *error = parse_table(memory, phys, info);
        if (first_error == nullptr) {
            first_error = error;
        }
    }
    return first_error == nullptr && info->overfull ? "they list more than the kernel has room for" : first_error;
}
