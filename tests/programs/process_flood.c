// Makes processes that loop for ever, until its account is used up; then ends them and itself, or with
// an argument, process_flood 1, leaves them behind.
#include "code.h"
#include "tests/programs/common.h"

constexpr uint64_t CODE = 0x1000'0000;
constexpr uint32_t MOST = 4096;

int main(int argc, char **argv) {
    static handle_t processes[MOST];
    const handle_t account = tess_self_account();
    uint32_t count = 0;
    handle_t code = {}, vspace = {}, thread = {};
    uint64_t done = 0, at = 0;
    if (!status_ok(tess_account_create_vmo(account, sizeof ARCH_CODE_LOOP, &code)) ||
        !status_ok(
            tess_vmo_write(code, 0, (uint64_t)(uintptr_t)ARCH_CODE_LOOP, sizeof ARCH_CODE_LOOP, &done))) {
        return 2;
    }
    status_t status = STATUS_OK;
    while (count < MOST) {
        status = tess_account_create_process(account, 0x6c696863, 0, &processes[count], &vspace);
        if (!status_ok(status)) {
            break;
        }
        status = tess_vspace_map(vspace, code, 0, PAGE_BYTES, CODE, PROT_READ | PROT_EXECUTE, &at);
        if (status_ok(status)) {
            status =
                tess_process_create_thread(processes[count++], CODE, CODE, 0, 0, BAND_NORMAL, 0, &thread);
        }
        if (!status_ok(status)) {
            break;
        }
    }
    const bool leave = argument(argc, argv, 1, 0) != 0;
    for (uint32_t i = 0; i < count && !leave; i++) {
        (void)tess_process_exit(processes[i], 0).code;
    }
    bool right = status_is(status, STATUS_NO_MEMORY) || status_is(status, STATUS_NO_HANDLES);
    SAY("process_flood: %u processes, then status %u: %s\n", count, status.code,
        right ? "as it should be" : "WRONG");
    return right ? 0 : 1;
}
