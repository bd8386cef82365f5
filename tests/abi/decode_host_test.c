// The names that tools show for numbers (abi/gen/decode.h) are those of the table.
#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "base/str.h"
#include "base/test.h"

#include <string.h>

TEST(numbers_have_their_names) {
    CHECK_STR_EQ(abi_status_name(STATUS_CODE_OK), "OK");
    CHECK_STR_EQ(abi_status_name(STATUS_CODE_NO_MEMORY), "NO_MEMORY");
    CHECK_STR_EQ(abi_object_name(OBJECT_VMO), "vmo");
    CHECK_STR_EQ(abi_syscall_name(SYS_REPLY_RECV), "reply_recv");
    CHECK_STR_EQ(abi_method_name(OBJECT_ACCOUNT, ACCOUNT_CREATE_VMO), "create_vmo");
    CHECK_STR_EQ(abi_method_name(OBJECT_PROCESS, PROCESS_HANDLE_CLOSE), "handle_close");
}

// Whatever a program or a damaged record says, there is an answer, and it is text.
TEST(numbers_of_nothing_are_answered) {
    for (uint32_t number = 0; number < 300; number++) {
        for (uint32_t type = 0; type < 20; type++) {
            (void)abi_method_name(type, number);
        }
        CHECK(abi_status_name(number) != nullptr);
        CHECK(abi_object_name(number) != nullptr);
        (void)abi_syscall_name(number);
    }
    (void)abi_method_name(UINT32_MAX, UINT32_MAX);
}

TEST(rights_are_listed_and_cut_where_they_do_not_fit) {
    char text[64];
    CHECK(abi_rights_text(RIGHT_COPY_BIT | RIGHT_SEND_BIT, text, sizeof(text)) > 0);
    CHECK_STR_EQ(text, "COPY|SEND");
    char small[6];
    (void)abi_rights_text(RIGHTS_ALL_BITS, small, sizeof(small));
    CHECK(strlen(small) < sizeof(small));
}
