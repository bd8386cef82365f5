#include "apps/shell/script.h"

#include "apps/shell/language.h"
#include "apps/shell/shell.h"
#include "apps/shell/units.h"
#include "base/str.h"

#define OWN_NAME "shell"

constexpr int STARTED_AGAIN = 125; // the script ended the shell, or something else did

// A script that ends its shell would do so again and again.
static bool is_first_start(void) {
    RPC_CALL(call);
    struct supervisor_service_results results;
    if (!status_ok(supervisor_call_service(the_supervisor(), &call, CAPNP_TEXT(OWN_NAME), rpc_patience(), &results))) {
        return true; // it cannot be told
    }
    const struct supervisor_service service =
        supervisor_service_detail_get_service(supervisor_service_results_get_detail(results));
    return supervisor_service_get_restarts(service) == 0;
}

void script_run(const char *text) {
    int status = STARTED_AGAIN;
    shell.scripted = true;
    if (is_first_start()) {
        status = language_script(text, strlen(text), 0, nullptr);
    } else {
        (void)fail("script: the shell ended while it carried it out\n");
    }
    (void)fail("script: exit status %d\n", status); // tools/run-script looks for it
    const struct arguments none = {};
    (void)command_poweroff(&none); // which says why, if it does not
    shell.scripted = false;
}
