// What a service refuses to those who lack authority is told to the log: who it was, by the roster where the service was granted
// that, and what it would have taken. The log is never waited for, and whoever asks again and again costs a few records a second.
#include "lib/service/service.h"

#include "base/fmt.h"
#include "lib/roster/roster.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/page.h"

constexpr uint64_t WINDOW_NS = TESS_NS_PER_S;
constexpr uint32_t WINDOW_RECORDS = 8;

static struct {
    bool open;
    struct logger logger;
    const struct roster *roster; // null: not granted
    uint64_t window_ns, untold;
    uint32_t count; // in this window
} told;

static void open_log(void) {
    handle_t granted;
    logger_init(&told.logger, "denied");
    told.roster = status_ok(tess_cap("roster", 0, &granted)) ? roster_open("roster") : nullptr;
    told.open = true;
}

static bool is_too_much(void) {
    const uint64_t now_ns = tess_now_ns();
    if (now_ns - told.window_ns >= WINDOW_NS) {
        told.window_ns = now_ns;
        told.count = 0;
    }
    return told.count++ >= WINDOW_RECORDS;
}

void service_tell(const struct denial *denial) {
    struct denial_record record;
    if (!told.open) {
        open_log();
    }
    if (is_too_much()) {
        told.untold++;
        return;
    }
    denial_record(denial, told.untold + 1, &record); // those, too: most likely of the same
    told.logger.away = true;                         // not waited for
    told.untold = logger_file(&told.logger, &record.record) ? 0 : told.untold;
}

// The header of what the page has of a refusal. Behind that of a chain are results of calls before it.
static uint64_t text_info(const struct tess_message *answer) {
    const uint32_t own_bytes = (uint32_t)(answer->words[0] >> RPC_CHAIN_PAGE_SHIFT) % (2 * MESSAGE_PAGE_BYTES);
    return (answer->words[0] & RPC_CHAIN_ANSWERED) == 0 ? answer->info : message_info(message_label(answer->info), own_bytes, 0, 0);
}

void service_denied(const struct service *service, struct rpc_server *server) {
    char who[NAME_BYTES], missing[NAME_BYTES + 16], why[RPC_TEXT_BYTES];
    const uint64_t holder = badge_holder(server->request.badge);
    if (!told.open) {
        open_log();
    }
    const bool is_told = server->request.stage == RPC_GENERAL_ANSWER; // the client; else it waits for no answer
    (void)rpc_page_text(is_told ? text_info(&server->request.answer) : 0, tess_message_page(), why);
    rpc_server_answer(server);
    if (told.roster != nullptr) {
        (void)roster_name(told.roster, holder, who);
    } else {
        fmt_snprintf(who, sizeof(who), "holder-%lu", holder);
    }
    fmt_snprintf(missing, sizeof(missing), "control of %s", service->provides);
    const struct denial denial = {.subject = who, .attempted = "control", .object = service->provides, .missing = missing,
                                  .reason = is_told ? why : "only some may"};
    if (service->denied != nullptr) {
        service->denied(&denial);
    } else {
        service_tell(&denial);
    }
}
