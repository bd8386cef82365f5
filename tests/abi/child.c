// Making, starting and ending child processes.
#include "tests/abi/child.h"

#include "lib/tess/syscall.h"
#include "tests/abi/suite.h"

[[gnu::weak]] extern const char __start_child_text[], __stop_child_text[]; // null in a suite without children

static handle_t code_vmo;
static uint64_t code_bytes;

static uint64_t page_round(uint64_t bytes) {
    return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

bool child_init(void) {
    uint64_t len = (uint64_t)(__stop_child_text - __start_child_text), done = 0;
    if (len == 0) {
        return true;
    }
    code_bytes = page_round(len);
    if (!suite_check_status(tess_account_create_vmo(suite.account, code_bytes, &code_vmo), STATUS_OK,
                            "create_vmo for child code", __FILE__, __LINE__)) {
        return false;
    }
    for (uint64_t offset = 0; offset < len; offset += done) {
        uint64_t part = len - offset < 32'768 ? len - offset : 32'768;
        if (!status_ok(tess_vmo_write(code_vmo, offset, (uint64_t)(uintptr_t)__start_child_text + offset,
                                      part, &done))) {
            return false;
        }
    }
    return true;
}

uint64_t child_address(child_fn *fn) {
    return CHILD_CODE + ((uint64_t)(uintptr_t)fn - (uint64_t)(uintptr_t)__start_child_text);
}

static void drop(handle_t handle) {
    if (handle.v != 0) {
        (void)tess_process_handle_close(suite.process, handle.v).code;
    }
}

static status_t build(struct child *child, handle_t account) {
    handle_t stack = {};
    uint64_t at = 0;
    TRY(tess_account_create_process(account, 0x646c696863 /* "child" */, 0, &child->process, &child->vspace));
    TRY(tess_vspace_map(child->vspace, code_vmo, 0, code_bytes, CHILD_CODE, PROT_READ | PROT_EXECUTE, &at));
    TRY(tess_account_create_vmo(account, PAGE_BYTES, &child->page_vmo));
    TRY(tess_vspace_map(child->vspace, child->page_vmo, 0, PAGE_BYTES, CHILD_PAGE, PROT_READ | PROT_WRITE,
                        &at));
    TRY(tess_vspace_map(suite.vspace, child->page_vmo, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &at));
    child->page = (struct child_page *)(uintptr_t)at;
    constexpr uint64_t bytes = CHILD_STACK_BYTES + MESSAGE_PAGE_BYTES;
    TRY(tess_account_create_vmo(account, bytes, &stack));
    status_t status = tess_vspace_map(child->vspace, stack, 0, bytes, CHILD_STACK, PROT_READ | PROT_WRITE, &at);
    drop(stack);
    TRY(status);
    TRY(tess_account_create_notification(suite.account, &child->exit_watch));
    return tess_process_watch_exit(child->process, child->exit_watch, 1);
}

status_t child_try_create(struct child *child, handle_t account) {
    *child = (struct child){};
    status_t status = build(child, account);
    if (!status_ok(status)) {
        child_destroy(child);
    }
    return status;
}

bool child_create(struct child *child, handle_t account) {
    return suite_check_status(child_try_create(child, account), STATUS_OK, "child_create", __FILE__,
                              __LINE__);
}

bool child_grant(struct child *child, handle_t handle, uint32_t right_bits) {
    uint64_t foreign = 0;
    if (!suite_check_status(tess_process_grant(child->process, handle, right_bits, 0, &foreign), STATUS_OK,
                            "child_grant", __FILE__, __LINE__)) {
        return false;
    }
    child->page->handle[child->granted++] = (handle_t){(uint32_t)foreign};
    return true;
}

status_t child_try_start(struct child *child, child_fn *fn) {
    uint64_t own = 0;
    TRY(tess_process_grant(child->process, child->process,
                           RIGHT_MANAGE_BIT | RIGHT_INSPECT_BIT | RIGHT_KILL_BIT, 0, &own));
    child->page->process = (handle_t){(uint32_t)own};
    // As after a call instruction: the stack pointer is 8 below a multiple of 16.
    return tess_process_create_thread(child->process, child_address(fn), CHILD_STACK + CHILD_STACK_BYTES - 8,
                                      CHILD_PAGE, CHILD_MESSAGE_PAGE, BAND_NORMAL, 0, &child->thread);
}

bool child_start(struct child *child, child_fn *fn) {
    return suite_check_status(child_try_start(child, fn), STATUS_OK, "child_start", __FILE__, __LINE__);
}

bool child_await_exit(struct child *child, uint64_t ms) {
    uint64_t bits = 0;
    return suite_check_status(tess_wait(child->exit_watch, &bits, suite_after_ms(ms)), STATUS_OK,
                              "the child ends", __FILE__, __LINE__);
}

bool child_await_progress(struct child *child, uint64_t value, uint64_t ms) {
    uint64_t end = suite_after_ms(ms), bits;
    while (__atomic_load_n(&child->page->progress, __ATOMIC_ACQUIRE) < value) {
        if (!suite_check(suite_now_ns() < end, "the child makes progress", __FILE__, __LINE__)) {
            return false;
        }
        // The watch doubles as a thing to sleep on; an early end stays noted in it.
        if (status_ok(tess_wait(child->exit_watch, &bits, suite_after_ms(1)))) {
            (void)tess_signal(child->exit_watch, bits).code;
            return suite_check(__atomic_load_n(&child->page->progress, __ATOMIC_ACQUIRE) >= value,
                               "the child makes progress before it ends", __FILE__, __LINE__);
        }
    }
    return true;
}

uint64_t child_result(const struct child *child, uint32_t index) {
    return __atomic_load_n(&child->page->result[index], __ATOMIC_ACQUIRE);
}

bool child_exit_record(struct child *child, struct exit_record *out) {
    if (!suite_check_status(tess_process_exit_record(child->process), STATUS_OK, "exit_record", __FILE__,
                            __LINE__)) {
        return false;
    }
    __builtin_memcpy(out, suite_page(), sizeof *out);
    return true;
}

void child_destroy(struct child *child) {
    uint64_t state = 0, bits;
    if (child->process.v != 0 &&
        status_ok(tess_process_info(child->process, nullptr, &state, nullptr, nullptr, nullptr, nullptr,
                                    nullptr, nullptr)) &&
        state == 1 && status_ok(tess_process_exit(child->process, 0))) {
        (void)tess_wait(child->exit_watch, &bits, suite_after_ms(1000)).code;
    }
    drop(child->thread);
    drop(child->process);
    drop(child->vspace);
    drop(child->exit_watch);
    drop(child->page_vmo);
    if (child->page != nullptr) {
        EXPECT_OK(tess_vspace_unmap(suite.vspace, (uint64_t)(uintptr_t)child->page, PAGE_BYTES));
    }
    *child = (struct child){};
}
