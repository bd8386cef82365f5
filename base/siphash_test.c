#include "base/siphash.h"

#include "base/test.h"

// The reference implementation's vectors: key 00 01 .. 0f, message 00 01 02 .. of the length given.
TEST(siphash_reference_vectors) {
    const uint64_t key[2] = {0x0706'0504'0302'0100, 0x0f0e'0d0c'0b0a'0908};
    const uint64_t *message = key;
    CHECK_EQ(siphash(key, message, 0), 0x726f'db47'dd0e'0e31);
    CHECK_EQ(siphash(key, message, 1), 0x93f5'f579'9a93'2462);
    CHECK_EQ(siphash(key, message, 2), 0x3f2a'cc7f'57c2'9bdb);
}
