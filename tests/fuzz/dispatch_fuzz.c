// Requests of any form, one after the other, to services of all contracts that read all there is in them and answer in
// every way (readers.py). The fuzzer is the sender and plays the kernel.
//
// Each request that wants an answer gets one, once, which is well-formed; nothing outside a request is read, and no more
// of it than the traversal limit allows; handles and mappings are all given up; and the service goes on.
#include <sanitizer/asan_interface.h>
#include <stdlib.h>
#include <string.h>

#include "abi/gen/abi.h"
#include "abi/bootstrap.h"
#include "lib/capnp/copy.h"
#include "lib/rpc/chain.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/handle.h"
#include "lib/tess/syscall.h"
#include "lib/tess/thread.h"
#include "tests/fuzz/dispatch_fuzz.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

#define REQUIRE(held) \
    do { \
        if (!(held)) \
            abort(); \
    } while (0)

// ---- the input ----

static const uint8_t *input;
static size_t input_left;

static void take(void *to, size_t bytes) {
    const size_t some = bytes < input_left ? bytes : input_left;
    memcpy(to, input, some);
    memset((uint8_t *)to + some, 0, bytes - some);
    input += some;
    input_left -= some;
}

// What the input says of one request, beside its bytes.
struct recipe {
    uint8_t interface;   // of the table, modulo
    uint8_t method;      // among those that it has, modulo
    uint8_t form;        // bits 0..2: words in registers, 3..6: capabilities, 7: out of band
    uint8_t flags;       // enum
    uint8_t handles;
    uint8_t vmo;         // enum
    uint8_t delivery;    // what the answer comes to: `deliveries`, modulo
    uint8_t behaviour;   // of the method: enum
    uint16_t page_bytes; // modulo
    uint16_t far_words;  // out of band, modulo
};
enum : uint8_t { OTHER_INTERFACE = 1, OTHER_METHOD = 2, OTHER_LABEL = 4, IS_SENT = 8, HAS_SHAPE = 16, HAS_POINTERS = 32, ODD_PAGE = 64, IS_CHAIN = 128 };
enum : uint8_t { VMO_IS_NONE = 1, VMO_IS_WRITTEN = 2, VMO_HAS_HOLES = 4, VMO_IS_SHORT = 8, VMO_CANNOT_BE_MAPPED = 16, VMO_LENGTH_IS_ANY = 32 };
enum : uint8_t { KEEPS = 1, REFUSES = 2, PUTS_OFF = 4, FILLS = 8, COPIES = 16, MAY_GROW = 32, PASSES_A_STATUS = 64, ANSWERS_AT_ONCE = 128 };

static struct recipe recipe;

// ---- the machine ----

alignas(4096) static uint8_t page[MESSAGE_PAGE_BYTES];
static struct tess_thread_block thread_block = {.message_page = page};
static const struct bootstrap bootstrap = {.process = 1, .vspace = 2, .account = 3};
const struct bootstrap *tess_bootstrap = &bootstrap;

constexpr uint32_t HANDLES = 256, FIRST = 16, REPLY = 8, MADE = 128;
constexpr uint64_t MINTED_ID = 0x9d1e'60b7'42ca'f385;
static uint32_t made; // handles, by the methods of one request
static bool open_handles[HANDLES];
static uint32_t sent_vmo; // the handle of what came out of band; 0: none
static uint64_t vmo_bytes;
static void *vmo_memory; // of exactly the bytes that were sent
static bool vmo_mapped;
static uint32_t grown_vmo; // of results
static void *grown_memory;

static const handle_t server_endpoint = {5};
static struct tess_message arriving, answer;
static bool arrives, answered;

static handle_t opened(uint32_t number) {
    REQUIRE(number < HANDLES && !open_handles[number]);
    open_handles[number] = true;
    return (handle_t){number};
}

void tess_close(handle_t handle) {
    if (handle.v != 0) {
        REQUIRE(handle.v < HANDLES && open_handles[handle.v]); // closed once, by whoever owns it
        open_handles[handle.v] = false;
    }
}

static status_t deliver(const struct tess_message *message) {
    static const status_t deliveries[] = {STATUS_OK, STATUS_NO_CALLER, STATUS_TOO_LARGE, STATUS_NO_HANDLES, STATUS_NO_MEMORY};
    status_t status = deliveries[recipe.delivery % 8 < 5 ? recipe.delivery % 8 : 0];
    REQUIRE(!answered);
    recipe.delivery = 0; // what takes its place gets there
    for (uint32_t i = 0; status_ok(status) && i < message_handle_count(message->info); i++) {
        const handle_t given = tess_message_handle(message, i);
        REQUIRE(given.v != 0 && given.v < HANDLES);
        if (!open_handles[given.v]) { // the method has closed it, or there was none under that number
            status = STATUS_BAD_HANDLE;
        }
    }
    answered = status_ok(status) || status_is(status, STATUS_NO_CALLER);
    answer = *message;
    for (uint32_t i = 0; status_ok(status) && i < message_handle_count(message->info); i++) {
        const handle_t given = tess_message_handle(message, i);
        if ((message_move_mask(message->info) >> i & 1) != 0) {
            open_handles[given.v] = false;
        }
    }
    return status;
}

status_t tess_host_syscall(uint32_t number, handle_t handle, struct tess_message *message, uint64_t deadline_ns) {
    (void)deadline_ns;
    switch (number) {
    case SYS_REPLY_RECV: {
        const status_t status = deliver(message);
        if (!status_ok(status) || handle.v == 0) {
            return status;
        }
        break;
    }
    case SYS_SEND: {
        REQUIRE(handle.v == REPLY);
        const status_t status = deliver(message);
        answered = true; // or there will be none: the reply handle is closed, which the caller is told
        if (status_ok(status)) {
            tess_close(handle);
        }
        return status;
    }
    case SYS_RECV: break;
    default: abort();
    }
    if (!arrives) {
        return STATUS_TIMED_OUT;
    }
    arrives = false;
    *message = arriving;
    return STATUS_OK;
}

static status_t make_vmo(uint64_t words[MESSAGE_WORDS]) {
    if (grown_vmo != 0) {
        return STATUS_NO_MEMORY;
    }
    free(grown_memory);
    grown_memory = calloc(1, words[0]);
    grown_vmo = FIRST + 100;
    words[0] = opened(grown_vmo).v;
    return STATUS_OK;
}

static status_t map(uint64_t words[MESSAGE_WORDS]) {
    if (words[0] == grown_vmo) {
        words[0] = (uint64_t)(uintptr_t)grown_memory;
        return STATUS_OK;
    }
    REQUIRE(words[0] == sent_vmo && !vmo_mapped);
    if ((recipe.vmo & VMO_CANNOT_BE_MAPPED) != 0) {
        return STATUS_NO_MEMORY;
    }
    vmo_mapped = true;
    words[0] = (uint64_t)(uintptr_t)vmo_memory;
    return STATUS_OK;
}

// Handles that methods make lead to the service itself, every other one.
static status_t handle_info(uint64_t words[MESSAGE_WORDS]) {
    const uint64_t handle = words[0];
    REQUIRE(handle == server_endpoint.v || (handle < HANDLES && open_handles[handle]));
    words[0] = OBJECT_ENDPOINT;
    words[1] = RIGHT_SEND_BIT | RIGHT_TRANSFER_BIT;
    words[2] = handle;
    words[4] = handle == server_endpoint.v || handle % 2 == 0 ? 1 : 2;
    return STATUS_OK;
}

static status_t handle_mint(uint64_t words[MESSAGE_WORDS]) {
    REQUIRE(words[0] == server_endpoint.v && words[3] == MINTED_ID);
    if ((recipe.vmo & VMO_CANNOT_BE_MAPPED) != 0) {
        return STATUS_NO_MEMORY;
    }
    words[0] = opened(MADE + made++).v;
    return STATUS_OK;
}

status_t tess_invoke(handle_t object, uint64_t method, uint64_t words[MESSAGE_WORDS]) {
    if (object.v == bootstrap.process && method == PROCESS_HANDLE_INFO) {
        return handle_info(words);
    }
    if (object.v == bootstrap.process && method == PROCESS_HANDLE_MINT) {
        return handle_mint(words);
    }
    if (object.v == bootstrap.account && method == ACCOUNT_CREATE_RESIZABLE_VMO) {
        return make_vmo(words);
    }
    if (object.v == bootstrap.vspace && method == VSPACE_MAP) {
        return map(words);
    }
    if (object.v == bootstrap.vspace && method == VSPACE_UNMAP) {
        vmo_mapped &= words[0] != (uint64_t)(uintptr_t)vmo_memory;
        return STATUS_OK;
    }
    if (object.v == grown_vmo && method == VMO_RESIZE) {
        return STATUS_OK;
    }
    if (object.v != sent_vmo || object.v == 0 || (recipe.vmo & VMO_IS_NONE) != 0) {
        return STATUS_WRONG_TYPE;
    }
    if (method == VMO_SEAL) {
        return (recipe.vmo & VMO_IS_WRITTEN) != 0 ? STATUS_IN_USE : STATUS_OK;
    }
    REQUIRE(method == VMO_INFO);
    words[0] = vmo_bytes - ((recipe.vmo & VMO_IS_SHORT) != 0 ? PAGE_BYTES : 0);
    words[1] = (recipe.vmo & VMO_HAS_HOLES) != 0 ? 0 : words[0];
    return STATUS_OK;
}

status_t tess_save_reply(handle_t *out) {
    *out = opened(REPLY);
    return STATUS_OK;
}
struct tess_thread_block *tess_arch_thread_block(void) {
    return &thread_block;
}
uint64_t tess_deadline_after_ms(uint64_t delay_ms) {
    return delay_ms;
}
uint64_t tess_now_ns(void) {
    return 0;
}

// ---- what methods do ----

static uint64_t seen_bytes, sum;

static void see_bytes(const void *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        sum += ((const uint8_t *)bytes)[i];
    }
    seen_bytes += len;
}
void see_number(uint64_t number) {
    sum += number;
}
void see_text(struct capnp_text text) {
    REQUIRE(text.bytes[text.len] == '\0');
    see_bytes(text.bytes, text.len);
}
void see_data(struct capnp_data data) {
    see_bytes(data.bytes, data.len);
}
void see_handle(handle_t handle) {
    REQUIRE(handle.v == 0 || open_handles[handle.v]);
}
void see_struct(struct capnp_struct s) {
    if (s.data != nullptr) { // or it is one of all defaults
        see_bytes(s.data, s.data_bytes + s.pointers * CAPNP_WORD_BYTES);
    }
}
void see_list(struct capnp_list list) {
    seen_bytes += list.step_bytes == 0 && list.element != CAPNP_BITS ? list.count : 0;
}
void see_pointer(struct capnp_pointer pointer) {
    see_struct(capnp_struct_at(pointer));
}

static struct rpc_server server;
static struct rpc_deferred deferred;

status_t fuzz_answer(struct rpc_request *request, struct capnp_struct params, struct capnp_struct_builder results) {
    for (uint32_t i = 0; (recipe.behaviour & FILLS) != 0 && i < results.data_words; i++) {
        capnp_put_u64(results, i * 8, sum + i);
    }
    for (uint32_t i = 0; (recipe.behaviour & COPIES) != 0 && i < results.pointers; i++) {
        capnp_set_pointer(capnp_edit_pointer(results, i), capnp_get_pointer(params, i));
    }
    for (uint32_t i = 0; request->chained && (recipe.behaviour & COPIES) != 0 && i < results.pointers && i < 2; i++) {
        capnp_give_handle(capnp_edit_pointer(results, i), opened(MADE + made++));
    }
    for (uint32_t i = 0; i < results.pointers && i < 2; i++) {
        if ((recipe.form >> i & 1) != 0) { // in place of what is there, as the case may be
            const rights_t rights = {RIGHT_SEND_BIT | ((recipe.form & 4) != 0 ? RIGHT_TRANSFER_BIT : 0)};
            rpc_mint(request, capnp_edit_pointer(results, i), (struct rpc_mint){sum, MINTED_ID, rights});
        }
    }
    if ((recipe.behaviour & REFUSES) != 0) {
        return rpc_refuse(request, RPC_OVERLOADED, "%llu is too much", (unsigned long long)sum);
    }
    if ((recipe.behaviour & PASSES_A_STATUS) != 0) {
        return (status_t){(uint32_t)sum}; // any at all
    }
    if ((recipe.behaviour & KEEPS) != 0) {
        const status_t status = rpc_well_formed(request);
        if (!status_ok(status)) {
            return status;
        }
        for (uint32_t i = 0; i < params.pointers; i++) {
            tess_close(rpc_request_keep(request, capnp_handle_at(capnp_get_pointer(params, i))));
        }
    }
    return (recipe.behaviour & PUTS_OFF) != 0 ? rpc_defer(request, &deferred) : STATUS_OK;
}

// ---- requests ----

// The root, and the pointers of its struct, from a few bytes each instead of eight.
static void shape_page(const struct rpc_method *method, uint32_t page_words) {
    uint64_t *words = (uint64_t *)(void *)page;
    if (page_words == 0 || (recipe.flags & HAS_SHAPE) == 0) {
        return;
    }
    words[0] = (uint64_t)method->params.data_words << 32 | (uint64_t)method->params.pointers << 48;
    for (uint32_t i = 0; (recipe.flags & HAS_POINTERS) != 0 && i < method->params.pointers; i++) {
        struct {
            uint8_t kind;
            int8_t offset;
            uint16_t count;
        } in;
        const uint32_t at = 1u + method->params.data_words + i;
        take(&in, sizeof in);
        if (at >= page_words) {
            return;
        }
        const uint32_t kind = in.kind & 3;
        if (kind == CAPNP_KIND_OTHER) {
            words[at] = CAPNP_KIND_OTHER | (uint64_t)(in.count & 7) << 32;
        } else if (kind == CAPNP_KIND_FAR) {
            words[at] = CAPNP_KIND_FAR | (in.kind & 4) | (uint64_t)(uint8_t)in.offset << 3 | (uint64_t)(in.count & 1) << 32;
        } else {
            words[at] = kind | (uint32_t)in.offset << 2 |
                        (kind == CAPNP_KIND_LIST ? (uint64_t)(in.kind >> 2 & 7) << 32 | (uint64_t)in.count << 35
                                                 : (uint64_t)in.count << 32);
        }
    }
}

// Several calls together; each of them may read all.
static uint64_t compose_chain(const struct fuzz_interface *interface) {
    const uint32_t count = recipe.handles % (RPC_CHAIN_CALLS + 2), params_bytes = recipe.page_bytes % (RPC_CHAIN_BYTES + 64) & ~7u;
    struct rpc_chain_call calls[RPC_CHAIN_CALLS + 1];
    take(page, params_bytes);
    for (uint32_t i = 0; i < count; i++) {
        struct {
            uint8_t method, words, at, len, through, odd;
        } in;
        take(&in, sizeof in);
        const struct rpc_method *method = interface->methods[in.method % interface->method_count];
        calls[i] = (struct rpc_chain_call){
            .interface_id = method->interface_id,
            .label = RPC_CONTRACT | method->ordinal | (in.words & 7u) << RPC_WORDS_SHIFT | (in.odd > 250 ? 1u << (in.odd % 32) : 0),
            .params_at = in.at,
            .params_words = (in.words & 7) != 0 ? in.words & 7 : in.len,
            .through = in.through % 5,
            .keep = (in.through & 128) != 0,
        };
    }
    memcpy(page + params_bytes, calls, count * sizeof calls[0]);
    const uint32_t bytes = params_bytes + count * (uint32_t)sizeof calls[0] + ((recipe.flags & ODD_PAGE) != 0 ? 1 : 0);
    memset(&arriving, 0, sizeof arriving);
    arriving.info = message_info(RPC_CONTRACT | RPC_CHAIN | count, bytes, 0, 0) | ((recipe.flags & IS_SENT) != 0 ? 0 : MESSAGE_WANTS_REPLY);
    return RPC_CHAIN_CALLS * (RPC_CHAIN_BYTES / 8 * CAPNP_TRAVERSAL_FACTOR + CAPNP_TRAVERSAL_WORDS) * CAPNP_WORD_BYTES;
}

// Puts together what arrives; returns how much of it may be read, in bytes.
static uint64_t compose(const struct rpc_method *method) {
    uint32_t label = RPC_CONTRACT | method->ordinal | (recipe.form & 7u) << RPC_WORDS_SHIFT |
                     (recipe.form >> 3 & 15u) << RPC_CAPABILITIES_SHIFT;
    uint32_t handles = recipe.handles % (MESSAGE_HANDLES + 1);
    uint32_t page_bytes = recipe.page_bytes % (MESSAGE_PAGE_BYTES + 1);
    page_bytes &= (recipe.flags & ODD_PAGE) != 0 ? UINT32_MAX : ~7u;
    uint64_t words[MESSAGE_WORDS] = {method->interface_id};
    const bool is_far = (recipe.form & 128) != 0;
    take(&words[1], 5 * sizeof words[1]);
    if ((recipe.flags & OTHER_INTERFACE) != 0) {
        take(words, sizeof words[0]);
    }
    if ((recipe.flags & OTHER_METHOD) != 0) {
        label += (uint32_t)words[5] & RPC_ORDINAL;
    }
    if ((recipe.flags & OTHER_LABEL) != 0) {
        label ^= (uint32_t)words[4];
    }
    take(page, page_bytes);
    shape_page(method, page_bytes / 8);
    memset(&arriving, 0, sizeof arriving);
    for (uint32_t i = 0; i < handles; i++) {
        open_handles[FIRST + i] = true;
    }
    if (is_far) {
        label |= RPC_OUT_OF_BAND;
        const uint64_t far_bytes = (uint64_t)(recipe.far_words % 2048) * 8;
        vmo_memory = malloc(far_bytes);
        take(vmo_memory, far_bytes);
        vmo_bytes = (far_bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
        sent_vmo = handles > 0 ? FIRST + handles - 1 : 0;
        words[1] = (recipe.vmo & VMO_LENGTH_IS_ANY) != 0 && (words[1] + PAGE_BYTES - 1) / PAGE_BYTES != vmo_bytes / PAGE_BYTES
                       ? words[1]
                       : far_bytes;
    }
    arriving.info = message_info(label, page_bytes, handles, 0) | ((recipe.flags & IS_SENT) != 0 ? 0 : MESSAGE_WANTS_REPLY);
    memcpy(arriving.words, words, 6 * sizeof words[0]);
    for (uint32_t i = 0; i < handles; i++) {
        tess_message_set_handle(&arriving, i, (handle_t){FIRST + i});
    }
    const uint64_t all_words = page_bytes / 8 + (is_far ? words[1] / 8 : 0) + RPC_SMALL_WORDS;
    return (all_words * CAPNP_TRAVERSAL_FACTOR + CAPNP_TRAVERSAL_WORDS) * CAPNP_WORD_BYTES;
}

// The page behind the request is out of bounds while a method reads it.
static void serve(const struct fuzz_interface *interface) {
    while (rpc_server_next(&server, DEADLINE_NEVER) == RPC_REQUEST) {
        const uint32_t end = (message_page_bytes(arriving.info) + 7) & ~7u;
        ASAN_POISON_MEMORY_REGION(page + end, sizeof page - end);
        const status_t status = interface->dispatch(&server.request);
        ASAN_UNPOISON_MEMORY_REGION(page, sizeof page);
        rpc_server_done(&server, status);
        if ((recipe.behaviour & ANSWERS_AT_ONCE) != 0) {
            rpc_server_answer(&server);
        }
    }
}

static void check_answer(void) {
    const uint32_t label = message_label(answer.info);
    REQUIRE(answered);
    if ((answer.words[0] & RPC_CHAIN_ANSWERED) != 0) {
        const uint32_t last_bytes = answer.words[0] >> RPC_CHAIN_PAGE_SHIFT & 0x1fff;
        REQUIRE(label < RPC_EXCEPTION_END && last_bytes <= message_page_bytes(answer.info));
        REQUIRE((answer.words[0] >> RPC_CHAIN_MADE_SHIFT & 15) <= message_label(arriving.info) % 16);
        return;
    }
    REQUIRE(label < RPC_EXCEPTION_END && message_page_bytes(answer.info) <= MESSAGE_PAGE_BYTES);
    if (label != 0) {
        REQUIRE(message_handle_count(answer.info) == 0 && message_page_bytes(answer.info) < RPC_TEXT_BYTES);
        return;
    }
    if (message_page_bytes(answer.info) != 0) {
        static struct capnp_segment segments[2];
        struct capnp_message message;
        segments[0] = (struct capnp_segment){.words = (uint64_t *)(void *)page, .count = message_page_bytes(answer.info) / 8};
        segments[1] = (struct capnp_segment){.words = grown_memory, .count = (uint32_t)(answer.words[1] / 8)};
        capnp_message_init_segments(&message, segments, (answer.words[0] & RPC_OUT_OF_BAND) != 0 ? 2 : 1);
        (void)capnp_struct_at(capnp_root(&message));
        REQUIRE(status_ok(capnp_status(&message)));
    }
}

static void one_request(void) {
    take(&recipe, sizeof recipe);
    const struct fuzz_interface *interface = &fuzz_interfaces[recipe.interface % fuzz_interface_count];
    const struct rpc_method *method = interface->methods[recipe.method % interface->method_count];
    const uint64_t limit = (recipe.flags & IS_CHAIN) != 0 ? compose_chain(interface) : compose(method);
    made = 0;
    server.request.may_grow = (recipe.behaviour & MAY_GROW) != 0;
    arrives = true;
    answered = false;
    seen_bytes = 0;
    serve(interface);
    REQUIRE(seen_bytes <= limit);
    if (deferred.reply.v != 0) {
        static struct rpc_answer later;
        REQUIRE(!answered);
        (void)rpc_answer_begin(&later, &deferred);
        rpc_answer_send(&later);
    }
    if ((recipe.flags & IS_SENT) == 0) {
        check_answer();
    }
    REQUIRE(!vmo_mapped);
    if (grown_vmo != 0) {
        open_handles[grown_vmo] = false; // the receiver's
    }
    for (uint32_t i = 0; i < HANDLES; i++) {
        REQUIRE(!open_handles[i]);
    }
    free(vmo_memory);
    vmo_memory = nullptr;
    sent_vmo = grown_vmo = 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    input = data;
    input_left = len;
    deferred = (struct rpc_deferred){};
    rpc_server_init(&server, server_endpoint, MESSAGE_HANDLES);
    for (uint32_t requests = 0; requests < 8 && input_left > 0; requests++) {
        one_request();
    }
    // A proper one of nothing but zeros still gets to its method.
    input_left = 0;
    one_request();
    REQUIRE(message_label(answer.info) == 0);
    return 0;
}
