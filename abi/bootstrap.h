// What a new process finds: the one argument of its first thread is the address of a struct bootstrap.
//
// Whoever starts a process (the kernel for init, the user-space loader for all others) writes the block
// into memory of its own, and maps it read-only into the new process: the header, then the capset, then
// the strings, all in one piece of `size_bytes`. Offsets count from the start of the block.
//
// The handles are the process's own: it has these and no others (law 1). 0 means "not granted".
//
// State of the first thread at entry: the first argument register (x86-64: rdi) holds the address of
// the block, the stack pointer is 16-byte aligned with nothing above it to return to, the thread
// pointer (x86-64: FS base) is `tls_base`, all other registers are zero.
//
// Thread pointer: for programs that the loader starts, `tls_base` is a complete thread control block:
// the initial TLS image lies below it, its first word points to itself. For init, which nobody loads,
// at least BOOTSTRAP_INIT_TLS_BYTES below and above `tls_base` are zero-filled memory, and init's own
// start code puts its TLS image there.
//
// Relocation: the loader applies a program's relocations. The kernel applies none: init is linked at
// fixed addresses (ET_EXEC), or is an ET_DYN that lies at `image_base` and relocates itself.
#pragma once

#include <stdint.h>

constexpr uint64_t BOOTSTRAP_MAGIC = 0x3130'5453'424d'4554; // "TEMBST01"
constexpr uint32_t BOOTSTRAP_VERSION = 8;
constexpr uint32_t BOOTSTRAP_MAX_BYTES = 64 * 1024;
constexpr uint32_t BOOTSTRAP_MAX_CAPS = 128;
constexpr uint32_t BOOTSTRAP_NAME_BYTES = 40;
constexpr uint32_t BOOTSTRAP_CAP_NAME_BYTES = 24;
constexpr uint32_t BOOTSTRAP_INIT_TLS_BYTES = 2048;
constexpr uint64_t BOOTSTRAP_INIT_IMAGE_BASE = 0x40'0000; // where an ET_DYN init lies

// One capability by the name under which the manifest grants it, e.g. "log".
struct bootstrap_cap {
    char name[BOOTSTRAP_CAP_NAME_BYTES]; // NUL-terminated
    uint32_t handle;
    uint32_t type;         // enum object_type
    uint64_t interface_id; // of an endpoint, or of the kernel's objects of this type (idl/kernel.capnp)
    uint32_t line;         // of the manifest, that grants it; 0: none does
    uint32_t file_offset;  // the name of the manifest's file (bootstrap_text)
    uint64_t koid;         // of the object, for who asks about it when the handle has been taken back; 0: nobody said
};

// now_ns = ((counter - base) * mult) >> 32, in 128 bits, where counter is the processor's time-stamp
// counter (x86-64: rdtsc). Zero is when the kernel started.
struct bootstrap_clock {
    uint64_t base;
    uint64_t mult; // nanoseconds in a tick, 32.32 fixed point
};

// Where the numbers came from that the boot code gave to init, and of which all `seed`s are made.
enum seed_source : uint32_t {
    SEED_CLOCK = 0,     // the jitter of a clock: perhaps somebody can guess them
    SEED_PROCESSOR = 1, // the processor's own source
    SEED_FIRMWARE = 2,  // the firmware's
};

// A serial port: a 16550. For init alone; the console's comes first.
enum serial_kind : uint32_t {
    SERIAL_NONE = 0,
    SERIAL_PORTS = 1,  // behind `len` I/O ports
    SERIAL_MEMORY = 2, // behind `len` bytes of device memory
};

struct bootstrap_serial {
    uint32_t kind; // enum serial_kind
    uint32_t line; // for resource.mint_interrupt
    uint64_t base;
    uint32_t len;
    uint32_t register_shift; // registers lie 1 << register_shift bytes apart
};

constexpr uint32_t BOOTSTRAP_SERIAL_PORTS = 2;

// The real-time clock. For init alone.
enum rtc_kind : uint32_t {
    RTC_NONE = 0,
    RTC_CMOS = 1,     // a PC's, behind `len` I/O ports
    RTC_GOLDFISH = 2, // a goldfish-rtc, behind `len` bytes of device memory
};

struct bootstrap_rtc {
    uint32_t kind; // enum rtc_kind
    uint32_t len;
    uint64_t base;
};

struct bootstrap {
    uint64_t magic;
    uint32_t version;
    uint32_t size_bytes; // of the whole block

    // The process's own handles; any of them may be withheld.
    uint32_t process;
    uint32_t thread;       // the first thread: bootstrap_thread reads it
    uint32_t thread_check; // all bits of it inverted
    uint32_t vspace;
    uint32_t account; // what it may spend
    uint32_t zero;

    char program[BOOTSTRAP_NAME_BYTES]; // NUL-terminated
    uint64_t image_base;                // load bias: what is added to the ELF file's addresses
    uint64_t message_page;              // of the first thread, 0 when it has none
    uint64_t stack_base;                // lowest usable address of the first thread's stack ...
    uint64_t stack_bytes;               // ... and its size; the page below is never mapped
    uint64_t tls_base;                  // the first thread's thread pointer, 0 when it has none
    struct bootstrap_clock clock;
    uint64_t seed[2];       // of the program's random numbers; another one for every process
    uint64_t entry_counter; // time-stamp counter at the boot code's first instruction, 0 when unknown

    uint32_t cap_count;
    uint32_t caps_offset; // struct bootstrap_cap[cap_count], 8-byte aligned
    uint32_t argc;
    uint32_t args_offset; // argc NUL-terminated strings, one after another
    uint32_t args_bytes;  // all of them with their NULs
    uint32_t seed_source; // enum seed_source

    uint64_t user_end; // first address that is no program's: USER_END, or lower where the processor ends earlier
    struct bootstrap_serial serial[BOOTSTRAP_SERIAL_PORTS]; // init only: what the machine has
    struct bootstrap_rtc rtc;

    uint32_t line;        // of the manifest, where the program is described; 0: nowhere
    uint32_t file_offset; // of the name of that file
};
static_assert(sizeof(struct bootstrap_cap) == 56);
static_assert(sizeof(struct bootstrap) == 264);

// The first thread's handle; 0 while it is not there. The loader can only write it when the thread exists, which runs by then, and
// another processor may see the bytes arrive one by one: they count when all of them do.
static inline uint32_t bootstrap_thread(const volatile struct bootstrap *b) {
    const uint32_t check = b->thread_check, thread = b->thread;
    return check == ~thread ? thread : 0;
}

static inline const struct bootstrap_cap *bootstrap_caps(const struct bootstrap *b) {
    return (const struct bootstrap_cap *)((const char *)b + b->caps_offset);
}
static inline const char *bootstrap_args(const struct bootstrap *b) {
    return (const char *)b + b->args_offset;
}

// A string of the block; "" for offset 0.
static inline const char *bootstrap_text(const struct bootstrap *b, uint32_t offset) {
    return offset != 0 ? (const char *)b + offset : "";
}

// What init gets, with every right that the type has, beside its own process, thread, vspace and the
// root account. argv: "init" and, when there is one, the boot command line as a single string.
#define BOOTSTRAP_CAP_RESOURCE "resource"         // the machine
#define BOOTSTRAP_CAP_INSPECTOR "inspector"       // the view of the whole system
#define BOOTSTRAP_CAP_TRACE "trace"               // the events that the kernel can write down
#define BOOTSTRAP_CAP_BOOT_PACKAGE "boot_package" // VMO of the package: READ, MAP, EXECUTE, no WRITE
