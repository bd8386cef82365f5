// Hands addresses of the kernel, and of nothing, to every system call and every method that it has a
// handle for, in every argument. All must be refused, or not be taken for addresses at all.
#include "tests/programs/common.h"
#include "raw.h"

static const uint64_t bad[] = {
    0xffff'8000'0000'0000, 0xffff'8000'0010'0000, 0xffff'ffff'8000'0000, 0xffff'ffff'8020'0000,
    0xffff'c000'0000'0000, 0x8000'0000'0000,      0x7fff'ffff'0000,      UINT64_MAX,
    UINT64_MAX - 7};
constexpr uint32_t BAD_COUNT = sizeof bad / sizeof bad[0];

int main(int, char **) {
    const handle_t self = tess_self_process(), account = tess_self_account(), vspace = tess_self_vspace();
    handle_t vmo = {}, notification = {};
    uint64_t attempts = 0, wrong = 0;
    if (!status_ok(tess_account_create_vmo(account, 8192, &vmo)) ||
        !status_ok(tess_account_create_notification(account, &notification))) {
        return 2;
    }
    for (uint32_t i = 0; i < BAD_COUNT; i++) {
        for (uint64_t number = 0; number < SYSCALL_COUNT; number++) {
            struct raw_message message = {.info = bad[i],
                                          .words = {bad[i], bad[i], bad[i], bad[i], bad[i], bad[i]}};
            wrong += status_ok(raw_syscall(number, bad[i], &message, 0)) && number != SYS_YIELD;
            attempts++;
        }
        // The methods that take addresses.
        uint64_t done = 0, at = 0;
        handle_t thread = {};
        const status_t statuses[] = {
            tess_vmo_read(vmo, 0, bad[i], 64, &done),
            tess_vmo_write(vmo, 0, bad[i], 64, &done),
            tess_vspace_map(vspace, vmo, 0, 8192, bad[i] & ~4095ull, PROT_READ | PROT_WRITE, &at),
            tess_vspace_unmap(vspace, bad[i] & ~4095ull, 8192),
            tess_vspace_protect(vspace, bad[i] & ~4095ull, 8192, PROT_READ),
            tess_process_create_thread(self, bad[i], 0, 0, 0, BAND_NORMAL, 0, &thread),
            tess_process_create_thread(self, 0x10'0000, 0, 0, bad[i] & ~4095ull, BAND_NORMAL, 0, &thread),
            tess_process_create_thread(self, 0x10'0000, 0, 0, 0, BAND_NORMAL, bad[i], &thread),
        };
        for (size_t s = 0; s < sizeof statuses / sizeof statuses[0]; s++) {
            wrong += status_ok(statuses[s]);
            attempts++;
        }
        // All other methods, with the address as every argument (not those that would end this process).
        const handle_t objects[] = {account, self, tess_self_thread(), vspace, vmo, notification};
        for (size_t o = 0; o < sizeof objects / sizeof objects[0]; o++) {
            for (uint32_t method = 1; method < 16; method++) {
                uint64_t words[8] = {bad[i], bad[i], bad[i], bad[i], bad[i], bad[i], bad[i], bad[i]};
                if ((objects[o].v == self.v && method == PROCESS_EXIT) || (o == 2 && method == THREAD_EXIT) ||
                    (objects[o].v == account.v && method == ACCOUNT_END) ||
                    (objects[o].v == account.v && method == ACCOUNT_CREATE_PROCESS) ||
                    (objects[o].v == account.v && method == ACCOUNT_CREATE_ENDPOINT) ||
                    (objects[o].v == account.v && method == ACCOUNT_CREATE_NOTIFICATION)) {
                    continue; // an address is a fine name, interface id or exit code
                }
                (void)raw_invoke(objects[o], method, words).code;
                attempts++;
            }
        }
    }
    SAY("kernel_pointers: %lu attempts, %lu succeeded: %s\n", attempts, wrong,
        wrong == 0 ? "as it should be" : "WRONG");
    return wrong == 0 ? 0 : 1;
}
