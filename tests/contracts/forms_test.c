// Requests that are none, whatever the method: they are refused before it is called.
#include "lib/rpc/chain.h"
#include "tests/contracts/hostile.h"

// ---- in registers ----

static void other_label(const struct attempt *at, const char *what, uint32_t flip, uint32_t label) {
    struct raw raw;
    raw_begin(&raw, at);
    raw.label ^= flip;
    expect(at, what, &raw, label);
}

static void try_labels(const struct attempt *at) {
    struct raw raw;
    raw_begin(&raw, at);
    raw.words[0] ^= 1;
    expect(at, "another interface", &raw, RPC_UNIMPLEMENTED);
    raw_begin(&raw, at);
    raw.label = RPC_CONTRACT | reflect_method_count(at->method.interface);
    expect(at, "the method after the last", &raw, RPC_UNIMPLEMENTED);
    other_label(at, "a method far beyond", RPC_ORDINAL & ~at->method.ordinal, RPC_UNIMPLEMENTED);
    other_label(at, "a kernel object's method", RPC_CONTRACT, RPC_UNIMPLEMENTED);
    raw_page(&raw, at);
    raw.label ^= RPC_CONTRACT;
    expect(at, "a kernel object's method, with a page", &raw, STATUS_CODE_BAD_ARGUMENT);
    for (uint32_t bit = 24; bit < 29; bit++) {
        other_label(at, "a reserved bit", 1u << bit, RPC_UNIMPLEMENTED);
    }
    other_label(at, "a chain of no calls", RPC_CHAIN, RPC_INVALID_ARGUMENT);
    other_label(at, "six words in registers", 6u << RPC_WORDS_SHIFT, RPC_INVALID_ARGUMENT);
    other_label(at, "seven words in registers", 7u << RPC_WORDS_SHIFT, RPC_INVALID_ARGUMENT);
    other_label(at, "a capability that is not there", 1u << RPC_CAPABILITIES_SHIFT, RPC_INVALID_ARGUMENT);
    other_label(at, "four that are not there", 15u << RPC_CAPABILITIES_SHIFT, RPC_INVALID_ARGUMENT);
    other_label(at, "out of band, and nothing there", RPC_OUT_OF_BAND, RPC_INVALID_ARGUMENT);
}

// The control facet's methods through the handle that everybody gets.
static void try_other_facet(const struct attempt *at) {
    if (at->control && at->method.interface == at->service->controls) {
        struct attempt plain = *at;
        struct raw raw;
        plain.control = false;
        raw_begin(&raw, &plain);
        expect(&plain, "through the handle for everybody", &raw, RPC_DENIED);
        raw_page(&raw, &plain);
        expect(&plain, "through the handle for everybody, in the page", &raw, RPC_DENIED);
    }
}

static void try_handles(const struct attempt *at) {
    struct raw raw;
    raw_begin(&raw, at);
    for (uint32_t count = 1; count <= MESSAGE_HANDLES; count++) {
        raw.handles[count - 1] = suite.process;
        raw.handle_count = count;
        expect(at, "capabilities that nothing points to", &raw, RPC_INVALID_ARGUMENT);
    }
}

CASE(hostile_labels) {
    each_method(try_labels);
    each_method(try_other_facet);
    each_method(try_handles);
}

// ---- several together ----

// A chain of so many calls of the method, all alike, with parameters of zeros in registers.
static void chain_begin(struct raw *raw, const struct attempt *at, uint32_t count) {
    raw_begin(raw, at);
    raw->label = RPC_CONTRACT | RPC_CHAIN | count;
    raw->words[0] = 0;
    raw->page_bytes = count * (uint32_t)sizeof(struct rpc_chain_call);
    for (uint32_t i = 0; i < count; i++) {
        raw->page[2 * i] = at->method.interface->id;
        raw->page[2 * i + 1] = RPC_CONTRACT | at->method.ordinal;
    }
}

// One word of the second call is another.
static void try_second(const struct attempt *at, const char *what, uint64_t flip) {
    struct raw raw;
    chain_begin(&raw, at, 2);
    raw.page[3] ^= flip;
    expect(at, what, &raw, RPC_INVALID_ARGUMENT);
}

static void try_chains(const struct attempt *at) {
    struct raw raw;
    chain_begin(&raw, at, RPC_CHAIN_CALLS + 1);
    expect(at, "a chain that is too long", &raw, RPC_INVALID_ARGUMENT);
    chain_begin(&raw, at, 2);
    raw.page_bytes -= 16;
    expect(at, "a chain that is cut off", &raw, RPC_INVALID_ARGUMENT);
    raw.page_bytes = RPC_CHAIN_BYTES + 8;
    expect(at, "a chain with too much", &raw, RPC_INVALID_ARGUMENT);
    raw.page_bytes = 33;
    expect(at, "a chain that is no whole words", &raw, RPC_INVALID_ARGUMENT);
    chain_begin(&raw, at, 2);
    raw.handles[raw.handle_count++] = suite.process;
    expect(at, "a chain with a capability", &raw, RPC_INVALID_ARGUMENT);
    try_second(at, "a chain within a chain", RPC_CHAIN);
    try_second(at, "a kernel object's method in a chain", RPC_CONTRACT);
    try_second(at, "capabilities in a chain", 1ull << RPC_CAPABILITIES_SHIFT);
    try_second(at, "out of band in a chain", RPC_OUT_OF_BAND);
    try_second(at, "parameters that are not there", 1ull << 40);
    try_second(at, "parameters that begin beyond", 1ull << 32);
    try_second(at, "six words in registers in a chain", 6ull << RPC_WORDS_SHIFT);
    try_second(at, "a capability that no answer has", (uint64_t)MESSAGE_HANDLES << 48);
    chain_begin(&raw, at, 2);
    raw.page[0] ^= 1;
    expect(at, "another interface in a chain", &raw, RPC_UNIMPLEMENTED);
    if (at->control && at->method.interface == at->service->controls) {
        struct attempt plain = *at;
        plain.control = false;
        chain_begin(&raw, &plain, 2);
        expect(&plain, "a chain through the handle for everybody", &raw, RPC_DENIED);
    }
}

CASE(hostile_chains) {
    each_method(try_chains);
}

// ---- in the page ----

static void try_page_sizes(const struct attempt *at) {
    static const uint32_t sizes[] = {1, 7, 12, 4095};
    struct raw raw;
    for (uint32_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        raw_page(&raw, at);
        raw.page_bytes = sizes[i];
        expect(at, "a page that is no whole words", &raw, RPC_INVALID_ARGUMENT);
    }
    raw_page(&raw, at);
    raw.label |= 1u << RPC_WORDS_SHIFT;
    expect(at, "page and registers", &raw, RPC_INVALID_ARGUMENT);
    raw_page(&raw, at);
    raw.label |= 1u << RPC_CAPABILITIES_SHIFT;
    expect(at, "page and capability bits", &raw, RPC_INVALID_ARGUMENT);
    raw_page(&raw, at);
    raw.label |= RPC_OUT_OF_BAND;
    expect(at, "a page, and nothing out of band", &raw, RPC_INVALID_ARGUMENT);
    if (at->data_words + at->pointers > 0) {
        raw_page(&raw, at);
        raw.page_bytes -= 8;
        expect(at, "a page that ends within the parameters", &raw, RPC_INVALID_ARGUMENT);
    }
}

static void try_roots(const struct attempt *at) {
    static const struct {
        const char *what;
        uint64_t words[3];
    } roots[] = {
        {"a root beyond the page", {0x0000'0001'0000'0ff0}},
        {"a root before the page", {0x0000'0001'ffff'fff0}},
        {"a root as large as can be", {0xffff'ffff'0000'0000}},
        {"a root that is a list", {0x0000'0002'0000'0001}},
        {"a root in another segment", {0x0000'0001'0000'0002}},
        {"a root that is far, and itself", {0x0000'0000'0000'0002}},
        {"a root by way of two words, which are far", {0x0000'0000'0000'000e, 0x0000'0000'0000'000e, 0x0000'0000'0000'000e}},
        {"a root that is a capability", {0x0000'0000'0000'0003}},
        {"a root of no kind", {0xffff'ffff'ffff'ffff}},
    };
    for (uint32_t i = 0; i < sizeof roots / sizeof roots[0]; i++) {
        struct raw raw;
        raw_begin(&raw, at);
        raw.page_bytes = sizeof roots[i].words;
        for (uint32_t word = 0; word < 3; word++) {
            raw.page[word] = roots[i].words[word];
        }
        expect(at, roots[i].what, &raw, RPC_INVALID_ARGUMENT);
    }
}

CASE(hostile_pages) {
    each_method(try_page_sizes);
    each_method(try_roots);
}

// ---- out of band ----

static handle_t vmo_of(uint64_t bytes, bool committed) {
    handle_t vmo = {};
    EXPECT_OK(tess_account_create_vmo(suite.account, bytes, &vmo));
    if (committed) {
        EXPECT_OK(tess_vmo_commit(vmo, 0, bytes));
    }
    return vmo;
}

// With the parameters in the page, and a second segment that is none.
static void out_of_band(const struct attempt *at, const char *what, handle_t handle, uint64_t len_bytes) {
    struct raw raw;
    raw_page(&raw, at);
    raw.label |= RPC_OUT_OF_BAND;
    raw.words[1] = len_bytes;
    raw.handle_count = 1;
    raw.handles[0] = handle;
    expect(at, what, &raw, RPC_INVALID_ARGUMENT);
}

static void try_second_segments(const struct attempt *at) {
    static const uint64_t lengths[] = {0, 4, 4095, 2 * PAGE_BYTES, RPC_OUT_OF_BAND_MAX + PAGE_BYTES, UINT64_MAX & ~7ull};
    const handle_t whole = vmo_of(PAGE_BYTES, true), holes = vmo_of(4 * PAGE_BYTES, false), mapped = vmo_of(PAGE_BYTES, true);
    const handle_t long_one = vmo_of(RPC_OUT_OF_BAND_MAX + PAGE_BYTES, false);
    const handle_t no_right = suite_copy(whole, RIGHT_COPY_BIT | RIGHT_TRANSFER_BIT | RIGHT_INSPECT_BIT);
    handle_t notification = {};
    uint64_t address = 0;
    EXPECT_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_vspace_map(suite.vspace, mapped, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    out_of_band(at, "no VMO", notification, PAGE_BYTES);
    out_of_band(at, "a VMO that may not be sealed", no_right, PAGE_BYTES);
    out_of_band(at, "a VMO that can be written to", mapped, PAGE_BYTES);
    out_of_band(at, "a VMO of which nothing is there", holes, 4 * PAGE_BYTES);
    out_of_band(at, "a VMO beyond the limit", long_one, RPC_OUT_OF_BAND_MAX + PAGE_BYTES);
    for (uint32_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        out_of_band(at, "a length that is not the VMO's", whole, lengths[i]);
    }
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
    suite_close(notification);
    suite_close(no_right);
    suite_close(long_one);
    suite_close(mapped);
    suite_close(holes);
    suite_close(whole);
}

CASE(hostile_vmos) {
    each_method(try_second_segments);
}
