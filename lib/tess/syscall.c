#include "lib/tess/syscall.h"

#include "lib/tess/handle.h"

status_t tess_invoke(handle_t object, uint64_t request, uint64_t words[MESSAGE_WORDS]) {
    uint64_t info = request;
    const status_t status = tess_arch_words(SYS_CALL, object, &info, words, DEADLINE_NEVER);
    if (!status_ok(status) || (info == 0 && message_accept(request) == 0)) {
        return status;
    }
    const uint32_t label = message_label(info), count = message_handle_count(info);
    if (message_accept(request) != 0 && count == 0) {
        words[6] = 0; // what a service says there is no handle of ours
    }
    for (uint32_t i = 0; label != 0 && i < count; i++) {
        tess_close(message_handle(words, info, i));
    }
    return (status_t){label};
}
