// A message as text, in Cap'n Proto's own syntax: byte for byte what the standard tool writes.
//
// Work and output are bounded by the message's limits. What is malformed is written as its default, and the message keeps
// the error. Parameters of generics, and what has any type, are "<opaque pointer>".
#pragma once

#include "base/fmt.h"
#include "lib/reflect/reflect.h"

enum reflect_style : uint8_t {
    REFLECT_SHORT,  // on one line, as `capnp decode --short`
    REFLECT_PRETTY, // what is long over several, as `capnp decode`
};

void reflect_write_struct(const struct capnp_schema *schema, struct capnp_struct value, enum reflect_style style,
                          fmt_sink_fn *sink, void *context);

// A default or a constant, of a type that `schema` refers to. On one line.
void reflect_write_value(const struct capnp_schema *schema, struct schema_type type, struct schema_value value,
                         fmt_sink_fn *sink, void *context);

// "List(LogRecord)": a type as one writes it in a schema.
void reflect_write_type(const struct capnp_schema *schema, struct schema_type type, fmt_sink_fn *sink, void *context);

// "after :UInt64, limit :UInt32 = 100": the fields of a struct in the order in which they were written. Groups and unions are
// `name :group (...)`.
void reflect_write_fields(const struct capnp_schema *schema, fmt_sink_fn *sink, void *context);

// "query (after :UInt64, limit :UInt32) -> (records :List(LogRecord))".
void reflect_write_method(const struct reflect_method *method, fmt_sink_fn *sink, void *context);
