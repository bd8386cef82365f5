// A message from text in Cap'n Proto's own syntax, as `capnp encode` takes it:
//
//   (limit = 5, level = warning, service = "logd", list = [1, 0x10, -2], inner = (a = true), bytes = 0x"00 ff")
//
// `#` begins a comment. Capabilities are names behind a dollar sign, which the standard's syntax has no word for.
// Stricter than the tool in this: a field that is given twice, two members of one union, a number that does not fit its
// type are refused.
//
// The text may be anything. Work is bounded by its length times the depth, which is limited; nothing allocates or blocks.
#pragma once

#include "lib/capnp/build_list.h"
#include "lib/reflect/reflect.h"

constexpr size_t REFLECT_ERROR_BYTES = 160;
constexpr uint32_t REFLECT_DEPTH_MAX = 40;   // brackets in brackets
constexpr uint32_t REFLECT_FIELDS_MAX = 512; // of one struct

// Finds the capability called `name`, for a place where `wanted` is expected (nullptr: any). False, with a sentence in `error`,
// when there is none.
typedef bool reflect_handle_fn(void *context, struct capnp_text name, const struct capnp_schema *wanted, handle_t *out,
                               char error[REFLECT_ERROR_BYTES]);

struct reflect_handles {
    reflect_handle_fn *find; // nullptr: there are none
    void *context;
};

// Fills in `to`, which is a struct of this schema, all zero. False, with one line for people that says where, in `error`. That
// the message had no room is in its builder, too.
[[nodiscard]] bool reflect_read_struct(const struct capnp_schema *schema, struct capnp_text text,
                                       struct reflect_handles handles, struct capnp_struct_builder to,
                                       char error[REFLECT_ERROR_BYTES]);

// What may stand where a text ends that is still being typed.
struct reflect_expected {
    enum : uint8_t { REFLECT_NOTHING, REFLECT_FIELD, REFLECT_VALUE } what;
    const struct capnp_schema *schema;          // whose field it is, or what `type` is to be understood in
    struct schema_type type;                    // of a value; none: a group
    uint64_t given[REFLECT_FIELDS_MAX / 64];    // fields that are there already, by number; all members of a union
    size_t word;                                // where in the text what is being typed begins
};
void reflect_expect(const struct capnp_schema *schema, struct capnp_text text, struct reflect_expected *out);
