// A message in a stream, a file or a VMO: the sizes of its segments, then the segments (spec, Serialization Over a Stream).
#pragma once

#include "lib/capnp/read.h"

// How many bytes the message is whose first `len_bytes` bytes these are: in *need_bytes. TRUNCATED: so many bytes are
// needed to know. BAD_FRAME: it has more than `segments_max` segments.
status_t capnp_frame_measure(const void *bytes, size_t len_bytes, uint32_t segments_max, uint64_t *need_bytes);

// Opens the message at the beginning of these bytes, 8-byte aligned, where it lies; the table is the message's then.
// *used_bytes is what belonged to it. TRUNCATED, BAD_FRAME (also: not aligned).
status_t capnp_frame_open(const void *bytes, size_t len_bytes, struct capnp_segment *table, uint32_t table_count,
                          struct capnp_message *out, size_t *used_bytes);

// Bytes of the segment table, and of all. For a message under construction: &builder.view.
uint64_t capnp_frame_table_bytes(const struct capnp_message *message);
uint64_t capnp_frame_bytes(const struct capnp_message *message);

// Writes the table, for those who send the segments from where they are; or all. NO_SPACE.
status_t capnp_frame_write_table(const struct capnp_message *message, void *out, size_t out_bytes);
status_t capnp_frame_write(const struct capnp_message *message, void *out, size_t out_bytes);
