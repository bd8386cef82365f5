// A system (idl/manifest.capnp) as the boot package holds it: a message of one segment in canonical form. The same code
// checks it on the host when the package is built, and reads it in init at boot.
//
// Nothing is copied: names and lists lie in the message. After manifest_open everything in it is known to be as the checks
// say, in particular each text is without a NUL inside, and each name is one.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "idl/manifest.capnp.h"

constexpr size_t MANIFEST_NAME_BYTES = 24; // with its NUL
constexpr size_t MANIFEST_UNITS_MAX = 96;
constexpr size_t MANIFEST_GRANTS_MAX = 768; // of all units
constexpr size_t MANIFEST_PROVIDED_MAX = 63; // with the supervisor, which init provides, a set fits into a word
constexpr size_t MANIFEST_RESOLVES_MAX = 256; // of all units
constexpr size_t MANIFEST_RULES_MAX = 256;
constexpr size_t MANIFEST_OPERATIONS_MAX = 64;
constexpr size_t MANIFEST_ARGUMENTS_MAX = 31; // of one unit
constexpr size_t MANIFEST_SOURCE_BYTES = 64;
constexpr uint64_t MANIFEST_MEMORY_MIN = 64 * 1024;
constexpr uint64_t MANIFEST_MEMORY_MAX = 1ull << 40;
constexpr uint64_t MANIFEST_KEEP_MAX = 16 * 1024 * 1024;
constexpr uint64_t MANIFEST_STACK_MIN = 8 * 1024;
constexpr uint64_t MANIFEST_STACK_MAX = 512 * 1024;

enum manifest_unit_kind : uint8_t { MANIFEST_SERVICE, MANIFEST_PROGRAM };

// A service or a program. What only services have is empty, false and `never` in a program.
struct manifest_unit {
    const char *name;
    const char *program; // its file in the boot package
    const char *source;  // the file and the line where it is written
    uint32_t line;
    enum manifest_unit_kind kind;
    bool essential, mints, secret;
    enum manifest_band band;
    enum manifest_restart restart;
    uint64_t memory_bytes, stack_bytes;
    uint32_t ready_ms, probe_ms, answer_ms, stop_ms; // as in the schema
    uint32_t budget;
    uint32_t modes;                                  // a bit for each enum manifest_mode
    struct manifest_argument_list args;
    struct manifest_grant_list grants;
    struct capnp_text_list provides;
    struct manifest_resolve_list resolves;
};

struct manifest {
    struct capnp_message message;
    struct manifest_system system;
    const char *name;
    size_t unit_count;
    struct manifest_unit units[MANIFEST_UNITS_MAX]; // services in their order, then programs
};

struct manifest_error {
    char where[72];     // the way from the constant to what is wrong: "services[3].grants[0].ioport"
    const char *source; // the file and the line of the grant or unit that this is in; in the message, null when there is none
    uint32_t line;
    char text[480]; // one line for people: what is wrong; and what to write there
};

// Reads and checks all of it. The words are kept as long as *out, 8-byte aligned and never changed. On failure *error
// describes the first mistake, and *out is undefined. *out is large, and stays where it is.
[[nodiscard]] bool manifest_open(const void *words, size_t len_bytes, struct manifest *out, struct manifest_error *error);

// Null when there is none.
const struct manifest_unit *manifest_find(const struct manifest *manifest, enum manifest_unit_kind kind,
                                          const char *name);

// The service that provides `name`, null when none does.
const struct manifest_unit *manifest_provider(const struct manifest *manifest, const char *name);

// The service that grant number `index` of a service makes it depend on; null when that makes it depend on none.
const struct manifest_unit *manifest_needs(const struct manifest *manifest, const struct manifest_unit *unit, uint32_t index);

constexpr uint32_t MANIFEST_MODES = MANIFEST_MODE_RECOVERY + 1;

// "full", "reduced", "safe", "recovery".
extern const char *const manifest_mode_names[MANIFEST_MODES];

// The file that a `source` field means; empty when it means none.
const char *manifest_source(const struct manifest *manifest, uint16_t source);

static inline const char *manifest_word(struct capnp_text_list list, uint32_t index) {
    return capnp_text_list_get(list, index).bytes;
}

// An argument, or manifest_boot_command_line, which stands for that of the machine and is compared by address.
extern const char manifest_boot_command_line[];
const char *manifest_argument_word(const struct manifest_unit *unit, uint32_t index);

// What is granted, in words ("service log control"); cut when it does not fit.
void manifest_grant_text(struct manifest_grant grant, char *to, size_t size);

// What programs are granted that is not made anew for each of them, so that who runs them must hold it: each thing once, as the
// first grant that names it, by index from 0. False at the end.
bool manifest_lent(const struct manifest *manifest, size_t index, struct manifest_grant *out);

// Whether two such grants are of the same thing; control apart.
bool manifest_same_lent(struct manifest_grant one, struct manifest_grant other);

// Under what names a unit finds what the grant `programs` is, beside the package under that name itself: the account for jobs, and
// `PREFIX` with the index for each thing of manifest_lent.
#define MANIFEST_PROGRAMS "programs"
#define MANIFEST_PROGRAMS_ACCOUNT MANIFEST_PROGRAMS ".account"
#define MANIFEST_PROGRAMS_PREFIX MANIFEST_PROGRAMS "."

// What the grant `crashes` is called, and what comes with it: a notification that is signalled with CRASHES_NEWS_BIT.
#define MANIFEST_CRASHES "crashes"
#define MANIFEST_CRASHES_NEWS MANIFEST_CRASHES ".news"
constexpr uint64_t MANIFEST_CRASHES_NEWS_BIT = 1ull << 63;

// Every program that the package must hold, once each, by index from 0; null at the end.
const char *manifest_packed_program(const struct manifest *manifest, size_t index);

// The same for the files that are granted.
const char *manifest_packed_file(const struct manifest *manifest, size_t index);
