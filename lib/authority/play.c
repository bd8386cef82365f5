#include "lib/authority/play.h"

#include <string.h>

#include "abi/gen/abi.h"
#include "base/test.h"
#include "lib/badge/badge.h"

// Its address space was made with it.
static void process(struct authority *graph, uint64_t koid, const char *name, uint64_t account) {
    struct inspect_process of = {.koid = koid, .account_koid = account, .state = 1, .vspace_koid = koid + 1};
    memcpy(of.name, name, strlen(name));
    REQUIRE(authority_add_process(graph, &of));
}

static void handle(struct authority *graph, uint64_t process_koid, struct inspect_handle seen) {
    REQUIRE(authority_add_handle(graph, process_koid, &seen));
}

static void object(struct authority *graph, struct inspect_object of) {
    REQUIRE(authority_add_object(graph, &of));
}

static void unit(struct authority *graph, const char *name, enum authority_unit_kind kind, uint64_t koid, uint32_t line) {
    struct authority_unit one = {.kind = kind, .process_koid = koid, .manifest_line = line, .manifest_file = "s.capnp", .comes_back = line != 0};
    memcpy(one.name, name, strlen(name));
    REQUIRE(authority_add_unit(graph, &one));
}

static void hold(struct authority *graph) {
    process(graph, PLAY_INIT, "init", PLAY_ROOT);
    handle(graph, PLAY_INIT, (struct inspect_handle){.handle = 1, .type = OBJECT_ACCOUNT, .rights = ~0u, .object_koid = PLAY_ROOT, .origin = ORIGIN_BOOT});
    handle(graph, PLAY_INIT, (struct inspect_handle){.handle = 2, .type = OBJECT_ENDPOINT, .rights = RIGHT_SEND_BIT | RIGHT_RECEIVE_BIT | RIGHT_MINT_BIT,
                                                     .interface_id = PLAY_LOG, .object_koid = PLAY_ENDPOINT, .origin = ORIGIN_CREATED});
    process(graph, PLAY_LOGD, "x\x1b", PLAY_LOGD_ACCOUNT);
    handle(graph, PLAY_LOGD, (struct inspect_handle){.handle = 1, .type = OBJECT_ENDPOINT, .rights = RIGHT_RECEIVE_BIT, .interface_id = PLAY_LOG,
                                                     .object_koid = PLAY_ENDPOINT, .parent_handle = 2, .parent_process_koid = PLAY_INIT,
                                                     .origin = ORIGIN_GRANTED, .granter_koid = PLAY_INIT});
    handle(graph, PLAY_LOGD, (struct inspect_handle){.handle = 2, .type = OBJECT_NOTIFICATION, .rights = RIGHT_SIGNAL_BIT, .object_koid = PLAY_EVENTS,
                                                     .parent_handle = 2, .parent_process_koid = PLAY_SHELL, .origin = ORIGIN_REQUEST,
                                                     .granter_koid = PLAY_SHELL, .method = 0x10'0003});
    handle(graph, PLAY_LOGD, (struct inspect_handle){.handle = 3, .type = OBJECT_THREAD, .object_koid = PLAY_THREAD, .origin = ORIGIN_GRANTED,
                                                     .granter_koid = PLAY_INIT});
    process(graph, PLAY_SHELL, "shell", PLAY_SHELL_ACCOUNT);
    handle(graph, PLAY_SHELL, (struct inspect_handle){.handle = 1, .type = OBJECT_ENDPOINT, .rights = RIGHT_SEND_BIT, .interface_id = PLAY_LOG,
                                                      .badge = 6, .object_koid = PLAY_ENDPOINT, .parent_handle = 2, .parent_process_koid = PLAY_INIT,
                                                      .origin = ORIGIN_GRANTED, .granter_koid = PLAY_INIT});
    handle(graph, PLAY_SHELL, (struct inspect_handle){.handle = 2, .type = OBJECT_NOTIFICATION, .rights = RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT,
                                                      .object_koid = PLAY_EVENTS, .origin = ORIGIN_CREATED});
}

void play_begin(struct authority *graph) {
    *graph = (struct authority){.taken_ns = 1000};
    hold(graph);
    object(graph, (struct inspect_object){.koid = PLAY_EVENTS, .type = OBJECT_NOTIFICATION, .account_koid = PLAY_SHELL_ACCOUNT});
    object(graph, (struct inspect_object){.koid = PLAY_THREAD, .type = OBJECT_THREAD, .account_koid = PLAY_LOGD_ACCOUNT, .state = 4,
                                          .numbers = {PLAY_ENDPOINT, 0, 0, PLAY_LOGD}}); // it receives
    object(graph, (struct inspect_object){.koid = PLAY_ENDPOINT, .type = OBJECT_ENDPOINT, .account_koid = PLAY_ROOT, .numbers = {0, 1, PLAY_THREAD, 2}});
    object(graph, (struct inspect_object){.koid = PLAY_ENDPOINT, .type = OBJECT_ENDPOINT, .account_koid = PLAY_ROOT, .numbers = {0, 1, PLAY_THREAD, 2}});
    object(graph, (struct inspect_object){.koid = PLAY_ROOT, .type = OBJECT_ACCOUNT});
    REQUIRE(authority_add_account(graph, PLAY_SHELL_ACCOUNT, PLAY_ROOT) && authority_add_account(graph, PLAY_ROOT, 0) &&
            authority_add_account(graph, PLAY_LOGD_ACCOUNT, PLAY_ROOT));
    unit(graph, "init", AUTHORITY_SUPERVISOR, PLAY_INIT, 0);
    unit(graph, "logd", AUTHORITY_SERVICE, PLAY_LOGD, 9);
    unit(graph, "shell", AUTHORITY_SERVICE, PLAY_SHELL, 20);
    REQUIRE(authority_add_grant(graph, &(struct authority_grant){PLAY_SHELL, 1, 23, "log", "service log", "s.capnp"}));
    REQUIRE(authority_add_grant(graph, &(struct authority_grant){PLAY_LOGD, 1, 12, "log", "provides log", "s.capnp"}));
    REQUIRE(authority_add_grant(graph, &(struct authority_grant){PLAY_LOGD, 3, 0, "thread", "its own", ""}));
    REQUIRE(authority_add_interface(graph, &(struct authority_interface){PLAY_LOG, 0, 0, "Log"}));
    REQUIRE(authority_add_interface(graph, &(struct authority_interface){PLAY_LOG_CONTROL, PLAY_LOG, 0, "LogControl"}));
    REQUIRE(authority_add_method(graph, &(struct authority_method){.interface_id = PLAY_LOG, .name = "Log.append", .ordinal = 3}));
    REQUIRE(authority_add_method(graph, &(struct authority_method){.interface_id = PLAY_LOG_CONTROL, .name = "LogControl.watch", .ordinal = 3}));
    REQUIRE(authority_add_carried(graph, &(struct authority_carried){AUTHORITY_ANYTHING, false}));
    authority_link(graph);
}
