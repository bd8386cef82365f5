#include "lib/rpc/segment.h"

#include "abi/gen/stubs.h"
#include "lib/rpc/method.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"

static uint64_t whole_pages(uint64_t bytes) {
    return (bytes + PAGE_BYTES - 1) & ~(PAGE_BYTES - 1);
}

static void unmap(struct rpc_segment *segment) {
    if (segment->words != nullptr) {
        status_t ignored =
            tess_vspace_unmap(tess_self_vspace(), (uint64_t)(uintptr_t)segment->words, segment->len_bytes);
        (void)ignored; // only what the program itself did to the mapping can make it fail
        segment->words = nullptr;
    }
}

static status_t map(struct rpc_segment *segment, uint64_t protection) {
    uint64_t address;
    TRY(tess_vspace_map(tess_self_vspace(), segment->vmo, 0, segment->len_bytes, 0, protection, &address));
    segment->words = (uint64_t *)(uintptr_t)address;
    return STATUS_OK;
}

bool rpc_segment_grow(void *context, uint32_t min_words, struct capnp_segment *out) {
    struct rpc_segment *segment = context;
    if (tess_handle_valid(segment->vmo) || min_words > RPC_OUT_OF_BAND_MAX / CAPNP_WORD_BYTES) {
        return false;
    }
    segment->len_bytes = RPC_OUT_OF_BAND_MAX;
    if (!status_ok(tess_account_create_resizable_vmo(tess_self_account(), RPC_OUT_OF_BAND_MAX, &segment->vmo))) {
        return false;
    }
    if (!status_ok(map(segment, PROT_READ | PROT_WRITE))) {
        rpc_segment_close(segment);
        return false;
    }
    *out = (struct capnp_segment){.words = segment->words,
                                  .capacity = (uint32_t)(RPC_OUT_OF_BAND_MAX / CAPNP_WORD_BYTES)};
    return true;
}

status_t rpc_segment_cut(struct rpc_segment *segment, uint64_t len_bytes) {
    unmap(segment);
    segment->len_bytes = whole_pages(len_bytes);
    return tess_vmo_resize(segment->vmo, segment->len_bytes);
}

status_t rpc_segment_open(struct rpc_segment *out, handle_t vmo, uint64_t len_bytes) {
    uint64_t vmo_bytes, committed_bytes;
    *out = (struct rpc_segment){.vmo = vmo, .len_bytes = whole_pages(len_bytes)};
    if (len_bytes == 0 || len_bytes > RPC_OUT_OF_BAND_MAX || len_bytes % CAPNP_WORD_BYTES != 0 ||
        !status_ok(tess_vmo_seal(vmo)) || !status_ok(tess_vmo_info(vmo, &vmo_bytes, &committed_bytes)) ||
        vmo_bytes != out->len_bytes || committed_bytes != vmo_bytes) {
        rpc_segment_close(out);
        return rpc_status(RPC_INVALID_ARGUMENT);
    }
    const status_t status = map(out, PROT_READ);
    if (!status_ok(status)) {
        rpc_segment_close(out);
    }
    return status;
}

void rpc_segment_close_held(struct rpc_segment *segment) {
    unmap(segment);
    tess_close(segment->vmo);
    segment->vmo = (handle_t){};
}
