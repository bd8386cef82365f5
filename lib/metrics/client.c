#include "lib/metrics/client.h"

#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/panic.h"

constexpr size_t PAGE_BYTES_OWN = METRICS_WORDS_MAX * sizeof(uint64_t);

static_assert(HISTOGRAM_WORDS == METRICS_HISTOGRAM_WORDS);

static uint32_t words_of(const struct metrics_definition *definition) {
    return definition->kind == METRICS_KIND_HISTOGRAM ? HISTOGRAM_WORDS : 1;
}

void metrics_init(struct metrics_own *own, const struct metrics_definition *definitions, uint32_t count) {
    TESS_ASSERT(count <= METRICS_OWN_MAX);
    *own = (struct metrics_own){.words = own->spare, .definitions = definitions, .count = count};
    uint32_t words = 0;
    for (uint32_t i = 0; i < count; i++) {
        own->at[i] = (uint16_t)words;
        words += words_of(&definitions[i]);
    }
    TESS_ASSERT(words <= METRICS_WORDS_MAX);
    (void)tess_cap("metrics", METRICS_ID, &own->metrics);
}

// Each figure gets words of its own; which ones may differ from those it has.
static status_t define_all(const struct metrics_own *own, uint16_t at[METRICS_OWN_MAX], uint64_t deadline_ns) {
    for (uint32_t i = 0; i < own->count; i++) {
        RPC_CALL(call);
        const struct metrics_definition *it = &own->definitions[i];
        struct metrics_define_results results;
        TRY(metrics_call_define((struct metrics){own->metrics}, &call, capnp_text(it->name), it->kind, it->unit,
                                capnp_text(it->help), deadline_ns, &results));
        const uint32_t word = metrics_define_results_get_word(results);
        if (word > METRICS_WORDS_MAX - words_of(it)) {
            return rpc_status(RPC_FAILED); // it would lie outside of the page
        }
        at[i] = (uint16_t)word;
    }
    return STATUS_OK;
}

static status_t fetch_page(const struct metrics_own *own, handle_t *page, uint64_t **words, uint64_t deadline_ns) {
    RPC_CALL(call);
    struct metrics_page_results results;
    uint64_t address = 0;
    TRY(metrics_call_page((struct metrics){own->metrics}, &call, true, deadline_ns, &results));
    TESS_OWNED handle_t vmo = rpc_keep(&call, metrics_page_results_get_page(results).handle);
    TRY(tess_vspace_map(tess_self_vspace(), vmo, 0, PAGE_BYTES_OWN, 0, PROT_READ | PROT_WRITE, &address));
    *page = tess_handle_take(&vmo);
    *words = (uint64_t *)address;
    return STATUS_OK;
}

static void unmap(uint64_t *words) {
    (void)tess_vspace_unmap(tess_self_vspace(), (uint64_t)words, PAGE_BYTES_OWN); // it is mapped
}

static void move(struct metrics_own *own, uint64_t *words, const uint16_t at[METRICS_OWN_MAX]) {
    for (uint32_t i = 0; i < own->count; i++) {
        memcpy(words + at[i], own->words + own->at[i], words_of(&own->definitions[i]) * sizeof(uint64_t));
    }
    if (own->words != own->spare) {
        unmap(own->words);
    }
    memcpy(own->at, at, sizeof(own->at));
    own->words = words;
}

static status_t connect(struct metrics_own *own) {
    const uint64_t deadline_ns = tess_deadline_after_ms(METRICS_PATIENCE_MS);
    uint16_t at[METRICS_OWN_MAX] = {};
    uint64_t *words;
    handle_t page;
    TRY(fetch_page(own, &page, &words, deadline_ns));
    const status_t status = define_all(own, at, deadline_ns);
    if (!status_ok(status)) {
        unmap(words);
        tess_close(page);
        return status;
    }
    move(own, words, at);
    own->page = page;
    return STATUS_OK;
}

void metrics_keep_now(struct metrics_own *own, uint64_t now_ns) {
    uint64_t len_bytes, committed_bytes;
    own->again_ns = now_ns + TESS_NS_PER_S;
    if (!tess_handle_valid(own->metrics)) {
        own->again_ns = UINT64_MAX;
        return;
    }
    // The page ends with the metricsd that made it: the handle, not what is mapped.
    if (tess_handle_valid(own->page)) {
        if (status_ok(tess_vmo_info(own->page, &len_bytes, &committed_bytes))) {
            return;
        }
        tess_close(own->page);
        own->page = (handle_t){};
    }
    (void)connect(own); // once more in a second
}

void metrics_observe(struct metrics_own *own, uint32_t figure, uint64_t value, uint64_t cause) {
    uint64_t *words = own->words + own->at[figure];
    uint64_t greatest = __atomic_load_n(&words[HISTOGRAM_GREATEST], __ATOMIC_RELAXED);
    __atomic_fetch_add(&words[HISTOGRAM_SUM], value, __ATOMIC_RELAXED);
    __atomic_fetch_add(&words[HISTOGRAM_FIRST + histogram_bucket(value)], 1, __ATOMIC_RELAXED);
    while (value > greatest) {
        if (__atomic_compare_exchange_n(&words[HISTOGRAM_GREATEST], &greatest, value, true, __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
            __atomic_store_n(&words[HISTOGRAM_CAUSE], cause, __ATOMIC_RELAXED);
        }
    }
}
