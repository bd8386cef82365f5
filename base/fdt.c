#include "base/fdt.h"

#include "base/checked.h"
#include "base/mem.h"
#include "base/str.h"

enum header : uint32_t {
    HEADER_MAGIC = 0,
    HEADER_TOTAL = 4,
    HEADER_STRUCTURE = 8,
    HEADER_STRINGS = 12,
    HEADER_RESERVATIONS = 16,
    HEADER_VERSION = 20,
    HEADER_LAST_COMPATIBLE = 24,
    HEADER_STRINGS_BYTES = 32,
    HEADER_STRUCTURE_BYTES = 36,
    HEADER_BYTES = 40,
};

enum token : uint32_t {
    TOKEN_BEGIN_NODE = 1,
    TOKEN_END_NODE = 2,
    TOKEN_PROPERTY = 3,
    TOKEN_NOTHING = 4,
    TOKEN_END = 9,
};

constexpr uint32_t MAGIC = 0xd00d'feed;
constexpr uint32_t VERSION = 17;
constexpr uint32_t RESERVATION_BYTES = 16;
constexpr uint32_t TOKEN_BYTES = 4;
constexpr uint32_t PROPERTY_HEAD_BYTES = 8; // length, place of the name

static uint32_t big32(const uint8_t *bytes) {
    return (uint32_t)bytes[0] << 24 | (uint32_t)bytes[1] << 16 | (uint32_t)bytes[2] << 8 | bytes[3];
}

static uint64_t big64(const uint8_t *bytes) {
    return (uint64_t)big32(bytes) << 32 | big32(bytes + 4);
}

static uint32_t round4(uint32_t bytes) {
    return (bytes + 3) & ~3u;
}

// ---- One step of the walk, checked or not: places are offsets from the beginning of the tree ----

struct step {
    enum token token;
    uint32_t next;  // the token behind
    uint32_t value; // of a property: where its bytes are, ...
    uint32_t len;   // ... how many, ...
    uint32_t name;  // ... and where its name is; of a node: where its name is
};

// False when it does not lie in the structure, or is no token.
static bool take_step(const struct fdt *fdt, uint32_t at, struct step *out) {
    const uint32_t end = fdt->structure + fdt->structure_bytes;
    if (at >= end || end - at < TOKEN_BYTES) {
        return false;
    }
    struct step step = {.token = (enum token)big32(fdt->bytes + at), .next = at + TOKEN_BYTES};
    switch (step.token) {
    case TOKEN_BEGIN_NODE: {
        const uint32_t room = end - step.next;
        const size_t len = strnlen((const char *)fdt->bytes + step.next, room);
        if (len == room) {
            return false;
        }
        step.name = step.next;
        step.next += round4((uint32_t)len + 1);
        break;
    }
    case TOKEN_PROPERTY: {
        if (end - step.next < PROPERTY_HEAD_BYTES) {
            return false;
        }
        step.len = big32(fdt->bytes + step.next);
        const uint32_t name = big32(fdt->bytes + step.next + 4);
        step.value = step.next + PROPERTY_HEAD_BYTES;
        if (step.len > end - step.value || name >= fdt->strings_bytes ||
            !str_is_terminated((const char *)fdt->bytes + fdt->strings + name, fdt->strings_bytes - name)) {
            return false;
        }
        step.name = fdt->strings + name;
        step.next = step.value + round4(step.len);
        break;
    }
    case TOKEN_END_NODE:
    case TOKEN_NOTHING:
    case TOKEN_END: break;
    default: return false;
    }
    if (step.next > end) {
        return false;
    }
    *out = step;
    return true;
}

static const char *check_structure(const struct fdt *fdt) {
    uint32_t depth = 0, roots = 0;
    bool children = false; // properties come before them
    uint32_t at = fdt->structure;
    struct step step;
    do {
        if (!take_step(fdt, at, &step)) {
            return "its structure is malformed";
        }
        at = step.next;
        switch (step.token) {
        case TOKEN_BEGIN_NODE:
            roots += depth == 0;
            children = false;
            if (++depth > FDT_MAX_DEPTH || roots > 1) {
                return "its nodes are nested too deeply, or have no common root";
            }
            break;
        case TOKEN_END_NODE:
            if (depth-- == 0) {
                return "its nodes do not match";
            }
            children = true;
            break;
        case TOKEN_PROPERTY:
            if (depth == 0 || children) {
                return "a property is outside its node";
            }
            break;
        default: break;
        }
    } while (step.token != TOKEN_END);
    return depth != 0 || roots != 1 ? "its nodes do not match" : nullptr;
}

static bool check_reservations(const struct fdt *fdt) {
    for (uint32_t at = fdt->reservations;; at += RESERVATION_BYTES) {
        if (!range_within(at, RESERVATION_BYTES, fdt->total_bytes)) {
            return false;
        }
        if (big64(fdt->bytes + at) == 0 && big64(fdt->bytes + at + 8) == 0) {
            return true;
        }
    }
}

const char *fdt_open(struct fdt *fdt, const void *bytes, size_t limit) {
    const uint8_t *header = bytes;
    if (limit < HEADER_BYTES || big32(header + HEADER_MAGIC) != MAGIC) {
        return "it is no device tree";
    }
    const struct fdt found = {
        .bytes = header,
        .total_bytes = big32(header + HEADER_TOTAL),
        .structure = big32(header + HEADER_STRUCTURE),
        .structure_bytes = big32(header + HEADER_STRUCTURE_BYTES),
        .strings = big32(header + HEADER_STRINGS),
        .strings_bytes = big32(header + HEADER_STRINGS_BYTES),
        .reservations = big32(header + HEADER_RESERVATIONS),
    };
    if (big32(header + HEADER_VERSION) < VERSION || big32(header + HEADER_LAST_COMPATIBLE) > VERSION) {
        return "it is of a version that is not understood";
    }
    if (found.total_bytes < HEADER_BYTES || found.total_bytes > FDT_MAX_BYTES || found.total_bytes > limit) {
        return "it is cut off, or larger than it may be";
    }
    if (found.structure < HEADER_BYTES || found.structure % 4 != 0 || found.reservations % 8 != 0 ||
        !range_within(found.structure, found.structure_bytes, found.total_bytes) ||
        !range_within(found.strings, found.strings_bytes, found.total_bytes) || !check_reservations(&found)) {
        return "a part of it lies outside";
    }
    const char *error = check_structure(&found);
    if (error == nullptr) {
        *fdt = found;
    }
    return error;
}

// ---- Looking things up: the structure is known to be good ----

static struct step step_at(const struct fdt *fdt, uint32_t at) {
    struct step step = {.token = TOKEN_END, .next = at};
    (void)take_step(fdt, at, &step);
    return step;
}

fdt_node fdt_root(const struct fdt *fdt) {
    uint32_t at = fdt->structure;
    while (step_at(fdt, at).token == TOKEN_NOTHING) {
        at += TOKEN_BYTES;
    }
    return (fdt_node){at};
}

// Behind the end of the node that begins at `at`.
static uint32_t behind(const struct fdt *fdt, uint32_t at) {
    uint32_t depth = 0;
    do {
        const struct step step = step_at(fdt, at);
        depth += step.token == TOKEN_BEGIN_NODE;
        depth -= step.token == TOKEN_END_NODE;
        at = step.next;
        if (step.token == TOKEN_END) {
            break;
        }
    } while (depth != 0);
    return at;
}

fdt_node fdt_child(const struct fdt *fdt, fdt_node parent, fdt_node previous) {
    if (parent.at == 0) {
        return (fdt_node){0};
    }
    uint32_t at = previous.at != 0 ? behind(fdt, previous.at) : step_at(fdt, parent.at).next;
    for (;;) {
        const struct step step = step_at(fdt, at);
        if (step.token == TOKEN_BEGIN_NODE) {
            return (fdt_node){at};
        }
        if (step.token == TOKEN_END_NODE || step.token == TOKEN_END) {
            return (fdt_node){0};
        }
        at = step.next;
    }
}

bool fdt_is_named(const struct fdt *fdt, fdt_node node, const char *name) {
    const struct step step = step_at(fdt, node.at);
    if (node.at == 0 || step.token != TOKEN_BEGIN_NODE) {
        return false;
    }
    const char *own = (const char *)fdt->bytes + step.name;
    const size_t len = strlen(name);
    return strncmp(own, name, len) == 0 && (own[len] == 0 || own[len] == '@');
}

fdt_node fdt_child_named(const struct fdt *fdt, fdt_node parent, const char *name) {
    fdt_node child = fdt_child(fdt, parent, (fdt_node){0});
    while (child.at != 0 && !fdt_is_named(fdt, child, name)) {
        child = fdt_child(fdt, parent, child);
    }
    return child;
}

struct fdt_bytes fdt_property(const struct fdt *fdt, fdt_node node, const char *name) {
    if (node.at == 0) {
        return (struct fdt_bytes){};
    }
    struct step step = step_at(fdt, step_at(fdt, node.at).next);
    for (; step.token == TOKEN_PROPERTY || step.token == TOKEN_NOTHING; step = step_at(fdt, step.next)) {
        if (step.token == TOKEN_PROPERTY && str_equal((const char *)fdt->bytes + step.name, name)) {
            return (struct fdt_bytes){fdt->bytes + step.value, step.len};
        }
    }
    return (struct fdt_bytes){};
}

bool fdt_lists(const struct fdt *fdt, fdt_node node, const char *property, const char *string) {
    const struct fdt_bytes list = fdt_property(fdt, node, property);
    for (uint32_t at = 0; at < list.len;) {
        const char *item = (const char *)list.bytes + at;
        if (!str_is_terminated(item, list.len - at)) {
            return false;
        }
        if (str_equal(item, string)) {
            return true;
        }
        at += (uint32_t)strlen(item) + 1;
    }
    return false;
}

bool fdt_number(struct fdt_bytes property, uint32_t index, uint32_t cells, uint64_t *out) {
    if ((cells != 1 && cells != 2) || !range_within((uint64_t)index * 4, cells * 4, property.len)) {
        return false;
    }
    const uint8_t *at = property.bytes + index * 4;
    *out = cells == 1 ? big32(at) : big64(at);
    return true;
}

uint32_t fdt_cell(struct fdt_bytes property, uint32_t index, uint32_t otherwise) {
    uint64_t value = otherwise;
    (void)fdt_number(property, index, 1, &value);
    return (uint32_t)value;
}

bool fdt_reg(const struct fdt *fdt, fdt_node parent, fdt_node node, uint32_t n, uint64_t *base, uint64_t *len) {
    const uint32_t address_cells = fdt_cell(fdt_property(fdt, parent, "#address-cells"), 0, 2);
    const uint32_t size_cells = fdt_cell(fdt_property(fdt, parent, "#size-cells"), 0, 1);
    const struct fdt_bytes reg = fdt_property(fdt, node, "reg");
    if (address_cells > 2 || size_cells > 2 || n > reg.len) {
        return false;
    }
    const uint32_t at = n * (address_cells + size_cells);
    uint64_t found_base, found_len;
    if (!fdt_number(reg, at, address_cells, &found_base) ||
        !fdt_number(reg, at + address_cells, size_cells, &found_len)) {
        return false;
    }
    *base = found_base;
    *len = found_len;
    return true;
}

bool fdt_reservation(const struct fdt *fdt, uint32_t n, uint64_t *base, uint64_t *len) {
    uint32_t at = fdt->reservations;
    for (uint32_t i = 0;; i++, at += RESERVATION_BYTES) {
        const uint64_t found_base = big64(fdt->bytes + at), found_len = big64(fdt->bytes + at + 8);
        if (found_base == 0 && found_len == 0) {
            return false;
        }
        if (i == n) {
            *base = found_base;
            *len = found_len;
            return true;
        }
    }
}
