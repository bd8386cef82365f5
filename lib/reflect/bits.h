// Numbers of every size as 64 bits: what reading and writing text share, and nobody else uses. Offsets are a schema's: in
// elements of the number's own size.
#pragma once

#include "lib/capnp/build.h"
#include "lib/reflect/reflect.h"

static inline uint64_t reflect_get_bits(struct capnp_struct s, enum capnp_element size, uint32_t offset) {
    switch (size) {
    case CAPNP_BITS: return capnp_get_bool(s, offset);
    case CAPNP_1_BYTE: return capnp_get_u8(s, offset);
    case CAPNP_2_BYTES: return capnp_get_u16(s, offset * 2);
    case CAPNP_4_BYTES: return capnp_get_u32(s, offset * 4);
    case CAPNP_8_BYTES: return capnp_get_u64(s, offset * 8);
    default: return 0;
    }
}

static inline void reflect_put_bits(struct capnp_struct_builder s, enum capnp_element size, uint32_t offset, uint64_t bits) {
    switch (size) {
    case CAPNP_BITS: capnp_put_bool(s, offset, bits != 0); break;
    case CAPNP_1_BYTE: capnp_put_u8(s, offset, (uint8_t)bits); break;
    case CAPNP_2_BYTES: capnp_put_u16(s, offset * 2, (uint16_t)bits); break;
    case CAPNP_4_BYTES: capnp_put_u32(s, offset * 4, (uint32_t)bits); break;
    case CAPNP_8_BYTES: capnp_put_u64(s, offset * 8, bits); break;
    default: break;
    }
}

// A Value has all numbers of one size in one place, whatever they are: signed, an enum, floating.
static inline uint64_t reflect_value_bits(struct schema_value value, enum capnp_element size) {
    switch (size) {
    case CAPNP_BITS: return schema_value_get_bool(value);
    case CAPNP_1_BYTE: return schema_value_get_uint8(value);
    case CAPNP_2_BYTES: return schema_value_get_uint16(value);
    case CAPNP_4_BYTES: return schema_value_get_uint32(value);
    case CAPNP_8_BYTES: return schema_value_get_uint64(value);
    default: return 0;
    }
}

// And all pointers.
static inline struct capnp_pointer reflect_value_pointer(struct schema_value value) {
    return capnp_get_pointer(value.s, 0);
}
