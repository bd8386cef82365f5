// A device of a real bus, QEMU's `edu`, driven with nothing but what resource mints: its line, its message, its DMA.
#include "machine.h"
#include "tests/abi/suite.h"

constexpr uint32_t EDU_ID = 0x11e8'1234;
constexpr uint64_t EDU_BYTES = 1 << 20;
constexpr uint64_t CONFIG_PORT = 0xcf8; // and its data, 4 ports on
constexpr uint32_t CONFIG_COMMAND = 0x04, CONFIG_BAR0 = 0x10, CONFIG_CAPABILITIES = 0x34, CONFIG_LINE = 0x3c;
constexpr uint32_t COMMAND_MEMORY = 2, COMMAND_MASTER = 4;
constexpr uint64_t FLAG_TRUSTED = 1, FLAG_AS_FIRMWARE_SAYS = 4, FLAG_MESSAGE = 8;

// Registers of edu.
constexpr uint32_t EDU_INVERTED = 0x04, EDU_FACTORIAL = 0x08, EDU_STATUS = 0x20, EDU_RAISE = 0x60, EDU_LOWER = 0x64,
                   EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_COUNT = 0x90, EDU_COMMAND = 0x98;
constexpr uint64_t EDU_BUFFER = 0x4'0000, EDU_START = 1, EDU_TO_MEMORY = 2;

static struct {
    handle_t config, registers;
    uint64_t config_at, at;
    uint32_t slot;
} edu;

// ---- Configuration space of bus 0 ----

static uint32_t config_read(uint32_t slot, uint32_t offset) {
    uint64_t value = 0;
    if (!MACHINE_HAS_PORTS) {
        return *(volatile uint32_t *)(edu.config_at + ((uint64_t)slot << 15) + offset);
    }
    EXPECT_OK(tess_ioport_write(edu.config, 0, 4, 1ull << 31 | slot << 11 | offset));
    EXPECT_OK(tess_ioport_read(edu.config, 4, 4, &value));
    return (uint32_t)value;
}

static void config_write(uint32_t offset, uint32_t value) {
    if (!MACHINE_HAS_PORTS) {
        *(volatile uint32_t *)(edu.config_at + ((uint64_t)edu.slot << 15) + offset) = value;
        return;
    }
    EXPECT_OK(tess_ioport_write(edu.config, 0, 4, 1ull << 31 | edu.slot << 11 | offset));
    EXPECT_OK(tess_ioport_write(edu.config, 4, 4, value));
}

static bool open_config(void) {
    if (MACHINE_HAS_PORTS) {
        return status_ok(tess_resource_mint_ioport(suite.resource, CONFIG_PORT, 8, suite.account, &edu.config));
    }
    return status_ok(tess_resource_mint_vmo(suite.resource, MACHINE_PCI_CONFIG, EDU_BYTES, suite.account, &edu.config)) &&
           status_ok(tess_vspace_map(suite.vspace, edu.config, 0, EDU_BYTES, 0, PROT_READ | PROT_WRITE, &edu.config_at));
}

// ---- The device ----

static volatile uint32_t *edu_register(uint32_t offset) {
    return (volatile uint32_t *)(edu.at + offset);
}

static bool edu_open(void) {
    if (!suite_check(open_config(), "configuration space", __FILE__, __LINE__)) {
        return false;
    }
    for (edu.slot = 0; edu.slot < 32 && config_read(edu.slot, 0) != EDU_ID;) {
        edu.slot++;
    }
    if (!suite_check(edu.slot < 32, "the machine has the device edu", __FILE__, __LINE__)) {
        return false;
    }
    uint32_t base = config_read(edu.slot, CONFIG_BAR0);
    if (base == 0) { // there is no firmware that would have
        base = (uint32_t)MACHINE_PCI_MEMORY;
        config_write(CONFIG_BAR0, base);
    }
    config_write(CONFIG_COMMAND, COMMAND_MEMORY | COMMAND_MASTER);
    return suite_check_status(tess_resource_mint_vmo(suite.resource, base, EDU_BYTES, suite.account, &edu.registers),
                              STATUS_OK, "its registers", __FILE__, __LINE__) &&
           suite_check_status(tess_vspace_map(suite.vspace, edu.registers, 0, EDU_BYTES, 0, PROT_READ | PROT_WRITE,
                                              &edu.at),
                              STATUS_OK, "its registers", __FILE__, __LINE__);
}

static void edu_close(void) {
    config_write(CONFIG_COMMAND, 0);
    EXPECT_OK(tess_vspace_unmap(suite.vspace, edu.at, EDU_BYTES));
    suite_close(edu.registers);
    if (!MACHINE_HAS_PORTS) {
        EXPECT_OK(tess_vspace_unmap(suite.vspace, edu.config_at, EDU_BYTES));
    }
    suite_close(edu.config);
}

// Moves bytes between the device's own buffer and memory; it takes a tenth of a second.
static void dma_begin(uint64_t address, uint64_t count, bool to_memory) {
    *(volatile uint64_t *)(edu.at + EDU_SOURCE) = to_memory ? EDU_BUFFER : address;
    *(volatile uint64_t *)(edu.at + EDU_TARGET) = to_memory ? address : EDU_BUFFER;
    *(volatile uint64_t *)(edu.at + EDU_COUNT) = count;
    *(volatile uint64_t *)(edu.at + EDU_COMMAND) = EDU_START | (to_memory ? EDU_TO_MEMORY : 0);
}
static void dma_await(void) {
    const uint64_t end = suite_after_ms(5000);
    while ((*edu_register(EDU_COMMAND) & EDU_START) != 0 && suite_now_ns() < end) {
        tess_yield();
    }
    EXPECT((*edu_register(EDU_COMMAND) & EDU_START) == 0);
}
static void dma(uint64_t address, uint64_t count, bool to_memory) {
    dma_begin(address, count, to_memory);
    dma_await();
}

// ---- Interrupts ----

static bool signalled(handle_t notification) {
    uint64_t bits = 0;
    return status_ok(tess_wait(notification, &bits, suite_after_ms(2000)));
}
static bool silent(handle_t notification) {
    uint64_t bits = 0;
    return status_is(tess_wait(notification, &bits, suite_after_ms(20)), STATUS_TIMED_OUT);
}

CASE(a_device_is_driven_and_interrupts_by_its_line) {
    handle_t line, again, notification;
    REQUIRE(edu_open());
    *edu_register(EDU_INVERTED) = 0x1234'5678;
    EXPECT_EQ(*edu_register(EDU_INVERTED), ~0x1234'5678u);
    *edu_register(EDU_FACTORIAL) = 10;
    for (uint64_t end = suite_after_ms(2000); (*edu_register(EDU_STATUS) & 1) != 0 && suite_now_ns() < end;) {
        tess_yield();
    }
    EXPECT_EQ(*edu_register(EDU_FACTORIAL), 3'628'800u);
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    const uint64_t gsi = machine_pci_line(edu.slot, config_read(0, 0), config_read(edu.slot, CONFIG_LINE) & 0xff);
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, gsi, FLAG_AS_FIRMWARE_SAYS, suite.account, &line));
    EXPECT_STATUS(IN_USE, tess_resource_mint_interrupt(suite.resource, gsi, FLAG_AS_FIRMWARE_SAYS, suite.account, &again));
    EXPECT_OK(tess_interrupt_bind(line, notification, 1));
    *edu_register(EDU_RAISE) = 1;
    EXPECT(signalled(notification));
    EXPECT(silent(notification)); // masked
    EXPECT_OK(tess_interrupt_acknowledge(line));
    if (MACHINE_REPEATS_LEVELS) {
        EXPECT(signalled(notification)); // the device still pulls it
    }
    *edu_register(EDU_LOWER) = 1;
    if (MACHINE_REPEATS_LEVELS) {
        EXPECT_OK(tess_interrupt_acknowledge(line));
    }
    EXPECT(silent(notification));
    EXPECT_STATUS(BAD_STATE, tess_interrupt_acknowledge(line));
    suite_close(line);
    *edu_register(EDU_RAISE) = 1; // nobody's: it stays masked
    EXPECT(silent(notification));
    *edu_register(EDU_LOWER) = 1;
    if (MACHINE_HAS_MESSAGES) { // where the controller can be told: the same line by its edges
        struct inspect_system system;
        REQUIRE(suite_settled(&system));
        REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, gsi, 0, suite.account, &line));
        EXPECT_OK(tess_interrupt_bind(line, notification, 1));
        *edu_register(EDU_RAISE) = 1;
        EXPECT(signalled(notification));
        EXPECT_OK(tess_interrupt_acknowledge(line));
        EXPECT(silent(notification));
        *edu_register(EDU_LOWER) = 1;
        *edu_register(EDU_RAISE) = 1;
        EXPECT(signalled(notification));
        *edu_register(EDU_LOWER) = 1;
        suite_close(line);
    }
    suite_close(notification);
    edu_close();
}

static uint32_t message_capability(void) {
    constexpr uint32_t MESSAGE = 5;
    for (uint32_t at = config_read(edu.slot, CONFIG_CAPABILITIES) & 0xfc; at != 0;) {
        const uint32_t head = config_read(edu.slot, at);
        if ((head & 0xff) == MESSAGE) {
            return at;
        }
        at = head >> 8 & 0xfc;
    }
    return 0;
}

// Has the device send this message, or none (0).
static void program_message(uint32_t capability, handle_t message) {
    uint64_t address = 0, data = 0;
    if (message.v != 0) {
        EXPECT_OK(tess_interrupt_message(message, &address, &data));
    }
    config_write(capability + 4, (uint32_t)address);
    config_write(capability + 8, (uint32_t)(address >> 32));
    config_write(capability + 12, (uint32_t)data);
    const uint32_t head = config_read(edu.slot, capability) & ~(1u << 16);
    config_write(capability, head | (message.v != 0 ? 1u << 16 : 0));
}

static uint64_t spurious(void) {
    struct inspect_system system = {};
    EXPECT(suite_settled(&system));
    return system.spurious_interrupts;
}

CASE(a_device_interrupts_by_messages) {
    handle_t message, notification;
    if (!MACHINE_HAS_MESSAGES) {
        return;
    }
    REQUIRE(edu_open());
    const uint32_t capability = message_capability();
    REQUIRE(capability != 0);
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, edu.slot << 3, FLAG_MESSAGE, suite.account, &message));
    EXPECT_OK(tess_interrupt_bind(message, notification, 1));
    program_message(capability, message);
    *edu_register(EDU_RAISE) = 1;
    EXPECT(signalled(notification));
    // Two more before the acknowledgement are told as one after it.
    *edu_register(EDU_RAISE) = 1;
    *edu_register(EDU_RAISE) = 1;
    EXPECT(silent(notification));
    EXPECT_OK(tess_interrupt_acknowledge(message));
    EXPECT(signalled(notification));
    EXPECT_OK(tess_interrupt_acknowledge(message));
    EXPECT(silent(notification));
    EXPECT_STATUS(BAD_STATE, tess_interrupt_acknowledge(message));
    // One that comes late, when nobody has it any more, is counted and does nothing. An IOMMU does not let it through.
    suite_close(message);
    const uint64_t before = spurious();
    *edu_register(EDU_RAISE) = 1;
    EXPECT(silent(notification));
    EXPECT_EQ(spurious(), before + (suite.has_iommu ? 0 : 1));
    *edu_register(EDU_LOWER) = 1;
    program_message(capability, (handle_t){0});
    suite_close(notification);
    edu_close();
}

// The driver of a device writes into it what it likes: the message of another one, or where messages go to.
CASE(a_device_sends_no_other_ones_message) {
    handle_t own, other, notification, others_notification;
    uint64_t address = 0;
    if (!suite.has_iommu) {
        return; // nothing could hold it back
    }
    REQUIRE(edu_open());
    const uint32_t capability = message_capability();
    REQUIRE(capability != 0);
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_account_create_notification(suite.account, &others_notification));
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, edu.slot << 3, FLAG_MESSAGE, suite.account, &own));
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, edu.slot << 3 | 1, FLAG_MESSAGE, suite.account, &other));
    EXPECT_OK(tess_interrupt_bind(own, notification, 1));
    EXPECT_OK(tess_interrupt_bind(other, others_notification, 1));
    const uint64_t before = spurious();
    program_message(capability, other);
    *edu_register(EDU_RAISE) = 1;
    EXPECT(silent(others_notification));
    EXPECT(silent(notification));
    program_message(capability, own);
    *edu_register(EDU_RAISE) = 1;
    EXPECT(signalled(notification));
    EXPECT(silent(others_notification));
    // What is written by DMA to an entry that nobody has: gone when the interrupt is.
    EXPECT_OK(tess_interrupt_message(other, &address, nullptr));
    suite_close(other);
    EXPECT_EQ(spurious(), before);
    dma(address, 4, true);
    EXPECT(silent(others_notification));
    EXPECT_EQ(spurious(), before);
    *edu_register(EDU_LOWER) = 1;
    program_message(capability, (handle_t){0});
    suite_close(own);
    suite_close(others_notification);
    suite_close(notification);
    edu_close();
}

// ---- DMA ----

constexpr uint64_t PAGES = 4, BYTES = 512;

static uint64_t faults(handle_t iospace, uint64_t *address) {
    uint64_t count = 0;
    EXPECT_OK(tess_iospace_info(iospace, nullptr, nullptr, &count, address));
    return count;
}

static void fill(uint64_t at, uint64_t len, uint8_t from) {
    for (uint64_t i = 0; i < len; i++) {
        ((volatile uint8_t *)at)[i] = (uint8_t)(from + i * 7);
    }
}
static bool holds(uint64_t at, uint64_t len, uint8_t from) {
    for (uint64_t i = 0; i < len; i++) {
        if (((volatile uint8_t *)at)[i] != (uint8_t)(from + i * 7)) {
            return false;
        }
    }
    return true;
}

static status_t mint_iospace(uint64_t requester, handle_t *out) {
    return tess_resource_mint_iospace(suite.resource, requester, suite.has_iommu ? 0 : FLAG_TRUSTED, suite.account, out);
}

CASE(a_device_reaches_what_is_mapped) {
    handle_t iospace, vmo;
    uint64_t at = 0, address = 0, is_protected = 9, mapped = 0;
    REQUIRE(edu_open());
    REQUIRE_OK(mint_iospace(edu.slot << 3, &iospace));
    REQUIRE_OK(tess_account_create_contiguous_vmo(suite.account, PAGES * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGES * PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &at));
    REQUIRE_OK(tess_iospace_map(iospace, vmo, 0, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, &address));
    EXPECT_OK(tess_iospace_info(iospace, &is_protected, &mapped, nullptr, nullptr));
    EXPECT_EQ(is_protected, suite.has_iommu);
    EXPECT_EQ(mapped, PAGES * PAGE_BYTES);
    // Out of one page, across the border of the next two, and nothing beside it.
    fill(at, PAGES * PAGE_BYTES, 0);
    fill(at, BYTES, 3);
    dma(address, BYTES, false);
    dma(address + 2 * PAGE_BYTES - BYTES / 2, BYTES, true);
    EXPECT(holds(at + 2 * PAGE_BYTES - BYTES / 2, BYTES, 3));
    fill(at + 2 * PAGE_BYTES - BYTES / 2, BYTES, (uint8_t)((2 * PAGE_BYTES - BYTES / 2) * 7));
    fill(at, BYTES, 0);
    EXPECT(holds(at, PAGES * PAGE_BYTES, 0));
    EXPECT_EQ(faults(iospace, nullptr), 0);
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, at, PAGES * PAGE_BYTES));
    suite_close(vmo);
    suite_close(iospace);
    edu_close();
}

CASE(a_device_reaches_nothing_else) {
    handle_t iospace, vmo;
    uint64_t at = 0, address = 0, read_only = 0, where = 0;
    if (!suite.has_iommu) {
        return; // nothing could hold it back
    }
    REQUIRE(edu_open());
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGES * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vspace_map(suite.vspace, vmo, 0, PAGES * PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &at));
    fill(at, PAGES * PAGE_BYTES, 0);
    // Without an iospace no address leads anywhere, whatever is there.
    for (uint64_t physical = 0; physical < 4; physical++) {
        dma(physical << 20, BYTES, true);
    }
    REQUIRE_OK(mint_iospace(edu.slot << 3, &iospace));
    const uint64_t before = faults(iospace, nullptr); // some of them may be told only now
    REQUIRE_OK(tess_iospace_map(iospace, vmo, PAGE_BYTES, PAGE_BYTES, PROT_READ | PROT_WRITE, &address));
    REQUIRE_OK(tess_iospace_map(iospace, vmo, 3 * PAGE_BYTES, PAGE_BYTES, PROT_READ, &read_only));
    dma(address + PAGE_BYTES - BYTES, BYTES, true); // the device's buffer, into the mapped page
    fill(at + 2 * PAGE_BYTES - BYTES, BYTES, (uint8_t)((2 * PAGE_BYTES - BYTES) * 7));
    EXPECT_EQ(faults(iospace, nullptr), before);
    dma(0x2000'0000, BYTES, true); // behind all mappings
    const uint64_t beyond = faults(iospace, &where);
    EXPECT(beyond > before);
    dma(read_only + 0x100, BYTES, true);
    const uint64_t written = faults(iospace, &where);
    EXPECT(written > beyond);
    EXPECT_EQ(where, read_only);
    dma(read_only, BYTES, false);
    EXPECT_EQ(faults(iospace, nullptr), written);
    // Once unmap has returned.
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    dma(address, BYTES, true);
    EXPECT(faults(iospace, &where) > written);
    EXPECT_EQ(where, address);
    // A driver that dies while its device writes: the iospace goes, the memory is somebody's still.
    REQUIRE_OK(tess_iospace_map(iospace, vmo, 0, PAGES * PAGE_BYTES, PROT_READ | PROT_WRITE, &address));
    dma_begin(address, BYTES, true);
    suite_close(iospace);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    dma_await();
    EXPECT(holds(at, PAGES * PAGE_BYTES, 0));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, at, PAGES * PAGE_BYTES));
    suite_close(vmo);
    edu_close();
}

CASE(iospaces_are_minted_once_a_device) {
    constexpr uint32_t MOST = 64;
    handle_t iospace[MOST], again;
    handle_t no_create = suite_copy(suite.account, RIGHTS_ALL_BITS & ~RIGHT_CREATE_BIT);
    if (!suite.has_iommu) {
        REFUSED(RESOURCE_MINT_IOSPACE, UNSUPPORTED,
                tess_resource_mint_iospace(suite.resource, 0, 0, suite.account, &again));
    }
    REFUSED(RESOURCE_MINT_IOSPACE, BAD_ARGUMENT,
            tess_resource_mint_iospace(suite.resource, 0x1'0000, FLAG_TRUSTED, suite.account, &again));
    REFUSED(RESOURCE_MINT_IOSPACE, BAD_ARGUMENT,
            tess_resource_mint_iospace(suite.resource, 0, 2, suite.account, &again));
    REFUSED(RESOURCE_MINT_IOSPACE, BAD_HANDLE,
            tess_resource_mint_iospace(suite.resource, 0, FLAG_TRUSTED, (handle_t){0}, &again));
    REFUSED(RESOURCE_MINT_IOSPACE, WRONG_TYPE,
            tess_resource_mint_iospace(suite.resource, 0, FLAG_TRUSTED, suite.process, &again));
    REFUSED(RESOURCE_MINT_IOSPACE, NO_RIGHT,
            tess_resource_mint_iospace(suite.resource, 0, FLAG_TRUSTED, no_create, &again));
    for (uint32_t i = 0; i < MOST; i++) {
        REQUIRE_OK(mint_iospace(0x100 + i, &iospace[i]));
    }
    REFUSED(RESOURCE_MINT_IOSPACE, IN_USE, mint_iospace(0x200, &again));
    suite_close(iospace[0]);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT_STATUS(IN_USE, mint_iospace(0x101, &again));
    EXPECT_OK(mint_iospace(0x100, &iospace[0]));
    for (uint32_t i = 0; i < MOST; i++) {
        suite_close(iospace[i]);
    }
    suite_close(no_create);
}

CASE(iospace_arguments_are_checked) {
    handle_t iospace, vmo, sealed, code, clone, device;
    uint64_t address = 0, at = 0;
    constexpr uint64_t LEN = 3 * PAGE_BYTES, BOTH = PROT_READ | PROT_WRITE;
    REQUIRE_OK(mint_iospace(0x100, &iospace));
    REQUIRE_OK(tess_account_create_contiguous_vmo(suite.account, LEN, &vmo));
    handle_t no_map = suite_copy(vmo, RIGHTS_ALL_BITS & ~RIGHT_MAP_BIT);
    handle_t no_write = suite_copy(vmo, RIGHTS_ALL_BITS & ~RIGHT_WRITE_BIT);
    REFUSED(IOSPACE_MAP, BAD_HANDLE, tess_iospace_map(iospace, (handle_t){0}, 0, LEN, BOTH, &address));
    REFUSED(IOSPACE_MAP, WRONG_TYPE, tess_iospace_map(iospace, suite.account, 0, LEN, BOTH, &address));
    REFUSED(IOSPACE_MAP, NO_RIGHT, tess_iospace_map(iospace, no_map, 0, LEN, BOTH, &address));
    REFUSED(IOSPACE_MAP, NO_RIGHT, tess_iospace_map(iospace, no_write, 0, LEN, BOTH, &address));
    static const struct {
        uint64_t offset, len, prot;
    } bad[] = {{8, PAGE_BYTES, BOTH},          {0, 8, BOTH},           {0, 0, BOTH},   {0, LEN + PAGE_BYTES, BOTH},
               {4 * PAGE_BYTES, PAGE_BYTES, BOTH}, {0, LEN, 0},            {0, LEN, 4},    {0, LEN, UINT64_MAX},
               {-PAGE_BYTES, 2 * PAGE_BYTES, BOTH}, {0, (2 << 20) + PAGE_BYTES, BOTH}, {0, -PAGE_BYTES, BOTH}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(IOSPACE_MAP, BAD_ARGUMENT,
                tess_iospace_map(iospace, vmo, bad[i].offset, bad[i].len, bad[i].prot, &address));
    }
    EXPECT_OK(tess_iospace_map(iospace, no_write, 0, LEN, PROT_READ, &address));
    REFUSED(IOSPACE_UNMAP, NOT_FOUND, tess_iospace_unmap(iospace, address + PAGE_BYTES));
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    REFUSED(IOSPACE_UNMAP, NOT_FOUND, tess_iospace_unmap(iospace, address));
    // A device's own memory; what is final; what is code.
    REQUIRE_OK(tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, suite.account, &device));
    REFUSED(IOSPACE_MAP, UNSUPPORTED, tess_iospace_map(iospace, device, 0, PAGE_BYTES, BOTH, &address));
    suite_close(device);
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &sealed));
    EXPECT_OK(tess_iospace_map(iospace, sealed, 0, PAGE_BYTES, BOTH, &address));
    EXPECT_STATUS(IN_USE, tess_vmo_seal(sealed));
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    EXPECT_OK(tess_vmo_seal(sealed));
    REFUSED(IOSPACE_MAP, NOT_ALLOWED, tess_iospace_map(iospace, sealed, 0, PAGE_BYTES, BOTH, &address));
    EXPECT_OK(tess_iospace_map(iospace, sealed, 0, PAGE_BYTES, PROT_READ, &address));
    suite_close(sealed); // which keeps it
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &code));
    REQUIRE_OK(tess_vspace_map(suite.vspace, code, 0, PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &at));
    REFUSED(IOSPACE_MAP, NOT_ALLOWED, tess_iospace_map(iospace, code, 0, PAGE_BYTES, BOTH, &address));
    EXPECT_OK(tess_vspace_unmap(suite.vspace, at, PAGE_BYTES));
    EXPECT_OK(tess_iospace_map(iospace, code, 0, PAGE_BYTES, BOTH, &address));
    EXPECT_STATUS(NOT_ALLOWED,
                  tess_vspace_map(suite.vspace, code, 0, PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &at));
    // What a device has stays where it is.
    REFUSED(VMO_DECOMMIT, IN_USE, tess_vmo_decommit(code, 0, PAGE_BYTES));
    REFUSED(VMO_CLONE, IN_USE, tess_vmo_clone(code, 0, PAGE_BYTES, suite.account, &clone));
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    EXPECT_OK(tess_vmo_decommit(code, 0, PAGE_BYTES));
    suite_close(code);
    REQUIRE_OK(tess_account_create_resizable_vmo(suite.account, PAGE_BYTES, &code));
    EXPECT_OK(tess_iospace_map(iospace, code, 0, PAGE_BYTES, BOTH, &address));
    REFUSED(VMO_RESIZE, IN_USE, tess_vmo_resize(code, 2 * PAGE_BYTES));
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    EXPECT_OK(tess_vmo_resize(code, 2 * PAGE_BYTES));
    suite_close(code);
    // Pages that do not lie side by side, committed out of their order.
    REQUIRE_OK(tess_account_create_vmo(suite.account, LEN, &code));
    EXPECT_OK(tess_vmo_commit(code, 0, PAGE_BYTES));
    EXPECT_OK(tess_vmo_commit(code, 2 * PAGE_BYTES, PAGE_BYTES));
    if (suite.has_iommu) {
        EXPECT_OK(tess_iospace_map(iospace, code, 0, LEN, BOTH, &address));
    } else {
        REFUSED(IOSPACE_MAP, BAD_STATE, tess_iospace_map(iospace, code, 0, LEN, BOTH, &address));
        EXPECT_OK(tess_vmo_decommit(code, 0, LEN));
    }
    suite_close(code);
    suite_close(no_write);
    suite_close(no_map);
    suite_close(vmo);
    suite_close(iospace); // with what is still mapped
}

CASE(iospace_mappings_are_charged_and_bounded) {
    constexpr uint32_t MOST = 511;
    handle_t iospace, vmo, account;
    uint64_t address = 0, before = 0, after = 0;
    status_t status = STATUS_OK;
    REQUIRE_OK(tess_account_create_vmo(suite.account, PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_account_create_account(suite.account, 48 * 1024, &account));
    REQUIRE_OK(tess_resource_mint_iospace(suite.resource, 0x100, FLAG_TRUSTED, account, &iospace));
    uint32_t count = 0;
    while (count < MOST && status_ok(status = tess_iospace_map(iospace, vmo, 0, PAGE_BYTES, PROT_READ, &address))) {
        count++;
    }
    if (suite.has_iommu) { // each mapping takes a table
        EXPECT(count > 2 && count < MOST);
        EXPECT_STATUS(NO_MEMORY, status);
    }
    suite_close(iospace);
    suite_close(account);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT_OK(tess_account_info(suite.account, nullptr, &before, nullptr, nullptr));
    REQUIRE_OK(mint_iospace(0x100, &iospace));
    for (count = 0; count < MOST; count++) {
        EXPECT_OK(tess_iospace_map(iospace, vmo, 0, PAGE_BYTES, PROT_READ, &address));
    }
    REFUSED(IOSPACE_MAP, NO_MEMORY, tess_iospace_map(iospace, vmo, 0, PAGE_BYTES, PROT_READ, &address));
    EXPECT_OK(tess_iospace_unmap(iospace, address));
    EXPECT_OK(tess_iospace_map(iospace, vmo, 0, PAGE_BYTES, PROT_READ, &address));
    suite_close(iospace);
    REQUIRE(suite_settled(&system));
    EXPECT_OK(tess_vmo_decommit(vmo, 0, PAGE_BYTES)); // let go
    EXPECT_OK(tess_account_info(suite.account, nullptr, &after, nullptr, nullptr));
    EXPECT(after < before);
    suite_close(vmo);
}
