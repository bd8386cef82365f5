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

// Whether the answer is as many handles as the request accepts, and nothing else: turned so that their count comes lowest, where it
// is in the request when all below is shifted out, whatever else it had would stand above.
static bool is_as_asked(uint64_t request, uint64_t info) {
    return (info >> MESSAGE_COUNT_SHIFT | info << (64 - MESSAGE_COUNT_SHIFT)) == request >> MESSAGE_ACCEPT_SHIFT;
}

status_t tess_invoke(handle_t object, uint64_t request, uint64_t words[MESSAGE_WORDS]) {
    uint64_t info = request, results[MESSAGE_WORDS]; // in registers: the arguments stay for what a refusal says
    __builtin_memcpy(results, words, sizeof results);
    const status_t status = tess_arch_words(SYS_CALL, object, &info, results, DEADLINE_NEVER);
    if (!status_ok(status)) {
        return tess_refused(status, SYS_CALL, object, message_label(request), (uint32_t)words[message_handle_count(request) != 0 ? 6 : 0]);
    }
    __builtin_memcpy(words, results, sizeof results);
    return is_as_asked(request, info) ? STATUS_OK : take_other(request, info, words);
}
