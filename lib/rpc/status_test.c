// What people are told of statuses.
#include "base/test.h"

#include "lib/rpc/method.h"

TEST(every_status_has_a_text) {
    for (uint32_t code = 0; code < 600; code++) {
        REQUIRE(rpc_status_text((status_t){code}) != nullptr);
        CHECK(strlen(rpc_status_text((status_t){code})) > 3);
    }
    for (uint32_t code = RPC_FAILED; code < RPC_EXCEPTION_END; code++) {
        CHECK(strcmp(rpc_status_text((status_t){code}), rpc_status_text((status_t){9999})) != 0);
    }
}
