// From the first instruction to main.
#include "abi/bootstrap.h"
#include "base/align.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"
#include "lib/tess/random.h"
#include "lib/tess/thread.h"
#include "lib/tess/tls.h"

constexpr uint32_t ARGS_MAX = 64;

const struct bootstrap *tess_bootstrap;
uint64_t tess_start_counter;

[[noreturn]] void tess_start(const struct bootstrap *bootstrap);

// The loader has filled the thread block. The kernel, which starts init, left zeros.
static void set_up_thread(const struct bootstrap *bootstrap) {
    struct tess_thread_block *block = (struct tess_thread_block *)bootstrap->tls_base;
    if (block->self == nullptr) {
        tess_tls_fill(block);
    }
    block->message_page = (void *)bootstrap->message_page;
}

[[noreturn]] void tess_start(const struct bootstrap *bootstrap) {
    static char *argv[ARGS_MAX + 1];
    tess_start_counter = tess_arch_cycles();
    tess_bootstrap = bootstrap;
    if (bootstrap->magic != BOOTSTRAP_MAGIC || bootstrap->version != BOOTSTRAP_VERSION) {
        tess_arch_trap();
    }
    set_up_thread(bootstrap);
    __stack_chk_guard = tess_random();
    char *argument = (char *)bootstrap_args(bootstrap); // ISO C wants them writable; these are not
    uint32_t argc = bootstrap->argc < ARGS_MAX ? bootstrap->argc : ARGS_MAX;
    for (uint32_t i = 0; i < argc; i++) {
        argv[i] = argument;
        argument += strlen(argument) + 1;
    }
    tess_exit(main((int)argc, argv));
}
