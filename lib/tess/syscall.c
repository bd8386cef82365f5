#include "lib/tess/syscall.h"

#include "lib/tess/handle.h"

// An answer that the kernel would not give: a service stands in. What it says there is no handle of ours, and of a refusal
// nothing is kept.
[[gnu::noinline]] static status_t take_other(uint64_t request, uint64_t info, uint64_t words[MESSAGE_WORDS]) {
    const uint32_t label = message_label(info), count = message_handle_count(info);
    tess_answered();
    if (message_accept(request) != 0) {
        words[6] = count == 0 ? 0 : count == 1 ? (uint32_t)words[6] : words[6];
    }
    for (uint32_t i = 0; label != 0 && i < count; i++) {
        tess_close(message_handle(words, info, i));
    }
    return (status_t){label};
}

status_t tess_invoke(handle_t object, uint64_t request, uint64_t words[MESSAGE_WORDS]) {
    uint64_t info = request;
    const uint32_t argument = (uint32_t)words[6]; // if there is one
    const status_t status = tess_arch_words(SYS_CALL, object, &info, words, DEADLINE_NEVER);
    const bool as_asked = info == message_info(0, 0, message_accept(request), 0);
    if (!status_ok(status)) {
        return tess_refused(status, SYS_CALL, object, message_label(request), message_handle_count(request) != 0 ? argument : 0);
    }
    return as_asked ? status : take_other(request, info, words);
}
