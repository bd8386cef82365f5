// Tries what it may not, and says what it is told: each refusal of the kernel as a sentence, on the console and in the log. With
// an argument only in the log, and it stays.
#include "idl/kernel.capnp.h"
#include "lib/denial/refusal.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "tests/programs/common.h"

static struct logger logger;
static bool stays;

static void tell(status_t status) {
    char sentence[DENIAL_TEXT_BYTES];
    struct refusal_text text;
    struct denial denial;
    if (!stays) {
        SAY("denied: %s\n", denial_status_text(status, sentence)); // which is itself a call that goes through
    }
    if (refusal_denial(status, &text, &denial)) { // not denial_file, which gives a log that is busy up after some milliseconds
        static struct denial_record record;
        denial_record(&denial, 1, &record);
        if (!logger_try(&logger, &record.record, tess_deadline_after_ms(10'000))) {
            SAY("denied: the log does not listen\n");
        }
    }
}

int main(int argc, char **) {
    RPC_CALL(call);
    stays = argc > 1;
    uint64_t bits;
    handle_t waiter, mute, gone;
    const handle_t settings = tess_cap_required("settings", 0), bell = tess_cap_required("bell", 0), console = tess_cap_required("console", 0);
    logger_init(&logger, "denied");
    tell(tess_vmo_write(settings, 0, (uint64_t)&bits, sizeof bits, nullptr));
    tell(vmo_call_resize((struct vmo){settings}, &call, 0, tess_deadline_after_ms(1000), nullptr)); // by the contract
    tell(tess_refused(tess_signal(settings, 1), SYS_SIGNAL, settings, 0, 0));
    tell(tess_wait((handle_t){}, &bits, DEADLINE_POLL));
    if (!status_ok(tess_handle_copy(bell, (rights_t){RIGHT_WAIT_BIT}, &waiter)) ||
        !status_ok(tess_handle_copy(console, (rights_t){RIGHT_COPY_BIT}, &mute)) ||
        !status_ok(tess_account_create_vmo(tess_self_account(), PAGE_BYTES, &gone))) {
        return 1;
    }
    tell(tess_process_watch_exit(tess_self_process(), waiter, 1));
    tell(console_write(mute, "x", 1, tess_deadline_after_ms(1000)));
    tess_close(gone);
    tell(tess_vmo_info(gone, &bits, nullptr));
    tell(STATUS_NO_RIGHT); // which nobody said
    return stays ? (int)tess_wait(bell, &bits, DEADLINE_NEVER).code : 0;
}
