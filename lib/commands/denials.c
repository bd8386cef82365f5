// What the log's denials do not say themselves, because neither who was denied nor who denied it could know: who may. The policy
// knows it of services, and the graph of authority of everything that the kernel refused.
#include "lib/commands/denials.h"

#include "abi/gen/decode.h"
#include "lib/commands/graph.h"
#include "lib/commands/shell.h"
#include "lib/denial/refusal.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

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
};

static bool has(struct sought sought, uint32_t process) {
    for (uint32_t i = 0; i < graph.handles.count; i++) {
        const struct authority_handle *handle = &graph.handles.at[i];
        if (handle->process == process && (sought.koid == 0 || handle->seen.object_koid == sought.koid) &&
            (sought.type == 0 || handle->seen.type == sought.type) && (handle->seen.rights & sought.rights) == sought.rights) {
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

// "; init and shell have it", in front of the advice if there is one.
static bool add_holders(struct sought sought, const char *said, char text[DENIAL_TEXT_BYTES]) {
    char holders[160];
    size_t used = 0;
    uint32_t count = 0;
    if (!taken && !status_ok(graph_take(&graph))) {
        return false;
    }
    taken = true;
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

bool denial_refused(status_t status, char text[DENIAL_TEXT_BYTES]) {
    struct refusal_text texts;
    struct denial denial;
    struct sought sought;
    char said[DENIAL_TEXT_BYTES];
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
