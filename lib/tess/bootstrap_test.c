#include "abi/bootstrap.h"

#include "base/test.h"

// Whichever bytes of the two words another processor sees already: it reads the handle or nothing.
TEST(a_thread_handle_is_read_whole) {
    static const uint32_t handles[] = {1, 0xff, 0xffff, 0x0100'0000, 0xff00'ff01, 0x8000'0003, 0xffff'ffff, 0x1234'5678};
    for (size_t i = 0; i < sizeof(handles) / sizeof(handles[0]); i++) {
        const uint32_t whole[2] = {handles[i], ~handles[i]};
        for (uint32_t there = 0; there < 1u << 8; there++) {
            struct bootstrap block = {};
            for (size_t byte = 0; byte < sizeof(whole); byte++) {
                if ((there & 1u << byte) != 0) {
                    ((uint8_t *)&block.thread)[byte] = ((const uint8_t *)whole)[byte];
                }
            }
            const uint32_t seen = bootstrap_thread(&block);
            CHECK(seen == 0 || seen == handles[i]);
            CHECK(there != 0xff || seen == handles[i]);
            CHECK(there != 0 || seen == 0);
        }
    }
}
