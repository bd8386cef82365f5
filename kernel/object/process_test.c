// The ends of processes and threads, in every state that a thread can be in, and faults.
#include "kernel/object/process.h"

#include "base/test.h"
#include "kernel/arch/host/invariants.h"
#include "kernel/arch/host/machine.h"
#include "kernel/arch/host/usage.h"
#include "kernel/object/endpoint.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/reaper.h"

constexpr uint64_t PAGE_ADDRESS = 0x10'0000;
constexpr uint32_t ALL = 0xf'ffff; // every right
constexpr uint64_t NO_WORDS[MESSAGE_WORDS] = {};
#define WORDS(...) ((const uint64_t[MESSAGE_WORDS]){__VA_ARGS__})

// A supervisor with one thread, and a process of two that it holds every right to.
static struct {
    struct account *root;
    struct process *boss, *work;
    struct thread *b, *w0, *w1;
    uint64_t boss_handle, work_handle, account_handle; // the boss's
    uint64_t endpoint_handle, notification_handle;
    struct endpoint *endpoint;
    struct notification *notification;
} scene;

[[gnu::constructor]] static void begin(void) {
    host_machine_init(64 << 20);
}

static void set_scene(void) {
    host_processor_reset();
    scene.root = account_create_root(32 << 20);
    scene.boss = host_process(scene.root, "boss");
    scene.work = host_process(scene.root, "work");
    scene.b = host_thread(scene.boss, BAND_NORMAL, PAGE_ADDRESS);
    scene.w0 = host_thread(scene.work, BAND_NORMAL, PAGE_ADDRESS);
    scene.w1 = host_thread(scene.work, BAND_NORMAL, 0);
    scene.boss_handle = host_give(scene.boss, &scene.boss->object, ALL, 0);
    scene.work_handle = host_give(scene.boss, &scene.work->object, ALL, 0);
    scene.account_handle = host_give(scene.boss, &scene.root->object, ALL, 0);
    scene.endpoint = host_endpoint(scene.boss, ALL, &scene.endpoint_handle);
    scene.notification = host_notification(scene.boss, &scene.notification_handle);
}

static void clear_scene(void) {
    CHECK(handle_table_check(scene.boss) && handle_table_check(scene.work));
    struct process *const all[] = {scene.boss, scene.work};
    CHECK(host_finish(scene.root, all, 2));
}

static void supervise(void) {
    REQUIRE(host_run(scene.b));
    CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_SET_FAULT_ENDPOINT, scene.endpoint_handle)));
    CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_WATCH_EXIT, scene.notification_handle, 4)));
}

static void boss_receives(uint64_t deadline_ns) {
    REQUIRE(host_run(scene.b));
    host_syscall(SYS_RECV, scene.endpoint_handle, 0, deadline_ns, NO_WORDS);
}

static bool boss_heard_of_the_end(void) {
    if (!host_run(scene.b)) {
        return false;
    }
    host_syscall(SYS_WAIT, scene.notification_handle, 0, DEADLINE_POLL, NO_WORDS);
    return host_user.status == 0 && host_user.words[0] == 4;
}

// ---- ends ------------------------------------------------------------------------------------------

TEST(exit_is_told_and_recorded) {
    set_scene();
    supervise();
    uint64_t own = host_give(scene.work, &scene.work->object, ALL, 0);
    CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_INFO)));
    CHECK_EQ(host_user.words[4], EXIT_NOT_YET);
    REQUIRE(host_run(scene.w0));
    (void)HOST_METHOD(own, PROCESS_EXIT, 17); // does not return
    CHECK_EQ(host_user.thread, scene.b);
    host_settle();
    CHECK(boss_heard_of_the_end());
    CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_INFO)));
    CHECK_EQ(host_user.words[1], PROCESS_ENDED);
    CHECK_EQ(host_user.words[2], 0u);
    CHECK_EQ(host_user.words[4], EXIT_NORMAL);
    CHECK_EQ(host_user.words[5], 17u);
    CHECK(status_is(HOST_METHOD(scene.work_handle, PROCESS_EXIT, 1), STATUS_BAD_STATE));
    clear_scene();
}

TEST(a_process_ends_with_its_last_thread) {
    set_scene();
    supervise();
    uint64_t w0 = host_give(scene.boss, &scene.w0->object, ALL, 0);
    uint64_t w1 = host_give(scene.boss, &scene.w1->object, ALL, 0);
    CHECK(status_ok(HOST_METHOD(w0, THREAD_EXIT)));
    CHECK(status_is(HOST_METHOD(w0, THREAD_EXIT), STATUS_BAD_STATE));
    CHECK_EQ(scene.work->state, PROCESS_RUNNING);
    CHECK(status_ok(HOST_METHOD(w1, THREAD_EXIT)));
    host_settle();
    CHECK(boss_heard_of_the_end());
    CHECK_EQ(scene.work->record.kind, EXIT_NORMAL);
    clear_scene();
}

// An ended process is still an object; nothing of it may be used any more.
TEST(what_an_ended_process_refuses) {
    set_scene();
    REQUIRE(host_run(scene.b));
    CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_EXIT, 1)));
    for (int settled = 0; settled < 2; settled++) {
        CHECK(status_is(
            HOST_METHOD(scene.work_handle, PROCESS_CREATE_THREAD, USER_LOWEST, 0, 0, 0, BAND_NORMAL),
            STATUS_BAD_STATE));
        CHECK(status_is(HOST_METHOD(scene.work_handle, PROCESS_CREATE_THREAD, USER_LOWEST, 0, 0, PAGE_ADDRESS,
                                    BAND_NORMAL),
                        STATUS_BAD_STATE));
        CHECK(status_is(HOST_METHOD(scene.work_handle, PROCESS_GRANT, scene.notification_handle, ALL),
                        STATUS_BAD_STATE));
        CHECK(status_is(HOST_METHOD(scene.work_handle, PROCESS_HANDLE_CLOSE, 0x1'0001), STATUS_BAD_HANDLE));
        CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_SET_FAULT_ENDPOINT, scene.endpoint_handle)));
        host_settle();
    }
    CHECK_EQ(scene.work->state, PROCESS_ENDED);
    CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_WATCH_EXIT, scene.notification_handle, 4)));
    CHECK(boss_heard_of_the_end());
    clear_scene();
}

// The thread is killed in each state that it can be in; host_finish finds whatever stays behind.
TEST(killed_in_every_state) {
    enum {
        READY,
        SENDING,
        CALLING,
        AWAITING,
        AWAITING_A_REPLY_OBJECT,
        RECEIVING,
        WAITING,
        FAULTED,
        ANSWERED,
        STATES
    };
    for (int state = 0; state < STATES; state++) {
        for (int timed = 0; timed < 2; timed++) {
            set_scene();
            supervise();
            const uint64_t deadline_ns = timed ? host_cycles + 1'000'000'000 : DEADLINE_NEVER;
            const uint64_t to_boss = host_give(scene.work, &scene.endpoint->object, RIGHT_SEND_BIT, 0);
            const uint64_t b_handle = host_give(scene.boss, &scene.b->object, ALL, 0);
            uint64_t own_endpoint, own_notification;
            host_endpoint(scene.work, ALL, &own_endpoint);
            host_notification(scene.work, &own_notification);
            if (state == AWAITING || state == AWAITING_A_REPLY_OBJECT || state == ANSWERED) {
                boss_receives(DEADLINE_NEVER);
            }
            REQUIRE(host_run(scene.w0));
            switch (state) {
            case SENDING: host_syscall(SYS_SEND, to_boss, 0, deadline_ns, NO_WORDS); break;
            case CALLING:
            case AWAITING:
            case ANSWERED:
            case AWAITING_A_REPLY_OBJECT: host_syscall(SYS_CALL, to_boss, 0, deadline_ns, NO_WORDS); break;
            case RECEIVING: host_syscall(SYS_RECV, own_endpoint, 0, deadline_ns, NO_WORDS); break;
            case WAITING: host_syscall(SYS_WAIT, own_notification, 0, deadline_ns, NO_WORDS); break;
            case FAULTED: host_fault(5); break;
            default: break;
            }
            REQUIRE(host_run(scene.b));
            if (state == AWAITING_A_REPLY_OBJECT) {
                CHECK(status_ok(HOST_METHOD(b_handle, THREAD_SAVE_REPLY)));
            }
            CHECK(status_ok(HOST_METHOD(scene.work_handle, PROCESS_EXIT, 1)));
            if (state == ANSWERED) { // while it is ending
                host_syscall(SYS_REPLY_RECV, scene.endpoint_handle, 0, host_cycles + 5, NO_WORDS);
                host_cycles += 5;
                host_timer();
            }
            host_settle();
            CHECK_EQ(scene.work->state, PROCESS_ENDED);
            CHECK_EQ(scene.work->record.kind, EXIT_KILLED);
            CHECK(boss_heard_of_the_end());
            CHECK_EQ(scene.b->caller, nullptr);
            CHECK(endpoint_check(scene.endpoint));
            clear_scene();
        }
    }
}

// The supervisor's end makes the fault of a worker's thread nobody's: the worker ends from within the reaper,
// while another of its threads is the current one.
TEST(the_current_process_ends_from_within_the_reaper) {
    set_scene();
    supervise();
    REQUIRE(host_run(scene.w1));
    host_fault(5);
    REQUIRE(host_run(scene.b));
    struct process *all[3] = {scene.boss, scene.work, host_process(scene.root, "other")};
    struct thread *other = host_thread(all[2], BAND_BACKGROUND, 0);
    uint64_t boss_handle = host_give(scene.work, &scene.boss->object, ALL, 0);
    REQUIRE(host_run(scene.w0));
    CHECK(handle_table_check(scene.work));
    (void)HOST_METHOD(boss_handle, PROCESS_EXIT, 1);
    host_settle();
    CHECK_EQ(host_user.thread, other);
    CHECK_EQ(scene.work->state, PROCESS_ENDED);
    CHECK_EQ(scene.work->record.kind, EXIT_FAULT);
    CHECK(host_finish(scene.root, all, 3));
}

// A process too large to be taken apart in one go goes all the same while another only computes.
TEST(the_reaper_gets_on_while_a_program_computes) {
    set_scene();
    supervise();
    for (int i = 0; i < 3000; i++) {
        CHECK(host_give(scene.work, &scene.notification->object, RIGHT_SIGNAL_BIT, 0) != 0);
    }
    struct process *all[3] = {scene.boss, scene.work, host_process(scene.root, "other")};
    struct thread *other = host_thread(all[2], BAND_NORMAL, 0);
    uint64_t work_handle = host_give(all[2], &scene.work->object, ALL, 0);
    REQUIRE(host_run(scene.b));
    host_syscall(SYS_WAIT, scene.notification_handle, 0, DEADLINE_NEVER, NO_WORDS);
    REQUIRE(host_run(other));
    CHECK(status_ok(HOST_METHOD(work_handle, PROCESS_EXIT, 1)));
    uint32_t interrupts = 0;
    while (host_user.thread != scene.b && interrupts++ < 1000 && host_wait_for_timer()) {
    }
    CHECK_EQ(host_user.thread, scene.b);
    CHECK_EQ(host_user.words[0], 4u);
    CHECK(host_finish(scene.root, all, 3));
}

// ---- processes that never ran ----------------------------------------------------------------------

static uint64_t create_process(uint64_t account) {
    CHECK(host_run(scene.b));
    CHECK(status_ok(HOST_METHOD(account, ACCOUNT_CREATE_PROCESS, 'n')));
    const uint64_t process = host_user.words[0], vspace = host_user.words[1];
    CHECK(status_ok(HOST_METHOD(scene.boss_handle, PROCESS_HANDLE_CLOSE, vspace)));
    return process;
}

TEST(a_process_that_never_ran_goes_with_its_last_handle) {
    set_scene();
    const uint64_t before = account_usage(scene.root).used_bytes;
    const uint64_t process = create_process(scene.account_handle);
    CHECK(status_ok(HOST_METHOD(process, PROCESS_GRANT, scene.notification_handle, ALL)));
    CHECK(status_ok(HOST_METHOD(scene.boss_handle, PROCESS_HANDLE_CLOSE, process)));
    host_settle();
    CHECK_EQ(account_usage(scene.root).used_bytes, before);
    clear_scene();
}

// Processes that never ran hold themselves and each other, and nobody else holds them: the account's end
// does.
TEST(processes_that_keep_each_other_go_with_their_account) {
    set_scene();
    const uint64_t before = account_usage(scene.root).used_bytes;
    REQUIRE(host_run(scene.b));
    CHECK(status_ok(HOST_METHOD(scene.account_handle, ACCOUNT_CREATE_ACCOUNT, 1 << 20)));
    const uint64_t job = host_user.words[0];
    const uint64_t first = create_process(job), second = create_process(job);
    CHECK(status_ok(HOST_METHOD(first, PROCESS_GRANT, first, ALL)));
    CHECK(status_ok(HOST_METHOD(first, PROCESS_GRANT, second, ALL)));
    CHECK(status_ok(HOST_METHOD(second, PROCESS_GRANT, first, ALL, 1)));
    CHECK(status_ok(HOST_METHOD(scene.boss_handle, PROCESS_HANDLE_CLOSE, second)));
    CHECK(status_ok(HOST_METHOD(job, ACCOUNT_END)));
    CHECK(status_is(HOST_METHOD(job, ACCOUNT_CREATE_PROCESS, 'n'), STATUS_BAD_STATE));
    CHECK(status_ok(HOST_METHOD(scene.boss_handle, PROCESS_HANDLE_CLOSE, job)));
    host_settle();
    CHECK_EQ(account_usage(scene.root).used_bytes, before);
    clear_scene();
}

TEST(a_thread_that_cannot_be_made_leaves_nothing) {
    set_scene();
    REQUIRE(host_run(scene.b));
    CHECK(status_ok(HOST_METHOD(scene.account_handle, ACCOUNT_CREATE_ACCOUNT, 64 << 10)));
    const uint64_t small = host_user.words[0];
    CHECK(status_ok(HOST_METHOD(small, ACCOUNT_CREATE_PROCESS, 'n')));
    const uint64_t process = host_user.words[0];
    CHECK(status_is(HOST_METHOD(process, PROCESS_CREATE_THREAD, USER_LOWEST, 0, 0, PAGE_ADDRESS, BAND_NORMAL),
                    STATUS_BAD_ADDRESS));
    host_settle();
    CHECK(status_ok(HOST_METHOD(process, PROCESS_INFO)));
    CHECK_EQ(host_user.words[1], PROCESS_NEW);
    CHECK_EQ(host_user.words[2], 0u);
    clear_scene();
}

// ---- faults ----------------------------------------------------------------------------------------

TEST(a_fault_nobody_looks_at_ends_the_process) {
    set_scene();
    REQUIRE(host_run(scene.w0));
    host_fault(0x1234);
    CHECK_EQ(host_user.thread, scene.b);
    host_settle();
    CHECK_EQ(scene.work->state, PROCESS_ENDED);
    CHECK_EQ(scene.work->record.kind, EXIT_FAULT);
    CHECK_EQ(scene.work->record.fault_address, 0x1234u);
    clear_scene();
}

TEST(a_supervisor_resumes_or_ends) {
    set_scene();
    supervise();
    REQUIRE(host_run(scene.w0));
    host_user.words[3] = 0x33; // what the program had in its registers
    host_fault(0x1234);
    boss_receives(DEADLINE_NEVER);
    CHECK_EQ(host_user.info, FAULT_PAGE | MESSAGE_FAULT | MESSAGE_WANTS_REPLY);
    CHECK_EQ(host_user.words[FAULT_WORD_ADDRESS], 0x1234u);
    CHECK_EQ(host_user.words[FAULT_WORD_THREAD_KOID], scene.w0->object.koid.v);
    const uint64_t w0 = host_give(scene.boss, &scene.w0->object, ALL, 0);
    CHECK(status_is(HOST_METHOD(w0, THREAD_CANCEL), STATUS_BAD_STATE));
    host_syscall(SYS_REPLY_RECV, 0, 0, DEADLINE_NEVER, NO_WORDS);
    CHECK_EQ(host_user.status, STATUS_OK.code);
    REQUIRE(host_run(scene.w0));
    CHECK_EQ(host_user.words[3], 0x33u);
    host_fault(0x5678);
    boss_receives(DEADLINE_NEVER);
    host_syscall(SYS_REPLY_RECV, 0, 1, DEADLINE_NEVER, NO_WORDS);
    host_settle();
    CHECK_EQ(scene.work->state, PROCESS_ENDED);
    CHECK_EQ(scene.work->record.fault_address, 0x5678u);
    clear_scene();
}

TEST(a_fault_whose_supervisor_drops_it) {
    enum { RECEIVES_AGAIN, CLOSES_THE_REPLY, CLOSES_THE_ENDPOINT, EXITS, WAYS };
    for (int way = 0; way < WAYS; way++) {
        set_scene();
        supervise();
        REQUIRE(host_run(scene.w0));
        host_fault(1);
        if (way != CLOSES_THE_ENDPOINT) {
            boss_receives(DEADLINE_NEVER);
        }
        REQUIRE(host_run(scene.b));
        const uint64_t self = host_give(scene.boss, &scene.b->object, ALL, 0);
        if (way == RECEIVES_AGAIN) {
            boss_receives(DEADLINE_POLL);
        } else if (way == CLOSES_THE_REPLY) {
            CHECK(status_ok(HOST_METHOD(self, THREAD_SAVE_REPLY)));
            CHECK(status_ok(HOST_METHOD(scene.boss_handle, PROCESS_HANDLE_CLOSE, host_user.words[0])));
        } else if (way == CLOSES_THE_ENDPOINT) {
            CHECK(status_ok(HOST_METHOD(scene.boss_handle, PROCESS_HANDLE_CLOSE, scene.endpoint_handle)));
        } else {
            (void)HOST_METHOD(scene.boss_handle, PROCESS_EXIT);
        }
        if (host_user.thread == nullptr) {
            host_wake();
        }
        host_settle();
        CHECK_EQ(scene.work->state, PROCESS_ENDED);
        CHECK_EQ(scene.work->record.kind, EXIT_FAULT);
        clear_scene();
    }
}

// A process that is its own supervisor ends itself while it answers.
TEST(a_process_that_judges_its_own_fault) {
    set_scene();
    uint64_t handle;
    host_endpoint(scene.work, ALL, &handle);
    const uint64_t own = host_give(scene.work, &scene.work->object, ALL, 0);
    REQUIRE(host_run(scene.w1));
    CHECK(status_ok(HOST_METHOD(own, PROCESS_SET_FAULT_ENDPOINT, handle)));
    host_syscall(SYS_RECV, handle, 0, DEADLINE_NEVER, NO_WORDS);
    REQUIRE(host_run(scene.w0));
    host_fault(1);
    REQUIRE(host_run(scene.w1));
    host_syscall(SYS_REPLY_RECV, handle, 1, DEADLINE_NEVER, WORDS(1));
    CHECK_EQ(host_user.thread, scene.b);
    host_settle();
    CHECK_EQ(scene.work->state, PROCESS_ENDED);
    clear_scene();
}
