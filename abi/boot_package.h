// boot.pkg: the system manifest, the programs and files for them, in one file that the boot path loads whole.
//
//   header | entry table | page-aligned entries ...
//
// All integers are little-endian. Entry data begins on a page boundary and is padded with zeros to
// the next, so that the pages of an ELF file can be mapped where they lie. `checksum` is XXH64 with
// seed 0 (base/xxh64.h) over the whole package with the checksum field taken as zero.
#pragma once

#include <stdint.h>

constexpr uint64_t BOOT_PACKAGE_MAGIC = 0x3130'474b'5053'5354; // "TSSPKG01"
constexpr uint32_t BOOT_PACKAGE_VERSION = 1;
constexpr uint32_t BOOT_PACKAGE_MAX_ENTRIES = 256;
constexpr uint32_t BOOT_PACKAGE_NAME_BYTES = 40;

enum boot_entry_kind : uint32_t {
    BOOT_ENTRY_INIT = 1,     // the first process, an ELF64 that the kernel starts; exactly one
    BOOT_ENTRY_PROGRAM = 2,  // an ELF64 for the user-space loader
    BOOT_ENTRY_MANIFEST = 3, // the system manifest (idl/manifest.capnp), one segment in canonical form; exactly one
    BOOT_ENTRY_DATA = 4,
};

struct boot_package_entry {
    char name[BOOT_PACKAGE_NAME_BYTES]; // NUL-terminated, unique, e.g. "logd"; the manifest: "tessera.manifest"
    uint32_t kind;                      // enum boot_entry_kind
    uint32_t zero;
    uint64_t offset_bytes; // from the start of the package; page-aligned
    uint64_t len_bytes;    // without padding
};

struct boot_package_header {
    uint64_t magic;
    uint32_t version;
    uint32_t entry_count;
    uint64_t total_bytes; // the whole package, page-rounded
    uint64_t checksum;
    uint8_t build_id[20]; // of kernel.elf, so that a mismatched pair is noticed
    uint8_t zero[12];
    struct boot_package_entry entries[];
};
