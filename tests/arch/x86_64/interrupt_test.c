#include "tests/abi/suite.h"

// A real interrupt: the real-time clock's periodic one, switched on and off again.
CASE(an_interrupt_arrives_and_waits_for_its_acknowledgement) {
    constexpr uint64_t RTC_LINE = 8, RTC_PORT = 0x70;
    constexpr uint64_t REGISTER_B = 0x0b, REGISTER_C = 0x0c, PERIODIC = 0x40;
    handle_t line, port, notification;
    uint64_t bits = 0, saved = 0, value = 0;
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_resource_mint_ioport(suite.resource, RTC_PORT, 2, suite.account, &port));
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, RTC_LINE, 4, suite.account, &line));
    EXPECT_OK(tess_interrupt_bind(line, notification, 0x100));
    EXPECT_OK(tess_ioport_write(port, 0, 1, REGISTER_B));
    EXPECT_OK(tess_ioport_read(port, 1, 1, &saved));
    EXPECT_OK(tess_ioport_write(port, 0, 1, REGISTER_B));
    EXPECT_OK(tess_ioport_write(port, 1, 1, saved | PERIODIC));
    for (int i = 0; i < 3; i++) {
        if (!suite_check_status(tess_wait(notification, &bits, suite_after_ms(2000)), STATUS_OK,
                                "the clock ticks", __FILE__, i)) {
            break;
        }
        EXPECT_EQ(bits, 0x100);
        EXPECT_OK(tess_ioport_write(port, 0, 1, REGISTER_C)); // reading it lowers the line
        EXPECT_OK(tess_ioport_read(port, 1, 1, &value));
        EXPECT_OK(tess_interrupt_acknowledge(line));
    }
    EXPECT_OK(tess_ioport_write(port, 0, 1, REGISTER_B));
    EXPECT_OK(tess_ioport_write(port, 1, 1, saved & ~PERIODIC));
    suite_close(line);
    suite_close(port);
    suite_close(notification);
}
