// The kernel that the room's tests play, and their service.
#include "lib/rpc/play.h"

#include <stdlib.h>

#include "abi/gen/abi.h"
#include "lib/rpc/promise.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"
#include "lib/tess/thread.h"

// ---- The machine ----

struct play play;
static struct tess_thread_block thread_block = {.message_page = play.page};
static const struct bootstrap bootstrap = {.process = 1, .vspace = 2, .account = 3};
const struct bootstrap *tess_bootstrap = &bootstrap;

static bool run_ring(void);

handle_t opened(uint32_t number) {
    play.open[number] = true;
    return (handle_t){number};
}

unsigned open_handles(void) {
    unsigned count = 0;
    for (uint32_t i = 0; i < HANDLES; i++) {
        count += play.open[i];
    }
    return count;
}

// What a moved or a copied handle becomes: here the same number, still open.
static status_t receive(struct tess_message *message, uint64_t badge) {
    if (play.answered || play.request.info == 0) {
        return STATUS_TIMED_OUT;
    }
    *message = play.request;
    message->badge = badge;
    return STATUS_OK;
}

// As the kernel does: an answer with a handle that is not there goes nowhere.
static bool handles_are_open(const struct tess_message *message) {
    bool all = true;
    for (uint32_t i = 0; i < message_handle_count(message->info); i++) {
        all = all && play.open[tess_message_handle(message, i).v];
    }
    return all;
}

// The answer of a service that has never heard of such a message.
static void answer_as_of_old(void) {
    play.answer = (struct tess_message){.info = RPC_UNIMPLEMENTED};
    play.request.info = 0;
    play.answered = true;
}

// Whether a message to this handle gets to the service, which else dies of it.
static bool arrives(handle_t target) {
    play.targets[play.messages % RPC_RING_CALLS] = target;
    if (play.dying > 0) {
        play.dying--;
        return false;
    }
    play.messages++;
    return true;
}

// The service gets what is in play.request, with its page, and answers, or puts that off.
static void exchange(void) {
    play.label = message_label(play.request.info);
    play.request.info = (play.request.info & ~MESSAGE_ACCEPT_MASK) | MESSAGE_WANTS_REPLY;
    play.answered = false;
    if (play.is_old && rpc_is_chain(play.label)) {
        answer_as_of_old();
    } else {
        serve();
    }
    if (play.answered && play.tamper != nullptr) {
        play.tamper(&play.answer);
    }
}

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    switch (number) {
    case SYS_CALL:
        play.calls++;
        if (!arrives(handle)) {
            memset(message->words, 0xee, sizeof(message->words)); // "undefined after a failure"
            return STATUS_PEER_DIED;
        }
        play.asked = play.request = *message;
        exchange();
        if (!play.answered) {
            memset(message->words, 0xee, sizeof(message->words));
            return STATUS_TIMED_OUT;
        }
        *message = play.answer;
        message->info &= ~MESSAGE_ACCEPT_MASK;
        return STATUS_OK;
    case SYS_RING_ENTER: return run_ring() || deadline_ns == DEADLINE_POLL ? STATUS_OK : STATUS_TIMED_OUT;
    case SYS_SEND:
        if (handle.v == play.reply.v && play.reply.v != 0) {
            play.answer = *message;
            play.answered = true;
            play.open[play.reply.v] = false;
            return STATUS_OK;
        }
        play.sends++;
        play.request = *message;
        play.answered = false;
        serve();
        return STATUS_OK;
    case SYS_REPLY_RECV:
        if (!status_ok(play.answer_status)) {
            const status_t status = play.answer_status;
            play.answer_status = STATUS_OK;
            return status;
        }
        if (!handles_are_open(message)) {
            return STATUS_BAD_HANDLE;
        }
        play.answer = *message;
        play.answered = true;
        play.only_answered = handle.v == 0;
        if (play.only_answered || play.queued.info == 0) {
            return play.only_answered ? STATUS_OK : STATUS_TIMED_OUT;
        }
        *message = play.queued;
        play.queued.info = 0;
        return STATUS_OK;
    default: return receive(message, 77);
    }
}

// ---- The ring: entries are taken in their order, and each is finished before the next ----

alignas(4096) static uint8_t ring_memory[32 * MESSAGE_PAGE_BYTES];
static struct tess_message ring_answers[RPC_RING_CALLS]; // by submission index, modulo
static bool ring_succeeded[RPC_RING_CALLS];

static void lay_out_ring(uint32_t entries, uint32_t pages) {
    struct ring_header *header = (struct ring_header *)ring_memory;
    memset(ring_memory, 0, sizeof(ring_memory));
    header->entries = entries;
    header->pages = pages;
    header->entries_offset = RING_HEADER_BYTES;
    header->completions_offset = header->entries_offset + entries * (uint32_t)sizeof(struct ring_entry);
    header->buffers_offset = header->completions_offset + 2 * entries * (uint32_t)sizeof(struct ring_completion);
    header->pages_offset = 2 * MESSAGE_PAGE_BYTES;
    REQUIRE(header->buffers_offset + entries * sizeof(struct ring_buffer) <= header->pages_offset);
    memset(ring_succeeded, 0, sizeof(ring_succeeded));
    play.cancels = play.messages = play.entries = 0;
}

// A call of the entry: its message comes out of the ring's memory, and the answer goes there.
static struct ring_completion ring_call(const struct ring_entry *entry, uint32_t number) {
    const struct ring_header *header = (const struct ring_header *)ring_memory;
    uint64_t *words = ((struct ring_buffer *)(ring_memory + header->buffers_offset))[entry->buffer - 1].words;
    uint8_t *its_page = ring_memory + header->pages_offset + (entry->buffer - 1) * (size_t)MESSAGE_PAGE_BYTES;
    struct ring_completion done = {.user_data = entry->user_data};
    handle_t target = {entry->target};
    if ((entry->flags & RING_EARLIER) != 0) {
        const uint32_t earlier = entry->target % RPC_RING_CALLS;
        target = ring_succeeded[earlier] ? message_handle(ring_answers[earlier].words, ring_answers[earlier].info, entry->index)
                                         : (handle_t){};
        if (target.v == 0) {
            done.status = STATUS_PROMISE_BROKEN.code;
            return done;
        }
    }
    if (!arrives(target)) {
        done.status = STATUS_PEER_DIED.code;
        return done;
    }
    play.request.info = entry->info;
    memcpy(play.request.words, words, sizeof(play.request.words));
    memcpy(play.page, its_page, message_page_bytes(entry->info));
    exchange();
    CHECK(play.answered || play.deferred.reply.v != 0);
    memcpy(words, play.answer.words, sizeof(play.answer.words));
    memcpy(its_page, play.page, message_page_bytes(play.answer.info));
    done.info = play.answer.info & ~MESSAGE_ACCEPT_MASK;
    ring_answers[number % RPC_RING_CALLS] = play.answer;
    ring_succeeded[number % RPC_RING_CALLS] = message_label(play.answer.info) == 0;
    return done;
}

// Whether there is any completion to be read.
static bool run_ring(void) {
    struct ring_header *header = (struct ring_header *)ring_memory;
    struct ring_completion *completions = (struct ring_completion *)(ring_memory + header->completions_offset);
    while (header->submission_head != header->submission_tail) {
        const uint32_t number = header->submission_head++;
        const struct ring_entry *entry =
            &((struct ring_entry *)(ring_memory + header->entries_offset))[number % header->entries];
        struct ring_completion done = {.user_data = entry->user_data, .status = STATUS_NOT_FOUND.code};
        if (entry->op == RING_CALL) {
            play.entries++;
            done = ring_call(entry, number);
            if (!play.answered && !status_is((status_t){done.status}, STATUS_PEER_DIED) && play.deferred.reply.v != 0) {
                continue; // it is put off
            }
        } else if (play.enter != nullptr && !play.enter(entry, &done)) {
            continue;
        } else {
            play.cancels += entry->op == RING_CANCEL;
        }
        completions[header->completion_tail++ % (2 * header->entries)] = done;
    }
    return header->completion_tail != header->completion_head;
}

static status_t handle_info(uint64_t words[MESSAGE_WORDS]) {
    const uint64_t number = words[0];
    if (number == play.server.endpoint.v) {
        words[4] = 500;
        return STATUS_OK;
    }
    if (number >= HANDLES || !play.open[number]) {
        return STATUS_BAD_HANDLE;
    }
    words[0] = OBJECT_ENDPOINT;
    words[1] = play.leads[number].rights;
    words[2] = play.leads[number].badge;
    words[4] = play.leads[number].here ? 500 : 501;
    return STATUS_OK;
}

static status_t handle_mint(uint64_t words[MESSAGE_WORDS]) {
    CHECK_EQ(words[0], play.server.endpoint.v);
    CHECK_EQ(words[3], INTERFACE);
    TRY(play.mint_status);
    const uint32_t made = opened(60 + play.minted++).v;
    play.leads[made].here = true;
    play.leads[made].rights = (uint32_t)words[1];
    play.leads[made].badge = words[2];
    words[0] = made;
    return STATUS_OK;
}

status_t tess_invoke(handle_t object, uint64_t header, uint64_t words[MESSAGE_WORDS]) {
    const uint32_t method = message_label(header);
    const uint32_t index = object.v - VMO_FIRST;
    if (object.v == bootstrap.process && method == PROCESS_HANDLE_INFO) {
        return handle_info(words);
    }
    if (object.v == bootstrap.process && method == PROCESS_HANDLE_MINT) {
        return handle_mint(words);
    }
    if (object.v == bootstrap.account && method == ACCOUNT_CREATE_RING) {
        lay_out_ring((uint32_t)words[0], (uint32_t)words[2]);
        words[1] = (uint64_t)(uintptr_t)ring_memory;
        words[6] = opened(160).v;
        return STATUS_OK;
    }
    if (object.v == bootstrap.account && method == ACCOUNT_CREATE_RESIZABLE_VMO) {
        for (uint32_t i = 0; i < VMOS; i++) {
            if (!play.open[VMO_FIRST + i]) {
                free(play.vmos[i].memory);
                play.vmos[i].memory = aligned_alloc(4096, words[0]);
                play.vmos[i].len_bytes = play.vmos[i].committed_bytes = words[0];
                play.vmos[i].mapped = play.vmos[i].foreign_writer = false;
                memset(play.vmos[i].memory, 0, words[0]);
                words[6] = opened(VMO_FIRST + i).v;
                return STATUS_OK;
            }
        }
        return STATUS_NO_MEMORY;
    }
    if (object.v == bootstrap.vspace && method == VSPACE_MAP) {
        play.vmos[words[0] - VMO_FIRST].mapped = true;
        words[0] = (uint64_t)(uintptr_t)play.vmos[words[0] - VMO_FIRST].memory;
        return STATUS_OK;
    }
    if (object.v == bootstrap.vspace && method == VSPACE_UNMAP) {
        for (uint32_t i = 0; i < VMOS; i++) {
            play.vmos[i].mapped &= (uint64_t)(uintptr_t)play.vmos[i].memory != words[0];
        }
        return STATUS_OK;
    }
    if (index < VMOS && method == VMO_RESIZE) {
        play.vmos[index].len_bytes = play.vmos[index].committed_bytes = words[0];
        return STATUS_OK;
    }
    if (index < VMOS && method == VMO_SEAL) {
        return play.vmos[index].foreign_writer ? STATUS_IN_USE : STATUS_OK;
    }
    if (index < VMOS && method == VMO_INFO) {
        words[0] = play.vmos[index].len_bytes;
        words[1] = play.vmos[index].committed_bytes;
        return STATUS_OK;
    }
    return STATUS_WRONG_TYPE;
}

struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}
uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return delay_ms;
}
uint64_t tess_now_ns(void) {
    return play.now_ns;
}
void tess_close(handle_t handle) {
    play.stale += handle.v != 0 && !play.open[handle.v];
    play.open[handle.v] = false;
}
status_t tess_save_reply(handle_t *out) {
    *out = play.reply = opened(150);
    return STATUS_OK;
}

// ---- The service ----

static constexpr rights_t LENT = {RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT};

// One that leads to the service, under a badge of its own.
static handle_t lent_handle(void) {
    const handle_t handle = opened(60 + play.lent++);
    play.leads[handle.v].here = !play.gives_elsewhere;
    play.leads[handle.v].badge = 1000 + play.lent;
    play.leads[handle.v].rights = LENT.v;
    return handle;
}

static void lend_to(struct rpc_request *of, struct capnp_struct_builder results) {
    if (play.gives_twice) {
        capnp_give_handle(capnp_edit_pointer(results, 1), opened(59));
    }
    if (play.mints) {
        rpc_mint(of, capnp_edit_pointer(results, 1), (struct rpc_mint){1000 + ++play.lent, INTERFACE, LENT});
    } else {
        capnp_give_handle(capnp_edit_pointer(results, 1), lent_handle());
    }
}

status_t dispatch(struct rpc_request *of) {
    if (of->interface_id != INTERFACE) {
        return rpc_unimplemented(of);
    }
    struct capnp_struct params = rpc_params(of);
    struct capnp_struct_builder results;
    switch (rpc_ordinal(of)) {
    case 0:
        results = rpc_results(of, &add);
        play.adds++;
        play.badges += of->badge;
        if (capnp_get_u64(params, 0) == 13) {
            return rpc_refuse(of, RPC_FAILED, "%u is not lucky", 13);
        }
        capnp_put_u64(results, 0, capnp_get_u64(params, 0) + capnp_get_u64(params, 8));
        return STATUS_OK;
    case 1:
        results = rpc_results(of, &lend);
        CHECK_EQ(capnp_handle_at(capnp_get_pointer(params, 1)).v, 0);
        play.kept = rpc_request_keep(of, capnp_handle_at(capnp_get_pointer(params, 2)));
        lend_to(of, results);
        if (capnp_get_u64(params, 0) == 13) {
            return rpc_refuse(of, RPC_FAILED, "%u is not lucky", 13);
        }
        return STATUS_OK;
    case 2:
        results = rpc_results(of, &echo);
        capnp_put_u64(results, 0, capnp_get_u64(params, 0));
        capnp_set_text(capnp_edit_pointer(results, 0), capnp_text_at(capnp_get_pointer(params, 0)));
        capnp_set_data(capnp_edit_pointer(results, 1), capnp_data_at(capnp_get_pointer(params, 1)));
        return STATUS_OK;
    case 4:
        results = rpc_results(of, &tell);
        capnp_set_text(capnp_edit_pointer(results, 0), CAPNP_TEXT("as it was"));
        memset(play.page, 0xee, sizeof(play.page)); // as a call of the method's own would
        return STATUS_OK;
    case 3: rpc_results(of, &later); return rpc_defer(of, &play.deferred);
    case 5:
        results = rpc_results(of, &pass);
        capnp_set_handle(capnp_edit_pointer(results, 0), capnp_handle_at(capnp_get_pointer(params, 0)));
        if (capnp_get_u64(params, 0) != 0) {
            tess_close(rpc_request_keep(of, capnp_handle_at(capnp_get_pointer(params, 0))));
        }
        return STATUS_OK;
    case 6: rpc_results(of, &silent); return STATUS_NO_MEMORY;
    case 7: rpc_results(of, &once); return STATUS_OK;
    case 8:
        results = rpc_results(of, &lend_text);
        capnp_set_text(capnp_edit_pointer(results, 0), CAPNP_TEXT("here it is"));
        lend_to(of, results);
        return STATUS_OK;
    default: return rpc_unimplemented(of);
    }
}

void serve(void) {
    for (unsigned arrivals = 0; rpc_server_next(&play.server, DEADLINE_NEVER) == RPC_REQUEST; arrivals++) {
        REQUIRE(arrivals == 0 || play.server.request.chained);
        play.request.info = 0;
        rpc_server_done(&play.server, dispatch(&play.server.request));
        if (play.at_once && play.server.request.stage != RPC_CHAIN_REQUEST) {
            CHECK(!play.answered);
            rpc_server_answer(&play.server);
            CHECK(play.answered);
            rpc_server_answer(&play.server); // nothing is owed any more
        }
    }
}

void begin(void) {
    rpc_server_init(&play.server, (handle_t){5}, MESSAGE_HANDLES);
    play.server.request.may_grow = true;
    memset(play.open, 0, sizeof(play.open));
    play.calls = play.dying = play.sends = 0;
    play.answer_status = STATUS_OK;
    play.answered = play.at_once = false;
    play.lent = play.adds = 0;
    play.badges = 0;
    play.is_old = play.gives_elsewhere = play.mints = false;
    play.minted = play.stale = 0;
    play.mint_status = STATUS_OK;
    play.tamper = nullptr;
    play.deferred = (struct rpc_deferred){};
    play.now_ns = 0;
    play.request = play.answer = play.queued = (struct tess_message){};
    play.kept = play.reply = (handle_t){};
}

bool all_unmapped(void) {
    for (uint32_t i = 0; i < VMOS; i++) {
        if (play.vmos[i].mapped) {
            return false;
        }
    }
    return true;
}

// ---- Clients ----

status_t call_add(struct rpc_call *call, uint64_t a, uint64_t b, uint64_t *sum) {
    struct capnp_struct results;
    struct capnp_struct_builder params = rpc_begin(call, (handle_t){9}, &add);
    capnp_put_u64(params, 0, a);
    capnp_put_u64(params, 8, b);
    TRY(rpc_finish(call, DEADLINE_NEVER, &results));
    *sum = capnp_get_u64(results, 0);
    return STATUS_OK;
}

struct rpc_promise submit_of(struct rpc_ring *ring, const struct rpc_method *method, struct rpc_target target, uint64_t a, uint64_t b) {
    struct rpc_promise promise;
    struct capnp_struct_builder params = rpc_submit_begin(ring, method, &promise);
    capnp_put_u64(params, 0, a);
    capnp_put_u64(params, 8, b);
    rpc_submit(ring, &promise, target);
    return promise;
}

status_t stub_of(const struct rpc_method *method, struct rpc_call *call, uint64_t a, uint64_t b, struct capnp_struct *results) {
    struct tess_message message = {};
    struct capnp_struct_builder params = rpc_plain_params(&message, method);
    capnp_put_u64(params, 0, a);
    capnp_put_u64(params, 8, b);
    return rpc_call_plain(call, (handle_t){9}, method, message, DEADLINE_NEVER, results);
}

status_t stub_add(struct rpc_call *call, uint64_t a, uint64_t b, uint64_t *sum) {
    struct capnp_struct results;
    TRY(stub_of(&add, call, a, b, &results));
    *sum = capnp_get_u64(results, 0);
    return STATUS_OK;
}

status_t call_echo(struct rpc_call *call, uint64_t number, const char *text, struct capnp_data data,
                          struct capnp_struct *results) {
    struct capnp_struct_builder params = rpc_begin(call, (handle_t){9}, &echo);
    capnp_put_u64(params, 0, number);
    capnp_set_text(capnp_edit_pointer(params, 0), capnp_text(text));
    capnp_set_data(capnp_edit_pointer(params, 1), data);
    return rpc_finish(call, DEADLINE_NEVER, results);
}
