#include "lib/denial/refusal.h"

#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/rpc/method.h"
#include "lib/tess/capset.h"
#include "lib/tess/refusal.h"

static const char OWN_PROCESS[] = "its own process";

// ---- What it would have taken ----

// The handle that was at fault, and what was asked of it.
struct fault {
    const struct refusal_handle *handle;
    uint32_t number;
    uint32_t status; // with which it was refused
    bool is_argument;
    struct abi_need need;
};

static bool suffices(const struct refusal_handle *handle, struct abi_need need) {
    return handle->there && (need.type == 0 || handle->type == need.type) && (handle->rights & need.right) == need.right;
}

// What a method wants of the handle among its arguments. False: it takes none of this process's. What is given the number of a handle
// means one in the table of the process that it is called on.
static bool argument_need(const struct abi_method *method, const struct refusal_handle *called, struct abi_need *need) {
    static const struct {
        const char *method;
        struct abi_need need;
    } of_numbers[] = {
        {"handle_copy", {0, RIGHT_COPY_BIT}},
        {"handle_mint", {OBJECT_ENDPOINT, RIGHT_MINT_BIT}},
    };
    *need = (struct abi_need){};
    for (uint32_t i = 0; method != nullptr && i < method->argument_count; i++) {
        if (method->arguments[i].is_handle) {
            *need = (struct abi_need){method->arguments[i].type, method->arguments[i].right};
            return true;
        }
    }
    for (size_t i = 0; method != nullptr && i < sizeof of_numbers / sizeof of_numbers[0]; i++) {
        if (str_equal(method->name, of_numbers[i].method)) {
            *need = of_numbers[i].need;
        }
    }
    return method != nullptr && method->argument_count > 0 && str_equal(method->arguments[0].name, "target") &&
           called->name != nullptr && str_equal(called->name, OWN_PROCESS);
}

// The method of an object of the kernel's that was called; null where it was something else.
static const struct abi_method *method_of(const struct tess_refusal *refused, const struct refusal_facts *facts) {
    return refused->syscall == SYS_CALL && refused->label < RPC_CONTRACT && facts->handle.type != 0
               ? abi_method_find(facts->handle.type, refused->label)
               : nullptr;
}

static bool was_taken_back(const struct refusal_handle *handle) {
    return !handle->there && handle->name != nullptr;
}

// The kernel looks at the handle that is called before it looks at the argument. One that was called and is nobody's any more may have
// been closed since, because the call failed; then it is a grant among the arguments that tells something.
static struct fault find_fault(const struct tess_refusal *refused, const struct refusal_facts *facts,
                               const struct abi_method *method) {
    struct fault fault = {.handle = &facts->handle, .number = refused->handle, .status = refused->status,
                          .need = abi_syscall_need(refused->syscall)};
    struct abi_need of_argument;
    if (method != nullptr) {
        fault.need = (struct abi_need){.type = (uint8_t)facts->handle.type};
        (void)abi_right_bit(method->right, &fault.need.right);
    } else if (refused->syscall == SYS_CALL && refused->label < RPC_CONTRACT) {
        fault.need = (struct abi_need){}; // of a type that nobody knows any more
    }
    const bool takes_one = argument_need(method, &facts->handle, &of_argument);
    const bool is_closed = !facts->handle.there && facts->handle.name == nullptr && was_taken_back(&facts->argument);
    if (refused->argument != 0 && ((takes_one && suffices(fault.handle, fault.need)) || is_closed)) {
        return (struct fault){&facts->argument, refused->argument, refused->status, true, of_argument};
    }
    return fault;
}

// ---- In words ----

static void name_attempt(const struct tess_refusal *refused, const struct refusal_facts *facts, const struct abi_method *method,
                         bool is_argument, struct refusal_text *text) {
    if (method != nullptr) {
        fmt_snprintf(text->attempted, sizeof text->attempted, "call %s.%s %s", abi_object_name(facts->handle.type), method->name,
                     is_argument ? "with" : "of");
    } else if (refused->syscall == SYS_WAIT) {
        (void)str_copy(text->attempted, sizeof text->attempted, "wait for");
    } else if (is_argument) {
        (void)str_copy(text->attempted, sizeof text->attempted, "use");
    } else {
        (void)str_copy(text->attempted, sizeof text->attempted, abi_syscall_name(refused->syscall));
    }
}

static void name_object(const struct fault *fault, struct refusal_text *text) {
    const struct refusal_handle *handle = fault->handle;
    if (handle->name != nullptr) {
        (void)str_copy(text->object, sizeof text->object, handle->name);
    } else if (handle->there) {
        fmt_snprintf(text->object, sizeof text->object, "handle %#x (%s)", fault->number, abi_object_name(handle->type));
    } else if (fault->number == 0) {
        (void)str_copy(text->object, sizeof text->object, "something");
    } else {
        fmt_snprintf(text->object, sizeof text->object, "handle %#x", fault->number);
    }
}

static void give_reason(const struct fault *fault, struct refusal_text *text) {
    const struct refusal_handle *handle = fault->handle;
    const struct abi_need need = fault->need;
    char has[80], lacks[40];
    (void)abi_rights_text(need.right & ~handle->rights, lacks, sizeof lacks);
    if (was_taken_back(handle)) {
        (void)str_copy(text->reason, sizeof text->reason, "it was granted and has been taken back");
        fmt_snprintf(text->missing, sizeof text->missing, need.right != 0 ? "right %s" : "a handle to it", lacks);
        return;
    }
    if (!handle->there) {
        const bool may_be_withheld = need.type == OBJECT_ENDPOINT && need.right == RIGHT_SEND_BIT; // a grant of a service
        const char *why = fault->number == 0 && may_be_withheld ? "it was not granted one, or the policy denies it"
                          : fault->number == 0 ? "it was not granted one" : "it has no such handle; that was closed or taken back, or never its own";
        (void)str_copy(text->reason, sizeof text->reason, why);
        fmt_snprintf(text->missing, sizeof text->missing, "a handle%s%s", need.type != 0 ? " of type " : "",
                     need.type != 0 ? abi_object_name(need.type) : "");
        return;
    }
    if (need.type != 0 && handle->type != need.type) {
        fmt_snprintf(text->reason, sizeof text->reason, "it is of type %s, not %s", abi_object_name(handle->type),
                     abi_object_name(need.type));
        fmt_snprintf(text->missing, sizeof text->missing, "a handle of type %s", abi_object_name(need.type));
        return;
    }
    (void)abi_rights_text(handle->rights, has, sizeof has);
    if ((need.right & ~handle->rights) != 0) {
        fmt_snprintf(text->reason, sizeof text->reason, "its handle has %s, and not %s", has, lacks);
        fmt_snprintf(text->missing, sizeof text->missing, "right %s", lacks);
    } else if (fault->status == STATUS_CODE_BAD_HANDLE) { // the number of one in the table of the process that it is about
        (void)str_copy(text->reason, sizeof text->reason, "there is no handle of the number that it gave");
        (void)str_copy(text->missing, sizeof text->missing, "a handle");
    } else { // a right that depends on other arguments, such as the protection of a mapping
        fmt_snprintf(text->reason, sizeof text->reason, "its handle has no more than %s", has);
        (void)str_copy(text->missing, sizeof text->missing, "a right");
    }
}

// What the manifest can grant that has this right; null: nothing. As services/init and lib/launch make it.
static const char *grant_with(struct abi_need need) {
    static const struct {
        uint8_t type;
        uint32_t rights;
        const char *grant;
    } grants[] = {
        {OBJECT_NOTIFICATION, RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT, "notification = void"},
        {OBJECT_ENDPOINT, RIGHT_SEND_BIT, "service = ..."},
        {OBJECT_ENDPOINT, RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT, "endpoint = void"},
        {OBJECT_INSPECTOR, RIGHT_INSPECT_BIT, "inspector = void"},
        {OBJECT_TRACE, RIGHT_MANAGE_BIT | RIGHT_INSPECT_BIT, "trace = void"},
        {OBJECT_ACCOUNT, RIGHT_CREATE_BIT | RIGHT_MANAGE_BIT | RIGHT_INSPECT_BIT, "accountKib = ..."},
        {OBJECT_RESOURCE, RIGHT_POWER_BIT, "resource = power"},
        {OBJECT_RESOURCE, RIGHT_CREATE_BIT, "resource = mint"},
        {OBJECT_VMO, RIGHT_READ_BIT | RIGHT_MAP_BIT | RIGHT_INSPECT_BIT, "file = ..."},
        {OBJECT_VMO, RIGHT_EXECUTE_BIT, "bootPackage = void"},
    };
    for (size_t i = 0; i < sizeof grants / sizeof grants[0]; i++) {
        if (need.type == grants[i].type && (need.right & ~grants[i].rights) == 0) {
            return grants[i].grant;
        }
    }
    return nullptr;
}

// Where the grant is, or would have to be, and what it would have to say there.
static void advise(const struct fault *fault, const struct refusal_facts *facts, struct refusal_text *text, struct denial *to) {
    const struct refusal_handle *handle = fault->handle;
    const char *grant = grant_with(fault->need);
    const bool granted = handle->name != nullptr && handle->line != 0;
    const bool is_other = handle->there && fault->status == STATUS_CODE_BAD_HANDLE; // than the one that was asked for
    if (is_other || (handle->name == nullptr && fault->number != 0)) {
        return; // it came or was made later: no line of the manifest has to do with it
    }
    to->file = granted ? handle->file : facts->file;
    to->line = granted ? handle->line : facts->line;
    if (to->line == 0) {
        return;
    }
    if (was_taken_back(handle)) { // where it is granted there is nothing to change
        const char *dot = strrchr(facts->subject, '.'); // of a job: "hello.4"
        fmt_snprintf(text->advice, sizeof text->advice, "`%s %.*s`, which grants it again", dot != nullptr ? "run" : "restart",
                     dot != nullptr ? (int)(dot - facts->subject) : (int)strlen(facts->subject), facts->subject);
    } else if (fault->need.type == 0 && handle->name == nullptr) {
        (void)str_copy(text->advice, sizeof text->advice, "add what it wants to call to `grants` of it");
    } else if (grant != nullptr) {
        fmt_snprintf(text->advice, sizeof text->advice, granted ? "grant `%s` as `%s`" : "add a grant `%s` with `%s`",
                     granted ? handle->name : "NAME", grant);
    } else {
        (void)str_copy(text->advice, sizeof text->advice, "it takes another grant: none gives that right to such an object");
    }
}

void refusal_explain(const struct tess_refusal *refused, const struct refusal_facts *facts, struct refusal_text *text,
                     struct denial *to) {
    const struct abi_method *method = method_of(refused, facts);
    const struct fault fault = find_fault(refused, facts, method);
    *text = (struct refusal_text){};
    *to = (struct denial){.subject = facts->subject, .attempted = text->attempted, .object = text->object, .missing = text->missing,
                          .reason = text->reason, .koid = fault.handle->koid, .advice = text->advice, .file = ""};
    name_attempt(refused, facts, method, fault.is_argument, text);
    name_object(&fault, text);
    give_reason(&fault, text);
    advise(&fault, facts, text, to);
}

// ---- Of this program ----

static void name_own(uint32_t number, struct refusal_handle *to) {
    const struct {
        uint32_t handle;
        const char *name;
    } own[] = {
        {tess_bootstrap->process, OWN_PROCESS},
        {tess_bootstrap->vspace, "its own vspace"},
        {tess_bootstrap->account, "its own account"},
        {bootstrap_thread(tess_bootstrap), "its own thread"},
    };
    const struct bootstrap_cap *caps = bootstrap_caps(tess_bootstrap);
    for (size_t i = 0; i < sizeof own / sizeof own[0]; i++) {
        if (own[i].handle == number) {
            to->name = own[i].name;
        }
    }
    for (uint32_t i = 0; i < tess_bootstrap->cap_count; i++) {
        if (caps[i].handle == number) {
            to->name = caps[i].name;
            to->type = to->there ? to->type : caps[i].type;
            to->koid = to->there ? to->koid : caps[i].koid;
            to->line = caps[i].line;
            to->file = bootstrap_text(tess_bootstrap, caps[i].file_offset);
        }
    }
}

static void look_at(uint32_t number, struct refusal_handle *to) {
    uint64_t type = 0, rights = 0, koid = 0;
    *to = (struct refusal_handle){.file = ""};
    if (number == 0) {
        return;
    }
    to->there = status_ok(tess_process_handle_info(tess_self_process(), number, &type, &rights, nullptr, nullptr, &koid));
    to->koid = to->there ? koid : 0;
    to->type = (uint32_t)type;
    to->rights = (uint32_t)rights;
    name_own(number, to);
}

void refusal_ungranted(const char *name, const char *how, struct refusal_text *text, struct denial *to) {
    *text = (struct refusal_text){};
    fmt_snprintf(text->missing, sizeof text->missing, "grant `%s`", name);
    fmt_snprintf(text->advice, sizeof text->advice, "add `(name = \"%s\", %s)` to `grants` of %s", name, how, tess_bootstrap->program);
    *to = (struct denial){.subject = tess_bootstrap->program, .attempted = "use", .object = name, .missing = text->missing,
                          .reason = "the manifest does not grant it", .advice = text->advice, .line = tess_bootstrap->line,
                          .file = bootstrap_text(tess_bootstrap, tess_bootstrap->file_offset)};
}

bool refusal_uncontrolled(const char *name, struct refusal_text *text, struct denial *to) {
    const struct bootstrap_cap *caps = bootstrap_caps(tess_bootstrap);
    uint64_t badge = 0;
    uint32_t i = 0;
    while (i < tess_bootstrap->cap_count && !str_equal(caps[i].name, name)) {
        i++;
    }
    if (i == tess_bootstrap->cap_count || caps[i].line == 0 || caps[i].type != OBJECT_ENDPOINT ||
        !status_ok(tess_process_handle_info(tess_self_process(), caps[i].handle, nullptr, nullptr, &badge, nullptr, nullptr)) ||
        badge_controls(badge)) {
        return false;
    }
    *text = (struct refusal_text){};
    fmt_snprintf(text->missing, sizeof text->missing, "control of %s", name);
    *to = (struct denial){.subject = tess_bootstrap->program, .attempted = "control", .object = name, .missing = text->missing,
                          .reason = "it was granted without `control`", .koid = caps[i].koid, .line = caps[i].line,
                          .advice = "add `control = true` to the entry", .file = bootstrap_text(tess_bootstrap, caps[i].file_offset)};
    return true;
}

bool refusal_denial(status_t status, struct refusal_text *text, struct denial *to) {
    const struct tess_refusal refused = tess_thread_block()->refused;
    if (!tess_is_refusal(status) || refused.status != status.code) {
        return false;
    }
    struct refusal_facts facts = {
        .subject = tess_bootstrap->program, .file = bootstrap_text(tess_bootstrap, tess_bootstrap->file_offset), .line = tess_bootstrap->line};
    look_at(refused.handle, &facts.handle);
    look_at(refused.argument, &facts.argument);
    tess_thread_block()->refused = refused; // looking may have been refused, too
    refusal_explain(&refused, &facts, text, to);
    return true;
}

const char *denial_status_text(status_t status, char to[DENIAL_TEXT_BYTES]) {
    struct refusal_text text;
    struct denial denial;
    return refusal_denial(status, &text, &denial) ? denial_sentence(&denial, to) : rpc_status_text(status);
}
