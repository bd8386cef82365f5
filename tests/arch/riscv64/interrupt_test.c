#include "machine.h"
#include "tests/abi/suite.h"

// A real interrupt: an alarm of the machine's clock (goldfish-rtc, whose registers QEMU documents in
// hw/rtc/goldfish_rtc.c).
CASE(an_interrupt_arrives_and_waits_for_its_acknowledgement) {
    enum { TIME_LOW, TIME_HIGH, ALARM_LOW, ALARM_HIGH, INTERRUPT_ENABLED, CLEAR_ALARM, ALARM_STATUS, CLEAR_INTERRUPT };
    constexpr uint64_t CLOCK_LINE = 11, DELAY_NS = 1'000'000;
    handle_t line, device, notification;
    uint64_t bits = 0, address = 0;
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, suite.account, &device));
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, CLOCK_LINE, 4, suite.account, &line));
    REQUIRE_OK(tess_vspace_map(suite.vspace, device, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    EXPECT_OK(tess_interrupt_bind(line, notification, 0x100));
    volatile uint32_t *clock = (volatile uint32_t *)address;
    clock[INTERRUPT_ENABLED] = 1;
    for (int i = 0; i < 3; i++) {
        const uint64_t low = clock[TIME_LOW]; // latches the high part
        const uint64_t alarm = (low | (uint64_t)clock[TIME_HIGH] << 32) + DELAY_NS;
        clock[ALARM_HIGH] = (uint32_t)(alarm >> 32);
        clock[ALARM_LOW] = (uint32_t)alarm; // sets it
        if (!suite_check_status(tess_wait(notification, &bits, suite_after_ms(2000)), STATUS_OK,
                                "the clock rings", __FILE__, i)) {
            break;
        }
        EXPECT_EQ(bits, 0x100);
        clock[CLEAR_INTERRUPT] = 1; // lowers the line
        EXPECT_OK(tess_interrupt_acknowledge(line));
    }
    clock[INTERRUPT_ENABLED] = 0;
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
    suite_close(line);
    suite_close(device);
    suite_close(notification);
}
