// samgrd: from a name to a handle. Wiring only; the table is lib/registry.
//
// CapSet: `registry` (RECEIVE). Everything else comes by message from the supervisor.
#include "abi/gen/abi.h"
#include "base/mem.h"
#include "lib/registry/registry.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/main.h"
#include "lib/tess/page.h"
#include "lib/tess/panic.h"
#include "lib/tess/serve.h"
#include "lib/tess/syscall.h"

static struct registry registry;

// An answer under construction: label, words, page bytes, at most one handle that moves.
struct answer {
    enum wire_status status;
    uint64_t words[2];
    uint32_t page_bytes;
    handle_t handle;
};

static struct answer answer(enum wire_status status) {
    return (struct answer){.status = status};
}

// Takes the endpoint that came along if it is kept.
static struct answer register_name(const struct wire_request *request, handle_t *endpoint) {
    char name[WIRE_NAME_BYTES];
    if (!wire_badge_controls(request->badge)) {
        return answer(WIRE_NOT_ALLOWED);
    }
    if (!wire_name_request(request, name) || !tess_handle_valid(*endpoint)) {
        return answer(WIRE_BAD_REQUEST);
    }
    handle_t old = {};
    enum wire_status status = registry_put(&registry, name, request->words[0], *endpoint, &old);
    if (status == WIRE_OK) {
        tess_close(old);
        (void)tess_handle_take(endpoint);
    }
    return answer(status);
}

static struct answer allow(const struct wire_request *request) {
    struct registry_allow list;
    if (!wire_badge_controls(request->badge)) {
        return answer(WIRE_NOT_ALLOWED);
    }
    if (!registry_allow_decode(request, &list)) {
        return answer(WIRE_BAD_REQUEST);
    }
    return answer(registry_permit(&registry, list.holder, list.names, list.count));
}

static struct answer resolve(const struct wire_request *request) {
    char name[WIRE_NAME_BYTES];
    const struct registry_name *entry;
    if (!wire_name_request(request, name)) {
        return answer(WIRE_BAD_REQUEST);
    }
    enum wire_status status = registry_look_up(&registry, request->badge, name, request->words[0], &entry);
    if (status != WIRE_OK) {
        return answer(status);
    }
    struct answer found = {.words = {entry->interface_id}};
    rights_t rights = {RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT}; // TRANSFER: to be moved in the answer
    if (!status_ok(
            tess_handle_mint(entry->endpoint, rights, wire_badge_holder(request->badge), 0, &found.handle))) {
        return answer(WIRE_NO_MEMORY);
    }
    return found;
}

static struct answer list(const struct wire_request *request) {
    size_t count;
    struct answer found = {};
    size_t index = request->words[0] < REGISTRY_NAMES_MAX ? (size_t)request->words[0] : REGISTRY_NAMES_MAX;
    found.words[1] =
        registry_list_names(&registry, request->badge, index, (struct registry_entry *)tess_message_page(),
                            REGISTRY_LIST_MAX, &count);
    found.words[0] = count;
    found.page_bytes = (uint32_t)(count * sizeof(struct registry_entry));
    return found;
}

static struct answer handle_request(const struct wire_request *request, handle_t *came) {
    switch (request->method) {
    case REGISTRY_REGISTER: return register_name(request, came);
    case REGISTRY_ALLOW: return allow(request);
    case REGISTRY_RESOLVE: return resolve(request);
    case REGISTRY_LIST: return list(request);
    default: return answer(WIRE_BAD_METHOD);
    }
}

// Turns the received message into its answer.
static void handle_message(struct tess_message *message) {
    struct wire_request request =
        wire_request(message->info, message->badge, message->words, tess_message_page());
    handle_t came = message_handle_count(message->info) > 0 ? tess_message_handle(message, 0) : (handle_t){};
    struct answer made = handle_request(&request, &came);
    tess_close(came);
    uint32_t handles = tess_handle_valid(made.handle) ? 1 : 0;
    *message = (struct tess_message){
        .info = message_info(made.status, made.page_bytes, handles, handles) | tess_accept(1),
        .words = {made.words[0], made.words[1]},
    };
    if (handles != 0) {
        tess_message_set_handle(message, 0, made.handle);
    }
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    handle_t endpoint = tess_cap_required("registry", WIRE_INTERFACE_REGISTRY);
    struct tess_message message = {.info = tess_accept(1)};
    for (bool owed = false;;) {
        status_t status = tess_serve(endpoint, &message, &owed, WIRE_NO_MEMORY, DEADLINE_NEVER);
        if (!status_ok(status)) {
            tess_panic("samgrd: receiving failed: status %u", status.code);
        }
        bool wants_reply = (message.info & MESSAGE_WANTS_REPLY) != 0;
        handle_message(&message);
        owed = wants_reply;
        if (!owed) {
            tess_message_close_handles(&message);
        }
    }
}
