#include "boot/x86_64/acpi.h"

#include "base/test.h"

// A made-up machine: 64 KiB of "physical memory" in which the tests build tables. Physical address 0 is
// its first byte; the BIOS area is mapped to a second array.
static uint8_t low[0x1'0000];
static uint8_t bios[0x2'0000];
constexpr uint64_t BIOS = 0xe'0000;

static const uint8_t *at(void *context, uint64_t phys, size_t len) {
    (void)context;
    if (phys < sizeof low && len <= sizeof low - phys) {
        return low + phys;
    }
    if (phys >= BIOS && phys - BIOS < sizeof bios && len <= sizeof bios - (phys - BIOS)) {
        return bios + (phys - BIOS);
    }
    return nullptr;
}
static const struct acpi_memory memory = {.at = at};

enum place : uint32_t {
    RSDP = 0x1000,
    ROOT = 0x1100,
    MADT = 0x2000,
    FADT = 0x3000,
    DSDT = 0x4000,
    OTHER = 0x5000
};

static void put(uint64_t where, uint64_t value, int bytes) {
    memcpy(low + where, &value, (size_t)bytes);
}

static void add_up(uint8_t *table, size_t len, size_t sum_at) {
    table[sum_at] = 0;
    uint8_t sum = 0;
    for (size_t i = 0; i < len; i++) {
        sum = (uint8_t)(sum + table[i]);
    }
    table[sum_at] = (uint8_t)-sum;
}

static void seal(uint64_t where) {
    uint32_t len;
    memcpy(&len, low + where + 4, 4);
    if (len <= sizeof low - where) { // else the length is what a test has damaged
        add_up(low + where, len, 9);
    }
}

static void begin(uint64_t where, const char *signature, uint32_t len) {
    memset(low + where, 0, len);
    memcpy(low + where, signature, 4);
    put(where + 4, len, 4);
}

static void make_rsdp(uint8_t *p, uint8_t revision, uint32_t rsdt, uint64_t xsdt) {
    memset(p, 0, 36);
    memcpy(p, "RSD PTR ", 8);
    p[15] = revision;
    memcpy(p + 16, &rsdt, 4);
    uint32_t len = 36;
    memcpy(p + 20, &len, 4);
    memcpy(p + 24, &xsdt, 8);
    add_up(p, 20, 8);
    add_up(p, 36, 32);
}

static void make_machine(bool xsdt) {
    memset(low, 0, sizeof low);
    memset(bios, 0, sizeof bios);
    make_rsdp(low + RSDP, xsdt ? 2 : 0, xsdt ? 0 : ROOT, xsdt ? ROOT : 0);
    uint32_t width = xsdt ? 8 : 4;
    begin(ROOT, xsdt ? "XSDT" : "RSDT", 36 + 3 * width);
    put(ROOT + 36, OTHER, (int)width);
    put(ROOT + 36 + width, FADT, (int)width);
    put(ROOT + 36 + 2 * width, MADT, (int)width);
    seal(ROOT);
    begin(OTHER, "HPET", 40);
    seal(OTHER);

    static const uint8_t entries[] = {
        0, 8,  0,    0,  1,    0,    0,    0,                   // processor, APIC id 0, usable
        0, 8,  1,    4,  1,    0,    0,    0,                   // id 4
        0, 8,  2,    6,  0,    0,    0,    0,                   // id 6, not usable
        1, 12, 9,    0,  0x00, 0x00, 0xc0, 0xfe, 0,    0, 0, 0, // I/O APIC
        1, 12, 10,   0,  0x00, 0x10, 0xc0, 0xfe, 24,   0, 0, 0,
        2, 10, 0,    0,  2,    0,    0,    0,    0,    0, // ISA 0 is line 2, as the bus has it
        2, 10, 0,    9,  9,    0,    0,    0,    0x0d, 0, // ISA 9: high, level
        2, 10, 0,    10, 21,   0,    0,    0,    0x0f, 0, // ISA 10 is line 21: low, level
        4, 6,  0xff, 0,  0,    1,                         // something not of interest
    };
    begin(MADT, "APIC", 44 + sizeof entries);
    put(MADT + 36, 0xfee0'0000, 4);
    memcpy(low + MADT + 44, entries, sizeof entries);
    seal(MADT);

    begin(FADT, "FACP", 129);
    put(FADT + 40, DSDT, 4);
    put(FADT + 48, 0xb2, 4);
    put(FADT + 52, 2, 1);
    put(FADT + 64, 0x604, 4);
    put(FADT + 76, 0x608, 4);
    put(FADT + 91, 4, 1);
    put(FADT + 112, 1 << 10 | 1 << 8, 4);
    put(FADT + 116, 1, 1);
    put(FADT + 120, 0xcf9, 8);
    put(FADT + 128, 0x0f, 1);
    seal(FADT);

    static const uint8_t s5[] = {0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x01, 0x00, 0x00};
    begin(DSDT, "DSDT", 200);
    memcpy(low + DSDT + 100, s5, sizeof s5);
    seal(DSDT);
}

static void check(const char *expected) {
    struct acpi_info info;
    const char *saw = acpi_parse(&memory, RSDP, &info);
    CHECK_STR_EQ(saw == nullptr ? "accepted" : saw, expected);
}

static void check_machine(void) {
    struct acpi_info info;
    REQUIRE(acpi_parse(&memory, RSDP, &info) == nullptr);
    CHECK_EQ(info.lapic_phys, 0xfee0'0000);
    REQUIRE(info.processor_count == 2);
    CHECK_EQ(info.processors[0], 0);
    CHECK_EQ(info.processors[1], 4);
    REQUIRE(info.ioapic_count == 2);
    CHECK_EQ(info.ioapics[0].phys, 0xfec0'0000);
    CHECK_EQ(info.ioapics[0].id, 9);
    CHECK_EQ(info.ioapics[1].gsi_base, 24);
    REQUIRE(info.override_count == 3);
    CHECK_EQ(info.overrides[0].source, 0);
    CHECK_EQ(info.overrides[0].gsi, 2);
    CHECK(!info.overrides[0].level && !info.overrides[0].active_low);
    CHECK(info.overrides[1].level && !info.overrides[1].active_low);
    CHECK(info.overrides[2].level && info.overrides[2].active_low);
    CHECK_EQ(info.overrides[2].gsi, 21);
    CHECK_EQ(info.pm_timer_port, 0x608);
    CHECK_EQ(info.pm1a_control_port, 0x604);
    CHECK_EQ(info.pm1b_control_port, 0);
    CHECK_EQ(info.smi_command_port, 0xb2);
    CHECK_EQ(info.acpi_enable_value, 2);
    CHECK_EQ(info.reset_port, 0xcf9);
    CHECK_EQ(info.reset_value, 0x0f);
    CHECK(info.has_s5);
    CHECK_EQ(info.s5_type_a, 5);
    CHECK_EQ(info.s5_type_b, 1);
}

TEST(rsdt_machine) {
    make_machine(false);
    check_machine();
}

TEST(xsdt_machine) {
    make_machine(true);
    check_machine();
}

TEST(long_fadt) {
    make_machine(true);
    begin(FADT, "FACP", 244);
    put(FADT + 40, OTHER, 4); // the 64-bit field wins
    put(FADT + 140, DSDT, 8);
    put(FADT + 64, 0x604, 4);
    put(FADT + 172, 1, 1);
    put(FADT + 176, 0x1804, 8);
    put(FADT + 91, 4, 1);
    put(FADT + 76, 0x608, 4);
    put(FADT + 208, 0, 1); // in memory: not for us
    put(FADT + 212, 0x1808, 8);
    put(FADT + 112, 1 << 10, 4);
    put(FADT + 120, 0xfed0'0000, 8);
    put(FADT + 128, 6, 1);
    seal(FADT);
    struct acpi_info info;
    REQUIRE(acpi_parse(&memory, RSDP, &info) == nullptr);
    CHECK_EQ(info.pm1a_control_port, 0x1804);
    CHECK_EQ(info.pm_timer_port, 0x608);
    CHECK_EQ(info.reset_port, 0); // in memory
    CHECK(info.has_s5);
}

TEST(no_root_pointer) {
    make_machine(false);
    struct acpi_info info;
    CHECK_STR_EQ(acpi_parse(&memory, 0, &info), "there is no root pointer");
    CHECK_STR_EQ(acpi_parse(&memory, 0xffff'ffff, &info), "there is no root pointer");
    low[RSDP + 9] ^= 1;
    check("there is no root pointer");
}

TEST(extended_root_pointer) {
    make_machine(true);
    low[RSDP + 33] ^= 1; // in the extension only
    check("the extended root pointer is damaged");
    make_machine(true);
    put(RSDP + 20, 35, 4);
    add_up(low + RSDP, 36, 32);
    check("the extended root pointer is damaged");
}

TEST(root_table) {
    make_machine(false);
    low[ROOT + 20] ^= 1;
    check("the root table is damaged");
    make_machine(false);
    put(ROOT + 4, 20, 4);
    check("the root table is damaged");
    make_machine(false);
    put(ROOT + 4, 0xffff'ffff, 4);
    check("the root table is damaged");
    make_machine(false);
    memcpy(low + ROOT, "XSDT", 4);
    seal(ROOT);
    check("the root table is damaged");
}

TEST(damaged_tables_are_named_and_the_others_read) {
    make_machine(false);
    low[FADT + 64] ^= 1;
    struct acpi_info info;
    CHECK_STR_EQ(acpi_parse(&memory, RSDP, &info), "the FADT is damaged");
    CHECK_EQ(info.ioapic_count, 2);
    CHECK_EQ(info.pm1a_control_port, 0);
    make_machine(false);
    low[MADT + 50] ^= 1;
    CHECK_STR_EQ(acpi_parse(&memory, RSDP, &info), "the MADT is damaged");
    CHECK(info.has_s5);
    make_machine(false);
    low[DSDT + 150] ^= 1;
    CHECK_STR_EQ(acpi_parse(&memory, RSDP, &info), "the DSDT is damaged");
    CHECK(!info.has_s5);
    CHECK_EQ(info.pm1a_control_port, 0x604);
}

TEST(holes_in_the_root_table) {
    make_machine(false);
    put(ROOT + 36, 0, 4);
    put(ROOT + 40, 0xfff0'0000, 4);
    seal(ROOT);
    check("accepted");
}

TEST(madt_entries) {
    make_machine(false);
    low[MADT + 44 + 1] = 0;
    seal(MADT);
    check("an entry of the MADT has a wrong length");
    make_machine(false);
    low[MADT + 44 + 1] = 200;
    seal(MADT);
    check("an entry of the MADT has a wrong length");
    // An entry too short for its kind is stepped over.
    make_machine(false);
    static const uint8_t entries[] = {1, 4, 0, 0, 2, 2, 0, 2, 0, 3, 5, 2, 9, 2};
    begin(MADT, "APIC", 44 + sizeof entries);
    memcpy(low + MADT + 44, entries, sizeof entries);
    seal(MADT);
    check("an entry of the MADT has a wrong length"); // the fourth claims 2 of 0 left
}

// The table takes the place of the one that is not of interest.
TEST(dmar_units) {
    constexpr uint32_t DMAR = OTHER, ENTRIES = DMAR + 48;
    static const uint8_t entries[] = {
        0, 0, 24, 0, 0, 0, 0, 0, 0x00, 0x00, 0xd9, 0xfe, 0, 0, 0, 0, 3, 8, 0, 0, 2, 0xff, 0x1f, 1, // with an I/O APIC behind it
        0, 0, 16, 0, 1, 0, 1, 0, 0x00, 0x00, 0xda, 0xfe, 0, 0, 0, 0, // of another segment
        1, 0, 4,  0,                                                 // something else
        0, 0, 16, 0, 1, 0, 0, 0, 0x00, 0x10, 0xd9, 0xfe, 1, 0, 0, 0,
    };
    struct acpi_info info;
    make_machine(true);
    begin(DMAR, "DMAR", 48 + sizeof entries);
    memcpy(low + ENTRIES, entries, sizeof entries);
    seal(DMAR);
    CHECK_EQ(acpi_parse(&memory, RSDP, &info), nullptr);
    CHECK_EQ(info.iommu_count, 2u);
    CHECK_EQ(info.iommu_phys[0], 0xfed9'0000u);
    CHECK_EQ(info.iommu_phys[1], 0x1'fed9'1000u);
    CHECK_EQ(info.scope_count, 0u); // interrupts are not to be remapped
    put(DMAR + 37, 1, 1);
    seal(DMAR);
    CHECK_EQ(acpi_parse(&memory, RSDP, &info), nullptr);
    REQUIRE(info.scope_count == 1);
    CHECK_EQ(info.scopes[0].ioapic_id, 2);
    CHECK_EQ(info.scopes[0].requester, 0xfff9u);
    low[ENTRIES + 17] = 9;
    seal(DMAR);
    check("a device scope of the DMAR has a wrong length");
    low[ENTRIES + 17] = 1;
    seal(DMAR);
    check("a device scope of the DMAR has a wrong length");
    low[ENTRIES + 2] = 3;
    seal(DMAR);
    check("an entry of the DMAR has a wrong length");
    low[ENTRIES + 2] = 200;
    seal(DMAR);
    check("an entry of the DMAR has a wrong length");
    low[ENTRIES] ^= 1;
    check("the DMAR is damaged");
    begin(DMAR, "DMAR", 36); // too short for its own fields
    seal(DMAR);
    CHECK_EQ(acpi_parse(&memory, RSDP, &info), nullptr);
    CHECK_EQ(info.iommu_count, 0u);
}

TEST(more_than_there_is_room_for) {
    make_machine(false);
    constexpr uint32_t COUNT = 100;
    begin(MADT, "APIC", 44 + COUNT * (8 + 12 + 10));
    for (uint32_t i = 0; i < COUNT; i++) {
        uint8_t *e = low + MADT + 44 + i * 30;
        const uint8_t three[30] = {0, 8, 0, (uint8_t)i, 1, 0, 0,  0, 1, 12, 0, 0, 0, 0, 0,
                                   0, 0, 0, 0,          0, 2, 10, 0, 3, 3,  0, 0, 0, 0, 0};
        memcpy(e, three, sizeof three);
    }
    seal(MADT);
    struct acpi_info info;
    CHECK_STR_EQ(acpi_parse(&memory, RSDP, &info), "they list more than the kernel has room for");
    CHECK_EQ(info.processor_count, ACPI_MAX_PROCESSORS);
    CHECK_EQ(info.ioapic_count, ACPI_MAX_IOAPICS);
    CHECK_EQ(info.override_count, ACPI_MAX_OVERRIDES);
}

TEST(s5_forms) {
    static const struct {
        uint8_t bytes[12];
        bool found;
        uint8_t a, b;
    } forms[] = {
        {{0x08, '_', 'S', '5', '_', 0x12, 0x06, 4, 0x0a, 7, 0x0a, 7}, true, 7, 7},
        {{0x08, '\\', '_', 'S', '5', '_', 0x12, 0x06, 4, 0x00, 0x00, 0}, true, 0, 0},
        {{0x08, '_', 'S', '5', '_', 0x12, 0x40, 0x01, 4, 0x01, 0x00, 0}, true, 1, 0}, // two length bytes
        {{0x14, '_', 'S', '5', '_', 0x12, 0x06, 4, 0x0a, 7, 0x0a, 7}, false, 0, 0},   // a method
        {{0x08, '_', 'S', '5', '_', 0x11, 0x06, 4, 0x0a, 7, 0x0a, 7}, false, 0, 0},   // a buffer
        {{0x08, '_', 'S', '5', '_', 0x12, 0x06, 4, 0x0b, 7, 0x00, 7}, false, 0, 0},   // a 16-bit number
    };
    for (size_t i = 0; i < sizeof forms / sizeof forms[0]; i++) {
        make_machine(false);
        memset(low + DSDT + 36, 0, 164);
        memcpy(low + DSDT + 60, forms[i].bytes, sizeof forms[i].bytes);
        seal(DSDT);
        struct acpi_info info;
        CHECK_EQ(acpi_parse(&memory, RSDP, &info), nullptr);
        CHECK_EQ(info.has_s5, forms[i].found);
        CHECK_EQ(info.s5_type_a, forms[i].a);
        CHECK_EQ(info.s5_type_b, forms[i].b);
    }
}

TEST(s5_at_the_very_end) {
    static const uint8_t s5[] = {0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 0x05, 0x0a, 0x05};
    for (uint32_t keep = 5; keep <= sizeof s5; keep++) {
        make_machine(false);
        memset(low + DSDT + 36, 0, 164);
        memcpy(low + DSDT + 200 - keep, s5, keep);
        seal(DSDT);
        struct acpi_info info;
        CHECK_EQ(acpi_parse(&memory, RSDP, &info), nullptr);
        CHECK_EQ(info.has_s5, keep == sizeof s5);
    }
}

TEST(any_single_damage_is_survived) {
    for (uint32_t where = RSDP; where < DSDT + 200; where++) {
        make_machine(true);
        low[where] ^= 0xff;
        if (where >= MADT) { // and with a checksum that fits
            seal(where >= DSDT ? DSDT : where >= FADT ? FADT : MADT);
        }
        struct acpi_info info;
        acpi_parse(&memory, RSDP, &info);
    }
    CHECK(true);
}
