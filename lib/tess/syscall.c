#include "lib/tess/syscall.h"

status_t tess_invoke(handle_t object, uint32_t method, uint64_t words[MESSAGE_WORDS]) {
    return tess_invoke_inline(object, method, words);
}
