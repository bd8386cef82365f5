#include "lib/rpc/carry.h"

#include "abi/gen/stubs.h"
#include "base/mem.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"

// ---- Outgoing ----

struct capnp_struct_builder rpc_outgoing_begin(struct rpc_outgoing *outgoing, const struct rpc_shape *shape, void *page,
                                               bool may_grow) {
    outgoing->in_registers = shape->in_registers;
    outgoing->plain = rpc_shape_is_plain(shape);
    if (outgoing->plain) {
        outgoing->data_words = shape->data_words;
        for (uint32_t i = 0; i < shape->data_words; i++) {
            outgoing->small[i] = 0;
        }
        return (struct capnp_struct_builder){.data = outgoing->small, .data_words = shape->data_words};
    }
    outgoing->out_of_band = (struct rpc_segment){};
    outgoing->unminted = 0;
    if (shape->in_registers) {
        return capnp_builder_init_struct(&outgoing->builder, outgoing->small, RPC_SMALL_WORDS, shape->data_words, shape->pointers);
    }
    capnp_builder_init_growing(&outgoing->builder, page, MESSAGE_PAGE_BYTES / CAPNP_WORD_BYTES, outgoing->segments,
                               may_grow ? 2 : 1, rpc_segment_grow, &outgoing->out_of_band);
    return capnp_build_root(&outgoing->builder, shape->data_words, shape->pointers);
}

// The handles of a struct in registers that a pointer still leads to.
static uint32_t named_handles(const struct rpc_outgoing *outgoing) {
    const uint64_t root = outgoing->small[0], *pointers = &outgoing->small[1 + capnp_word_data_words(root)];
    uint32_t named = 0;
    for (uint32_t i = 0; i < capnp_word_pointers(root); i++) {
        named |= pointers[i] != 0 ? 1u << capnp_word_handle(pointers[i]) : 0;
    }
    return named;
}

status_t rpc_mint_make(const struct rpc_mint *mint, handle_t endpoint, handle_t *out) {
    uint64_t made;
    TRY(tess_process_handle_mint(tess_self_process(), endpoint.v, mint->rights.v, mint->badge, mint->interface_id, &made));
    *out = (handle_t){(uint32_t)made};
    return STATUS_OK;
}

// What no pointer leads to goes with a page, but not out of registers.
status_t rpc_outgoing_mint_all(struct rpc_outgoing *outgoing, handle_t endpoint) {
    uint32_t left = outgoing->unminted;
    if (left != 0 && outgoing->in_registers) {
        left &= named_handles(outgoing);
    }
    for (; left != 0; left &= left - 1) {
        const uint32_t index = (uint32_t)__builtin_ctz(left);
        TRY(rpc_mint_make(&outgoing->mints[index], endpoint, &outgoing->builder.handles[index]));
        outgoing->unminted &= (uint8_t)~(1u << index);
    }
    return STATUS_OK;
}

bool rpc_outgoing_keep_back(const struct rpc_outgoing *outgoing, struct tess_message *message, struct rpc_mint *mint) {
    uint64_t form = 1u << RPC_CAPABILITIES_SHIFT; // of a page nothing else is wanted
    if (outgoing->unminted != 1 || outgoing->builder.view.handle_count != 1 || outgoing->builder.view.error != 0 ||
        tess_handle_valid(outgoing->out_of_band.vmo)) {
        return false;
    }
    if (outgoing->in_registers) {
        const uint64_t root = outgoing->small[0];
        const uint32_t words = capnp_word_data_words(root);
        uint32_t set = 0;
        for (uint32_t i = 0; i < capnp_word_pointers(root); i++) {
            set |= (uint32_t)(outgoing->small[1 + words + i] != 0) << i;
        }
        if (set == 0 || (set & (set - 1)) != 0) {
            return false;
        }
        for (uint32_t i = 1; i <= words; i++) {
            message->words[i] = outgoing->small[i];
        }
        form = words << RPC_WORDS_SHIFT | set << RPC_CAPABILITIES_SHIFT;
    }
    message->info = message_info(0, 0, 1, 1);
    message->words[0] = form;
    *mint = outgoing->mints[0];
    return true;
}

// The whole capability table, in its order.
static status_t pack_handles(const struct rpc_outgoing *outgoing, struct tess_message *message, uint32_t page_bytes) {
    const struct capnp_builder *builder = &outgoing->builder;
    const uint32_t count = builder->view.handle_count;
    const bool far = tess_handle_valid(outgoing->out_of_band.vmo);
    if (count + far > MESSAGE_HANDLES) {
        return STATUS_NO_HANDLES;
    }
    for (uint32_t i = 0; i < count; i++) {
        tess_message_set_handle(message, i, builder->handles[i]);
    }
    if (far) {
        tess_message_set_handle(message, count, outgoing->out_of_band.vmo);
    }
    message->info = message_info(0, page_bytes, count + far, (uint32_t)builder->moved);
    return STATUS_OK;
}

static status_t pack_page(struct rpc_outgoing *outgoing, struct tess_message *message, uint32_t *form) {
    *form = 0;
    if (tess_handle_valid(outgoing->out_of_band.vmo)) {
        const uint64_t len_bytes = outgoing->segments[1].count * CAPNP_WORD_BYTES;
        TRY(rpc_segment_cut(&outgoing->out_of_band, len_bytes));
        message->words[1] = len_bytes;
        *form = RPC_OUT_OF_BAND;
    }
    return pack_handles(outgoing, message, (uint32_t)(outgoing->segments[0].count * CAPNP_WORD_BYTES));
}

// Handles go in the order of the pointers, which need not be that in which they were set.
static void pack_registers(const struct rpc_outgoing *outgoing, struct tess_message *message, uint32_t *form) {
    const struct capnp_builder *builder = &outgoing->builder;
    const uint64_t root = outgoing->small[0];
    const uint32_t words = capnp_word_data_words(root), pointers = capnp_word_pointers(root);
    uint32_t count = 0, moved = 0;
    *form = words << RPC_WORDS_SHIFT;
    for (uint32_t i = 0; i < words; i++) {
        message->words[1 + i] = outgoing->small[1 + i];
    }
    for (uint32_t i = 0; i < pointers; i++) {
        const uint64_t pointer = outgoing->small[1 + words + i];
        if (pointer != 0) {
            const uint32_t index = capnp_word_handle(pointer);
            moved |= (uint32_t)(builder->moved >> index & 1) << count;
            tess_message_set_handle(message, count++, builder->handles[index]);
            *form |= 1u << (RPC_CAPABILITIES_SHIFT + i);
        }
    }
    message->info = message_info(0, 0, count, moved);
}

status_t rpc_outgoing_pack(struct rpc_outgoing *outgoing, struct tess_message *message, uint32_t *form) {
    if (outgoing->plain) {
        for (uint32_t i = 0; i < RPC_REGISTER_WORDS; i++) {
            message->words[1 + i] = i < outgoing->data_words ? outgoing->small[i] : 0;
        }
        message->words[6] = message->words[7] = 0;
        message->info = 0;
        *form = (uint32_t)outgoing->data_words << RPC_WORDS_SHIFT;
        return STATUS_OK;
    }
    TRY(capnp_builder_status(&outgoing->builder));
    for (uint32_t i = 1; i < MESSAGE_WORDS; i++) {
        message->words[i] = 0;
    }
    if (!outgoing->in_registers) {
        return pack_page(outgoing, message, form);
    }
    pack_registers(outgoing, message, form);
    return STATUS_OK;
}

void rpc_outgoing_end_held(struct rpc_outgoing *outgoing, bool undelivered) {
    const struct capnp_builder *builder = &outgoing->builder;
    uint64_t left = 0;
    if (undelivered) {
        left = builder->moved;
    } else if (builder->moved != 0 && outgoing->in_registers) {
        left = builder->moved & ~(uint64_t)named_handles(outgoing); // something else took their place
    }
    for (uint32_t i = 0; left != 0 && i < builder->view.handle_count; i++) {
        if ((left >> i & 1) != 0) {
            tess_close(builder->handles[i]);
        }
    }
    rpc_segment_close(&outgoing->out_of_band);
}

// ---- Incoming ----

// Out of registers: the struct as a message in small. Without capabilities its data are read where they came.
static status_t open_registers(struct rpc_incoming *incoming, uint32_t form, const struct tess_message *message,
                               struct capnp_struct *root) {
    const uint32_t words = form >> RPC_WORDS_SHIFT & 7, set = form >> RPC_CAPABILITIES_SHIFT & 15;
    const uint32_t pointers = set == 0 ? 0 : 32 - (uint32_t)__builtin_clz(set);
    if (words > RPC_REGISTER_WORDS || (uint32_t)__builtin_popcount(set) != incoming->handle_count) {
        return rpc_status(RPC_INVALID_ARGUMENT);
    }
    const uint64_t *data = &message->words[1];
    if (pointers > 0) {
        memcpy(incoming->small, data, words * CAPNP_WORD_BYTES);
        data = incoming->small;
        for (uint32_t i = 0, handle = 0; i < pointers; i++) {
            const bool is_set = (set >> i & 1) != 0;
            incoming->small[words + i] = is_set ? (uint64_t)handle << 32 | CAPNP_KIND_OTHER : 0;
            handle += is_set;
        }
    }
    capnp_message_init(&incoming->message, data, words + pointers);
    *root = (struct capnp_struct){
        .message = &incoming->message,
        .data = (const uint8_t *)data,
        .place = (uint64_t)CAPNP_NESTING << 32,
        .data_bytes = words * (uint32_t)CAPNP_WORD_BYTES,
        .pointers = (uint16_t)pointers,
    };
    return STATUS_OK;
}

static status_t open_page(struct rpc_incoming *incoming, uint32_t form, const struct tess_message *message,
                          uint64_t *page, struct capnp_struct *root) {
    const uint32_t page_bytes = message_page_bytes(message->info);
    uint32_t segments = 1;
    if (page_bytes % CAPNP_WORD_BYTES != 0 || (form & RPC_FORM & ~RPC_OUT_OF_BAND) != 0) {
        return rpc_status(RPC_INVALID_ARGUMENT);
    }
    if ((form & RPC_OUT_OF_BAND) != 0) {
        if (incoming->handle_count == 0) {
            return rpc_status(RPC_INVALID_ARGUMENT);
        }
        const uint32_t last = --incoming->handle_count;
        const handle_t vmo = incoming->handles[last];
        const uint64_t len_bytes = message->words[1];
        TRY(rpc_segment_open(&incoming->out_of_band, vmo, len_bytes));
        incoming->segments[1] = (struct capnp_segment){.words = incoming->out_of_band.words,
                                                       .count = (uint32_t)(len_bytes / CAPNP_WORD_BYTES)};
        segments = 2;
    }
    incoming->segments[0] =
        (struct capnp_segment){.words = page, .count = page_bytes / (uint32_t)CAPNP_WORD_BYTES};
    capnp_message_init_segments(&incoming->message, incoming->segments, segments);
    *root = capnp_struct_at(capnp_root(&incoming->message));
    return status_ok(capnp_status(&incoming->message)) ? STATUS_OK : rpc_status(RPC_INVALID_ARGUMENT);
}

void rpc_incoming_adopt(struct rpc_incoming *incoming, const struct tess_message *message) {
    incoming->out_of_band = (struct rpc_segment){};
    incoming->message.error = 0;
    incoming->handle_count = message_handle_count(message->info);
    incoming->owns = true;
    for (uint32_t i = 0; i < incoming->handle_count; i++) {
        incoming->handles[i] = tess_message_handle(message, i);
    }
}

status_t rpc_incoming_open(struct rpc_incoming *incoming, uint32_t form, const struct tess_message *message, void *page,
                           struct capnp_struct *root) {
    rpc_incoming_adopt(incoming, message);
    const bool in_page = message_page_bytes(message->info) != 0 || (form & RPC_OUT_OF_BAND) != 0;
    TRY(in_page ? open_page(incoming, form, message, page, root) : open_registers(incoming, form, message, root));
    incoming->message.handles = incoming->handles;
    incoming->message.handle_count = incoming->handle_count;
    return STATUS_OK;
}

handle_t rpc_incoming_keep(struct rpc_incoming *incoming, handle_t handle) {
    for (uint32_t i = 0; incoming->owns && i < incoming->handle_count; i++) {
        if (incoming->handles[i].v == handle.v) {
            incoming->handles[i] = (handle_t){};
        }
    }
    return handle;
}

void rpc_incoming_end_held(struct rpc_incoming *incoming) {
    incoming->owns = false;
    for (uint32_t i = 0; i < incoming->handle_count; i++) {
        tess_close(incoming->handles[i]);
    }
    rpc_segment_close(&incoming->out_of_band);
}

const char *rpc_page_text(uint64_t info, const void *page, char text[RPC_TEXT_BYTES]) {
    const char *bytes = page;
    const size_t said = message_label(info) != 0 ? message_page_bytes(info) : 0;
    const size_t len = said < RPC_TEXT_BYTES ? said : RPC_TEXT_BYTES - 1;
    for (size_t i = 0; i < len; i++) {
        text[i] = (unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f ? '?' : bytes[i];
    }
    text[len] = '\0';
    return text;
}
