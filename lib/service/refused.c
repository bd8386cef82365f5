#include "lib/service/service.h"

#include "lib/denial/refusal.h"
#include "lib/rpc/method.h"

const char *service_status_text(status_t status, char text[DENIAL_TEXT_BYTES]) {
    struct refusal_text parts;
    struct denial denial;
    if (!refusal_denial(status, &parts, &denial)) {
        return rpc_status_text(status);
    }
    (void)denial_sentence(&denial, text);
    service_tell(&denial);
    return text;
}
