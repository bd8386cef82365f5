// A system in one text file: which services there are, which programs may be run, and exactly what each
// of them is granted. The same code checks it on the host when the image is built, and reads it in
// init at boot.
//
// One statement a line, `#` begins a comment:
//
//   system NAME
//   include PROGRAM ...                 pack these programs too
//   service NAME {                      started at boot, in this order, and supervised
//   program NAME {                      a template for what is run on demand
//       program   NAME                  of the file in the boot package; default: the block's own name
//       memory    SIZE                  limit of its account, with K, M or G; required
//       stack     SIZE                  default 64K
//       band      realtime|interactive|normal|background          default normal
//       restart   always|on-failure|never                         services only; default always
//       essential                       services only: when it is given up, the system stops
//       args      "TEXT" ... cmdline    cmdline: the boot command line
//       provides  NAME ...              services only: makes an endpoint of that name and interface
//       grant     NAME = WHAT           one capability of its CapSet:
//                     service NAME [control] | supervisor [control] | inspector | trace |
//                     notification | endpoint |
//                     ioport BASE COUNT | interrupt LINE |
//                     serial console|spare registers|interrupt | resource power|mint|all | account SIZE |
//                     boot_package | file NAME     of the boot package, to be read
//       resolve   NAME ...              what the registry will resolve for it
//   }
//
// Everything else is refused, with the line and what was expected instead.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr size_t MANIFEST_NAME_BYTES = 24; // with its NUL
constexpr size_t MANIFEST_UNITS_MAX = 96;
constexpr size_t MANIFEST_GRANTS_MAX = 768;
constexpr size_t MANIFEST_WORDS_MAX = 768;      // args, provides, resolves, includes, in all
constexpr size_t MANIFEST_TEXT_MAX = 16 * 1024; // characters of those
constexpr uint64_t MANIFEST_MEMORY_MIN = 64 * 1024;
constexpr uint64_t MANIFEST_MEMORY_MAX = 1ull << 40;
constexpr uint64_t MANIFEST_STACK_MIN = 8 * 1024;
constexpr uint64_t MANIFEST_STACK_MAX = 512 * 1024;

enum manifest_unit_kind : uint8_t { MANIFEST_SERVICE, MANIFEST_PROGRAM };

enum manifest_restart : uint8_t {
    MANIFEST_RESTART_NEVER,
    MANIFEST_RESTART_ON_FAILURE,
    MANIFEST_RESTART_ALWAYS
};

enum manifest_grant_kind : uint8_t {
    MANIFEST_GRANT_SERVICE, // target: what some service provides
    MANIFEST_GRANT_SUPERVISOR,
    MANIFEST_GRANT_INSPECTOR,
    MANIFEST_GRANT_TRACE,
    MANIFEST_GRANT_NOTIFICATION, // a fresh one
    MANIFEST_GRANT_ENDPOINT,     // a fresh one, all rights
    MANIFEST_GRANT_IOPORT,       // first: base, second: count
    MANIFEST_GRANT_INTERRUPT,    // first: line
    MANIFEST_GRANT_SERIAL,       // first: enum manifest_serial, second: enum manifest_serial_part
    MANIFEST_GRANT_RESOURCE,     // first: enum manifest_resource
    MANIFEST_GRANT_ACCOUNT,      // first: bytes
    MANIFEST_GRANT_BOOT_PACKAGE,
    MANIFEST_GRANT_FILE, // target: what it is called in the boot package
    MANIFEST_GRANT_KIND_COUNT,
};

enum manifest_resource : uint64_t {
    MANIFEST_RESOURCE_POWER = 1,
    MANIFEST_RESOURCE_MINT = 2,
    MANIFEST_RESOURCE_ALL = 3
};

// A serial port of whatever machine it is.
enum manifest_serial : uint64_t {
    MANIFEST_SERIAL_CONSOLE = 0,
    MANIFEST_SERIAL_SPARE = 1, // not the console's; the only one where there is no other
};

enum manifest_serial_part : uint64_t {
    MANIFEST_SERIAL_REGISTERS = 0, // an ioport, or a VMO of device memory
    MANIFEST_SERIAL_INTERRUPT = 1,
};

struct manifest_grant {
    char name[MANIFEST_NAME_BYTES];
    char target[MANIFEST_NAME_BYTES];
    uint64_t first, second;
    uint32_t line;
    enum manifest_grant_kind kind;
    bool control; // service, supervisor: the control facet
};

// A run of `words` of the manifest.
struct manifest_list {
    uint16_t first, count;
};

struct manifest_unit {
    char name[MANIFEST_NAME_BYTES];
    char program[MANIFEST_NAME_BYTES];
    uint32_t line;
    enum manifest_unit_kind kind;
    enum manifest_restart restart;
    uint8_t band; // enum band
    bool essential;
    uint64_t memory_bytes;
    uint64_t stack_bytes;
    uint16_t grant_first, grant_count;
    struct manifest_list args, provides, resolves;
};

struct manifest {
    char system[MANIFEST_NAME_BYTES];
    size_t unit_count, grant_count, word_count, text_used;
    struct manifest_list includes;
    struct manifest_unit units[MANIFEST_UNITS_MAX]; // in the file's order
    struct manifest_grant grants[MANIFEST_GRANTS_MAX];
    const char *words[MANIFEST_WORDS_MAX]; // into `text`; the argument `cmdline` is manifest_cmdline
    uint32_t word_lines[MANIFEST_WORDS_MAX];
    char text[MANIFEST_TEXT_MAX];
};

// Stands for the boot command line among the arguments; compared by address.
extern const char manifest_cmdline[];

struct manifest_error {
    uint32_t line;
    char text[200]; // one line for people: what is wrong, what is expected
};

// Reads and checks the whole manifest. `text` need not be terminated and is not kept. On failure *error
// describes the first mistake and *out is undefined. *out is large: not for the stack.
[[nodiscard]] bool manifest_parse(const char *text, size_t len_bytes, struct manifest *out,
                                  struct manifest_error *error);

// Null when there is none.
const struct manifest_unit *manifest_find(const struct manifest *manifest, enum manifest_unit_kind kind,
                                          const char *name);

// The service that provides `name`, null when none does.
const struct manifest_unit *manifest_provider(const struct manifest *manifest, const char *name);

// What is granted, in the manifest's words ("service log control"); cut when it does not fit.
void manifest_grant_source(const struct manifest_grant *grant, char *to, size_t size);

// Every program file that the package must hold, once each, by index from 0; null at the end.
const char *manifest_program_file(const struct manifest *manifest, size_t index);

// The same for other files.
const char *manifest_data_file(const struct manifest *manifest, size_t index);
