// Reads a flattened device tree (devicetree specification 0.4, chapter 5), version 17.
//
// Nothing in it is believed: fdt_open walks the whole structure once and refuses what is malformed, so that
// the functions below need only be given what came from them. Pure; memory is only read.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr uint32_t FDT_MAX_BYTES = 2 << 20;
constexpr uint32_t FDT_MAX_DEPTH = 32;

struct fdt {
    const uint8_t *bytes;
    uint32_t total_bytes;
    uint32_t structure, structure_bytes;
    uint32_t strings, strings_bytes;
    uint32_t reservations; // pairs of 64-bit base and length, ended by a pair of zeros
};

// A node, by the place of its beginning; 0 is no node.
typedef struct {
    uint32_t at;
} fdt_node;

struct fdt_bytes {
    const uint8_t *bytes; // null when there is no such property
    uint32_t len;
};

// Null, or what is wrong (static text). `bytes` must be 8-byte aligned, and `limit` of them readable; they are
// not copied.
const char *fdt_open(struct fdt *fdt, const void *bytes, size_t limit);

fdt_node fdt_root(const struct fdt *fdt);

// The child behind `previous` (no node: the first); no node at the end.
fdt_node fdt_child(const struct fdt *fdt, fdt_node parent, fdt_node previous);

// A child by its name with or without its unit address; no node when there is none.
fdt_node fdt_child_named(const struct fdt *fdt, fdt_node parent, const char *name);

// Whether the name is `name`, or begins with `name@`.
bool fdt_is_named(const struct fdt *fdt, fdt_node node, const char *name);

struct fdt_bytes fdt_property(const struct fdt *fdt, fdt_node node, const char *name);

// Whether the property is a list of strings with this one among them.
bool fdt_lists(const struct fdt *fdt, fdt_node node, const char *property, const char *string);

// The 32-bit cell, counted in cells; `otherwise` when it is not all there.
uint32_t fdt_cell(struct fdt_bytes property, uint32_t index, uint32_t otherwise);

// A number of one or two cells, from that cell on. False when it is not all there or of another size.
bool fdt_number(struct fdt_bytes property, uint32_t index, uint32_t cells, uint64_t *out);

// The n-th address and length of the node's `reg`, as the parent's #address-cells and #size-cells say.
bool fdt_reg(const struct fdt *fdt, fdt_node parent, fdt_node node, uint32_t n, uint64_t *base, uint64_t *len);

// The n-th entry of the memory reservation block; false behind the last.
bool fdt_reservation(const struct fdt *fdt, uint32_t n, uint64_t *base, uint64_t *len);
