#include "lib/denial/refusal.h"

#include "base/test.h"
#include "lib/rpc/method.h"
#include "lib/tess/capset.h"
#include "lib/tess/refusal.h"

// ---- The program and its kernel: one handle, 5, that was granted as `settings` ----

static struct {
    struct bootstrap head;
    struct bootstrap_cap caps[1];
    char file[8];
} block = {
    .head = {.process = 1, .program = "hello.4", .cap_count = 1, .caps_offset = sizeof(struct bootstrap), .line = 80,
             .file_offset = sizeof(struct bootstrap) + sizeof(struct bootstrap_cap)},
    .caps = {{.name = "settings", .handle = 5, .type = OBJECT_VMO, .line = 91,
              .file_offset = sizeof(struct bootstrap) + sizeof(struct bootstrap_cap)}},
    .file = "t.capnp",
};
const struct bootstrap *tess_bootstrap = &block.head;
static struct tess_thread_block thread_block;
static bool looking_is_refused;

struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}

status_t tess_invoke(handle_t object, uint64_t request, uint64_t words[8]) {
    if (looking_is_refused) {
        return tess_refused(STATUS_NO_RIGHT, SYS_CALL, object, (uint32_t)request, 0);
    }
    if (object.v != 1 || words[0] != 5) {
        return tess_refused(STATUS_BAD_HANDLE, SYS_CALL, object, (uint32_t)request, 0);
    }
    words[0] = OBJECT_VMO;
    words[1] = RIGHT_READ_BIT | RIGHT_MAP_BIT;
    words[4] = 77;
    return STATUS_OK;
}

// ---- What is said ----

static char text[DENIAL_TEXT_BYTES];
static struct refusal_text parts;
static struct denial denial;

static const char *say(struct tess_refusal refused, struct refusal_handle handle, struct refusal_handle argument) {
    const struct refusal_facts facts = {
        .subject = "hello.4", .file = "t.capnp", .line = 80, .handle = handle, .argument = argument};
    refusal_explain(&refused, &facts, &parts, &denial);
    return denial_sentence(&denial, text);
}

static const struct refusal_handle settings = {
    .there = true, .type = OBJECT_VMO, .rights = RIGHT_READ_BIT | RIGHT_MAP_BIT, .name = "settings", .file = "t.capnp", .line = 91};
static const struct refusal_handle vspace = {.there = true, .type = OBJECT_VSPACE, .rights = RIGHT_MAP_BIT, .name = "its own vspace"};
static const struct refusal_handle made = {.there = true, .type = OBJECT_NOTIFICATION, .rights = RIGHT_WAIT_BIT};
static const struct refusal_handle gone;

TEST(a_right_that_is_missing_is_named_with_those_that_there_are) {
    CHECK_STR_EQ(say((struct tess_refusal){STATUS_CODE_NO_RIGHT, SYS_CALL, 5, VMO_WRITE, 0}, settings, gone),
                 "hello.4 may not call vmo.write of settings: its handle has READ|MAP, and not WRITE. To allow it, it takes another "
                 "grant: none gives that right to such an object (t.capnp:91)");
    CHECK_STR_EQ(denial.missing, "right WRITE");
    CHECK_STR_EQ(say((struct tess_refusal){STATUS_CODE_NO_RIGHT, SYS_SIGNAL, 9, 0, 0}, made, gone),
                 "hello.4 may not signal handle 0x9 (notification): its handle has WAIT, and not SIGNAL");
}

TEST(an_argument_is_looked_at_when_the_object_is_good) {
    const struct tess_refusal map = {STATUS_CODE_NO_RIGHT, SYS_CALL, 2, VSPACE_MAP, 5};
    struct refusal_handle argument = settings;
    argument.rights = RIGHT_READ_BIT;
    CHECK(strstr(say(map, vspace, argument), "may not call vspace.map with settings: its handle has READ, and not MAP") != nullptr);
    CHECK(strstr(say(map, vspace, made), "may not call vspace.map with handle 0x5 (notification): it is of type notification, not vmo") !=
          nullptr);
    CHECK(strstr(say(map, vspace, settings), "its handle has no more than READ|MAP") != nullptr); // the protection wanted more
    struct refusal_handle weak = vspace;
    weak.rights = RIGHT_COPY_BIT;
    CHECK(strstr(say(map, weak, argument), "may not call vspace.map of its own vspace: its handle has COPY, and not MAP") != nullptr);
}

TEST(what_is_not_there_was_not_granted_or_went) {
    CHECK_STR_EQ(say((struct tess_refusal){STATUS_CODE_BAD_HANDLE, SYS_WAIT, 0, 0, 0}, gone, gone),
                 "hello.4 may not wait for something: it was not granted one. To allow it, add a grant `NAME` with "
                 "`notification = void` (t.capnp:80)");
    CHECK_STR_EQ(denial.missing, "a handle of type notification");
    CHECK_STR_EQ(say((struct tess_refusal){STATUS_CODE_BAD_HANDLE, SYS_CALL, 7, VMO_WRITE, 0}, gone, gone),
                 "hello.4 may not call handle 0x7: it has no such handle; that was closed or taken back, or never its own");
}

TEST(a_grant_that_was_taken_back_comes_again_with_the_next_start) {
    struct refusal_handle taken = settings;
    taken.there = false;
    taken.rights = 0;
    taken.koid = 77;
    CHECK_STR_EQ(say((struct tess_refusal){STATUS_CODE_BAD_HANDLE, SYS_CALL, 5, VMO_WRITE, 0}, taken, gone),
                 "hello.4 may not call vmo.write of settings: it was granted and has been taken back. To allow it, `run hello`, which "
                 "grants it again (t.capnp:91)");
    CHECK_STR_EQ(denial.missing, "right WRITE");
    CHECK_EQ(denial.koid, 77); // for who looks who has it
    taken.type = OBJECT_ENDPOINT;
    CHECK(strstr(say((struct tess_refusal){STATUS_CODE_BAD_HANDLE, SYS_CALL, 5, RPC_CONTRACT, 0}, taken, gone),
                 "may not call settings: it was granted and has been taken back") != nullptr);
    CHECK_STR_EQ(denial.missing, "right SEND");
    // What was made for a call that failed is closed by the time that somebody asks.
    CHECK(strstr(say((struct tess_refusal){STATUS_CODE_BAD_HANDLE, SYS_CALL, 9, VSPACE_MAP, 5}, gone, taken),
                 "may not use settings: it was granted and has been taken back") != nullptr);
    CHECK_STR_EQ(denial.missing, "a handle to it");
}

TEST(the_number_of_a_handle_is_one_of_its_arguments) {
    const struct refusal_handle process = {.there = true, .type = OBJECT_PROCESS, .rights = RIGHT_MANAGE_BIT, .name = "its own process"};
    struct refusal_handle other = process, taken = settings;
    const struct tess_refusal info = {STATUS_CODE_BAD_HANDLE, SYS_CALL, 1, PROCESS_HANDLE_INFO, 5};
    taken.there = false;
    CHECK(strstr(say(info, process, taken), "may not call process.handle_info with settings: it was granted and has been taken back") != nullptr);
    CHECK(strstr(say(info, process, gone), "may not call process.handle_info with handle 0x5: it has no such handle") != nullptr);
    other.name = nullptr; // in whose table the number means something else
    CHECK_STR_EQ(say(info, other, settings),
                 "hello.4 may not call process.handle_info of handle 0x1 (process): there is no handle of the number that it gave");
    CHECK(strstr(say((struct tess_refusal){STATUS_CODE_NO_RIGHT, SYS_CALL, 1, PROCESS_HANDLE_COPY, 5}, process, settings),
                 "may not call process.handle_copy with settings: its handle has READ|MAP, and not COPY") != nullptr);
    CHECK(strstr(say((struct tess_refusal){STATUS_CODE_WRONG_TYPE, SYS_CALL, 1, PROCESS_HANDLE_MINT, 5}, process, settings),
                 "may not call process.handle_mint with settings: it is of type vmo, not endpoint") != nullptr);
    CHECK(strstr(say((struct tess_refusal){STATUS_CODE_BAD_HANDLE, SYS_CALL, 0, TRACE_START, 0}, gone, gone),
                 "may not call something: it was not granted one. To allow it, add what it wants to call to `grants` of it (t.capnp:80)") != nullptr);
}

// Whatever a thread's memory holds.
TEST(nonsense_makes_a_sentence) {
    for (uint32_t i = 0; i < 4096; i++) {
        const struct tess_refusal refused = {i % 7, i / 3 % 40, i % 5, i * 0x01000193u, i % 3};
        const struct refusal_handle handle = {.there = i % 2 != 0, .type = i % 30, .rights = i * 0x9e3779b9u};
        CHECK(strlen(say(refused, handle, (struct refusal_handle){.there = i % 3 != 0, .type = i % 29})) < DENIAL_TEXT_BYTES);
    }
}

TEST(only_what_the_kernel_refused_this_thread_is_explained) {
    CHECK(!refusal_denial(STATUS_NO_RIGHT, &parts, &denial));
    (void)tess_refused(STATUS_NO_RIGHT, SYS_CALL, (handle_t){5}, VMO_RESIZE, 0);
    (void)tess_refused(STATUS_TIMED_OUT, SYS_WAIT, (handle_t){6}, 0, 0); // no refusal
    CHECK(!refusal_denial(STATUS_BAD_HANDLE, &parts, &denial));
    for (int twice = 0; twice < 2; twice++) {
        CHECK(refusal_denial(STATUS_NO_RIGHT, &parts, &denial));
        CHECK_STR_EQ(denial.object, "settings");
        CHECK_EQ(denial.line, 91);
        CHECK_EQ(denial.koid, 77);
        CHECK(!denial.holders_are_known);
    }
    looking_is_refused = true;
    CHECK(refusal_denial(STATUS_NO_RIGHT, &parts, &denial)); // about what was refused, and not about the look at it
    CHECK_STR_EQ(denial.object, "settings");
    looking_is_refused = false;
    CHECK(strstr(denial_status_text(STATUS_NO_RIGHT, text), "hello.4 may not call vmo.resize of settings") != nullptr);
    CHECK_STR_EQ(denial_status_text(STATUS_NO_MEMORY, text), rpc_status_text(STATUS_NO_MEMORY));
    tess_answered(); // a service
    CHECK_STR_EQ(denial_status_text(STATUS_NO_RIGHT, text), rpc_status_text(STATUS_NO_RIGHT));
}
