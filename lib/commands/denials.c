// What the log's denials do not say themselves, because neither who was denied nor who denied it could know: who may. The policy
// knows it of services, and the graph of authority of everything that the kernel refused.
#include "lib/commands/denials.h"

#include "abi/gen/decode.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "idl/interfaces.h"
#include "idl/log.capnp.h"
#include "lib/badge/badge.h"
#include "lib/denial/refusal.h"
#include "lib/rpc/method.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/refusal.h"

static const char LACKS_RIGHT[] = "right ", LACKS_HANDLE[] = "a handle of type ", LACKS_THIS[] = "a handle to it";

static struct authority graph; // taken when it is needed, for one command
static bool taken;

void denials_end(void) {
    authority_free(&graph);
    taken = false;
}

static const char *text_of(struct log_record record, const char *name) {
    const struct log_field_list fields = log_record_get_fields(record);
    for (uint32_t i = 0; i < log_field_list_count(fields); i++) {
        const struct log_field field = log_field_list_get(fields, i);
        if (log_field_which(field) == LOG_FIELD_TEXT && str_equal(log_field_get_name(field).bytes, name)) {
            return log_field_get_text(field).bytes;
        }
    }
    return "";
}

static uint64_t koid_of(struct log_record record) {
    const struct log_field_list fields = log_record_get_fields(record);
    for (uint32_t i = 0; i < log_field_list_count(fields); i++) {
        const struct log_field field = log_field_list_get(fields, i);
        if (log_field_which(field) == LOG_FIELD_INTEGER && str_equal(log_field_get_name(field).bytes, "koid")) {
            return (uint64_t)log_field_get_integer(field);
        }
    }
    return 0;
}

// ---- of the kernel's ----

// What somebody would have to hold.
struct sought {
    uint64_t koid; // 0: any object
    uint32_t type; // 0: any
    uint32_t rights;
    uint64_t interface_id; // of an endpoint; 0: any
    bool control;
};

static bool has(struct sought sought, uint32_t process) {
    for (uint32_t i = 0; i < graph.handles.count; i++) {
        const struct authority_handle *handle = &graph.handles.at[i];
        if (handle->process == process && (sought.koid == 0 || handle->seen.object_koid == sought.koid) &&
            (sought.type == 0 || handle->seen.type == sought.type) && (handle->seen.rights & sought.rights) == sought.rights &&
            (sought.interface_id == 0 || handle->seen.interface_id == sought.interface_id) &&
            (!sought.control || badge_controls(handle->seen.badge))) {
            return true;
        }
    }
    return false;
}

// "READ|WRITE" as bits; 0 when it is none.
static uint32_t rights_of(const char *text) {
    uint32_t rights = 0, bit;
    char name[16];
    for (size_t len; *text != '\0'; text += len + (text[len] != '\0')) {
        const char *end = strchr(text, '|');
        len = end != nullptr ? (size_t)(end - text) : strlen(text);
        if (!str_copy_bytes(name, sizeof name, text, len) || !abi_right_bit(name, &bit)) {
            return 0;
        }
        rights |= bit;
    }
    return rights;
}

static uint32_t type_of(const char *name) {
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        if (str_equal(abi_object_name(type), name)) {
            return type;
        }
    }
    return 0;
}

static bool find_sought(const char *missing, uint64_t koid, struct sought *out) {
    const size_t right = sizeof LACKS_RIGHT - 1, handle = sizeof LACKS_HANDLE - 1;
    if (strncmp(missing, LACKS_RIGHT, right) == 0) {
        *out = (struct sought){.koid = koid, .rights = rights_of(missing + right)};
        return koid != 0 && out->rights != 0;
    }
    if (str_equal(missing, LACKS_THIS)) {
        *out = (struct sought){.koid = koid};
        return koid != 0;
    }
    if (strncmp(missing, LACKS_HANDLE, handle) == 0) {
        *out = (struct sought){.type = type_of(missing + handle)};
        return out->type != 0;
    }
    return false;
}

// Looked at when it is needed, once for a command.
static bool is_taken(void) {
    taken = taken || status_ok(graph_take(&graph));
    return taken;
}

// "; init and shell have it", in front of the advice if there is one.
static bool add_holders(struct sought sought, const char *said, char text[DENIAL_TEXT_BYTES]) {
    char holders[160];
    size_t used = 0;
    uint32_t count = 0;
    if (!is_taken()) {
        return false;
    }
    for (uint32_t i = 0; i < graph.processes.count; i++) {
        if (!graph.processes.at[i].ended && has(sought, i) && count++ < DENIAL_HOLDERS_SHOWN) {
            used += fmt_snprintf(holders + used, sizeof holders - used, "%s%s", count == 1 ? "" : ", ", graph.processes.at[i].name);
            used = used < sizeof holders ? used : sizeof holders - 1;
        }
    }
    if (count > DENIAL_HOLDERS_SHOWN) {
        fmt_snprintf(holders + used, sizeof holders - used, " and %u more", count - (uint32_t)DENIAL_HOLDERS_SHOWN);
    }
    const char *advice = said;
    while (*advice != '\0' && strncmp(advice, ". To allow it", 13) != 0) {
        advice++;
    }
    fmt_snprintf(text, DENIAL_TEXT_BYTES, "%.*s; %s %s%s%s", (int)(advice - said), said, count == 0 ? "nobody" : holders,
                 count > 1 ? "have " : "has ", sought.rights != 0 ? "that right" : "one", advice);
    return true;
}

// ---- of what this program was not granted ----

// The denial's holders, as long as the graph is there.
static void find_holders(struct sought sought, struct denial *denial) {
    if (!is_taken()) {
        return;
    }
    denial->holders_are_known = true;
    for (uint32_t i = 0; i < graph.processes.count; i++) {
        if (!graph.processes.at[i].ended && has(sought, i)) {
            if (denial->holder_count < DENIAL_HOLDERS_SHOWN) {
                denial->holders[denial->holder_count] = graph.processes.at[i].name;
            }
            denial->holder_count++;
        }
    }
}

// Makes the sentence for the person, and tells the log.
static void tell(struct sought sought, struct denial *denial, char text[DENIAL_TEXT_BYTES]) {
    struct logger logger;
    find_holders(sought, denial);
    (void)denial_sentence(denial, text);
    logger_init(&logger, "denied");
    logger.away = true; // not waited for
    (void)denial_file(&logger, denial);
    denials_end();
}

// The type of the kernel's objects that have the interface; 0: it is a service's.
static uint32_t type_with(uint64_t interface_id) {
    for (uint32_t type = 1; type < OBJECT_TYPE_COUNT; type++) {
        if (idl_interface_by_name(abi_object_name(type)) == interface_id) {
            return type;
        }
    }
    return 0;
}

static void explain_ungranted(const char *name, uint64_t interface_id, char text[DENIAL_TEXT_BYTES]) {
    struct refusal_text texts;
    struct denial denial;
    char how[NAME_BYTES + 32];
    const uint32_t type = type_with(interface_id);
    const struct sought sought = {.type = type != 0 ? type : OBJECT_ENDPOINT, .rights = type != 0 ? 0 : RIGHT_SEND_BIT,
                                  .interface_id = type != 0 ? 0 : interface_id};
    fmt_snprintf(how, sizeof how, type != 0 ? "%s = void" : "service = \"%s\", weak = true", name); // it does without
    refusal_ungranted(name, how, &texts, &denial);
    tell(sought, &denial, text);
}

int fail_ungranted(const char *what, const char *name, uint64_t interface_id) {
    char text[DENIAL_TEXT_BYTES];
    explain_ungranted(name, interface_id, text);
    return fail("%s: %s\n", what, text);
}

bool denial_uncontrolled(const char *name, char text[DENIAL_TEXT_BYTES]) {
    struct refusal_text texts;
    struct denial denial;
    if (!refusal_uncontrolled(name, &texts, &denial)) {
        return false;
    }
    tell((struct sought){.koid = denial.koid, .rights = RIGHT_SEND_BIT, .control = true}, &denial, text);
    return true;
}

// Whether it was one of those called that the program goes without when it is not granted them (session.c): what the interface is.
static bool is_refusal_of_nothing(status_t status, uint64_t *interface_id) {
    const struct tess_refusal refused = tess_thread_block()->refused;
    const bool is_of_service = refused.label >= RPC_CONTRACT;
    *interface_id = is_of_service ? LOG_ID : INSPECTOR_ID;
    return status_is(status, STATUS_BAD_HANDLE) && refused.status == status.code && refused.syscall == SYS_CALL && refused.handle == 0 &&
           tess_cap_type(is_of_service ? "log" : "inspector") == 0;
}

bool denial_refused(status_t status, char text[DENIAL_TEXT_BYTES]) {
    struct refusal_text texts;
    struct denial denial;
    struct sought sought;
    char said[DENIAL_TEXT_BYTES];
    if (is_refusal_of_nothing(status, &sought.interface_id)) {
        explain_ungranted(sought.interface_id == LOG_ID ? "log" : "inspector", sought.interface_id, text);
        return true;
    }
    if (!refusal_denial(status, &texts, &denial)) {
        return false;
    }
    (void)denial_sentence(&denial, said);
    if (!find_sought(denial.missing, denial.koid, &sought) || !add_holders(sought, said, text)) {
        (void)str_copy(text, DENIAL_TEXT_BYTES, said); // same bounds
    }
    denials_end();
    return true;
}

bool denial_told(struct log_record record, char text[DENIAL_TEXT_BYTES]) {
    struct sought sought;
    if (text_of(record, "holders")[0] != '\0') {
        return false;
    }
    return find_sought(text_of(record, "missing"), koid_of(record), &sought)
               ? add_holders(sought, log_record_get_text(record).bytes, text)
               : denial_explained(text_of(record, "who"), text_of(record, "attempted"), text_of(record, "object"), text);
}
