// Finding things in the boot package (abi/boot_package.h).
//
// The kernel has checked the checksum, the header and the entry of init before that ran. Here everything is checked that
// keeps a look-up inside the bytes given, because other programs may be handed a package, and what names mean.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/boot_package.h"

struct package {
    const uint8_t *bytes;
    uint64_t len_bytes;
    uint32_t entry_count;
};

struct package_entry {
    uint64_t offset_bytes; // in the package; page-aligned
    uint64_t len_bytes;
    const uint8_t *bytes;
    uint32_t kind;    // enum boot_entry_kind
    const char *name; // terminated, in the package
};

// False when the bytes are no package.
[[nodiscard]] bool package_open(const uint8_t *bytes, uint64_t len_bytes, struct package *out);

// The entry of this index, below entry_count. False when it is malformed.
[[nodiscard]] bool package_entry(const struct package *package, uint32_t index, struct package_entry *out);

// The well-formed entry of this kind and name (null: any name).
[[nodiscard]] bool package_find(const struct package *package, enum boot_entry_kind kind, const char *name,
                                struct package_entry *out);

// Whether it is a whole system's: every entry is well formed, no two have the same name, one is the manifest. False,
// with what is wrong as a sentence in *what.
[[nodiscard]] bool package_check(const struct package *package, const char **what);
