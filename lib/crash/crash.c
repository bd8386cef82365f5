#include "lib/crash/crash.h"

#include <stdarg.h>

#include "abi/gen/decode.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/xxh64.h"

constexpr size_t LINE_BYTES = 32; // of memory

// ---- The store ----

const struct crash *crashes_find(const struct crashes *crashes, uint32_t number) {
    const struct crash *crash = &crashes->all[(number - 1) % CRASHES_MAX];
    return number != 0 && crash->number == number ? crash : nullptr;
}

static bool is_sound(const struct crash *crash, const struct crashes *of, size_t place) {
    bool ends = crash->name[NAME_BYTES - 1] == '\0' && crash->program[NAME_BYTES - 1] == '\0' && crash->reason[REMAINS_REASON_BYTES - 1] == '\0';
    if (crash->number == 0) {
        return place >= of->count % CRASHES_MAX && of->count < CRASHES_MAX;
    }
    if (crash->number > of->count || of->count - crash->number >= CRASHES_MAX || (crash->number - 1) % CRASHES_MAX != place ||
        crash->frame_count > CRASH_FRAMES || crash->mapping_count > CRASH_MAPPINGS || crash->handle_count > REMAINS_HANDLES ||
        crash->stack_bytes > CRASH_STACK_BYTES) {
        return false;
    }
    for (size_t i = 0; i < CRASH_FRAMES; i++) {
        ends = ends && crash->frames[i].function[CRASH_FUNCTION_BYTES - 1] == '\0';
    }
    for (size_t i = 0; i < CRASH_MAPPINGS; i++) {
        ends = ends && crash->mappings[i].what[CRASH_WHAT_BYTES - 1] == '\0';
    }
    for (size_t i = 0; i < REMAINS_HANDLES; i++) {
        ends = ends && crash->handles[i].name[NAME_BYTES - 1] == '\0';
    }
    return ends;
}

bool crashes_check(const struct crashes *crashes) {
    bool sound = crashes->count <= UINT32_MAX;
    for (size_t i = 0; i < CRASHES_MAX && sound; i++) {
        sound = is_sound(&crashes->all[i], crashes, i);
    }
    return sound;
}

static bool read_word(void *context, uint64_t address, uint64_t *word) {
    const struct remains *remains = context;
    const uint64_t at = address - remains->stack_at;
    if (address % sizeof(*word) != 0 || remains->stack_bytes < sizeof(*word) || at > remains->stack_bytes - sizeof(*word)) {
        return false;
    }
    memcpy(word, remains->stack + at, sizeof(*word));
    return true;
}

// The calls that led there, with the names of their functions.
static void put_calls(struct crash *crash, const struct remains *remains, const struct crash_machine *machine,
                      const struct symbols *symbols) {
    struct symbols_program program;
    struct backtrace_frame frames[CRASH_FRAMES];
    struct backtrace from = {
        .bias = remains->image_bias,
        .low = remains->image_low,
        .high = remains->image_high,
        .ip = crash->record.ip,
        .sp = crash->record.sp,
        .ip_returns = remains->record.kind != EXIT_FAULT,
        .calls_push = machine->calls_push,
        .read = read_word,
        .context = (void *)(uintptr_t)remains, // only read
    };
    if (remains->record.kind == EXIT_FAULT) {
        from.fp = machine->frame_pointer(remains->record.gpr);
        from.ra = machine->return_address(remains->record.gpr);
    }
    if (crash->has_build_id && symbols != nullptr && symbols_find(symbols, crash->build_id, &program)) {
        from.program = &program;
    }
    crash->frame_count = (uint32_t)backtrace_walk(&from, frames, CRASH_FRAMES);
    for (size_t i = 0; i < crash->frame_count; i++) {
        crash->frames[i].address = frames[i].address;
        crash->frames[i].offset = frames[i].offset;
        if (frames[i].function != nullptr) {
            (void)str_copy(crash->frames[i].function, CRASH_FUNCTION_BYTES, frames[i].function); // cut
        }
    }
}

static void put_memory(struct crash *crash, const struct remains *remains) {
    crash->stack_at = remains->stack_at;
    crash->stack_bytes = remains->stack_bytes < CRASH_STACK_BYTES ? remains->stack_bytes : CRASH_STACK_BYTES;
    memcpy(crash->stack, remains->stack, crash->stack_bytes);
}

struct crash *crashes_add(struct crashes *crashes, const struct remains *remains, const struct crash_machine *machine,
                          const struct symbols *symbols, const uint8_t build_id[SYMBOLS_BUILD_ID_BYTES]) {
    struct crash *crash = &crashes->all[crashes->count++ % CRASHES_MAX];
    const bool fault = remains->record.kind == EXIT_FAULT;
    memset(crash, 0, sizeof(*crash));
    crash->number = (uint32_t)crashes->count;
    crash->holder = remains->holder;
    memcpy(crash->name, remains->name, NAME_BYTES);
    memcpy(crash->program, remains->program, NAME_BYTES);
    memcpy(crash->reason, remains->reason, REMAINS_REASON_BYTES);
    crash->has_build_id = build_id != nullptr;
    if (build_id != nullptr) {
        memcpy(crash->build_id, build_id, SYMBOLS_BUILD_ID_BYTES);
    }
    crash->record = remains->record;
    crash->record.ip = fault ? remains->record.ip : remains->stopped_ip;
    crash->record.sp = fault ? remains->record.sp : remains->stopped_sp;
    crash->image_low = remains->image_low;
    crash->image_high = remains->image_high;
    crash->stack_low = remains->stack_low;
    crash->stack_high = remains->stack_high;
    crash->handle_count = remains->handle_count;
    crash->handles_left = remains->handles_left;
    memcpy(crash->handles, remains->handles, sizeof(crash->handles));
    put_calls(crash, remains, machine, symbols);
    crash->secret = remains->secret != 0;
    if (crash->secret) {
        memset(crash->record.gpr, 0, sizeof(crash->record.gpr));
    } else {
        put_memory(crash, remains);
    }
    return crash;
}

void crash_add_mapping(struct crash *crash, uint64_t low, uint64_t high, uint32_t protection, const char *what) {
    if (crash->mapping_count < CRASH_MAPPINGS) {
        struct crash_mapping *mapping = &crash->mappings[crash->mapping_count++];
        *mapping = (struct crash_mapping){.low = low, .high = high, .protection = protection};
        (void)str_copy(mapping->what, sizeof(mapping->what), what); // cut
    }
}

const struct crash_frame *crash_place(const struct crash *crash) {
    for (size_t i = 0; i < crash->frame_count; i++) {
        if (crash->frames[i].function[0] != '\0') {
            return &crash->frames[i];
        }
    }
    return nullptr;
}

// ---- The text ----

struct text {
    char *to;
    size_t size, len;
};

[[gnu::format(printf, 2, 3)]] static void put(struct text *text, const char *format, ...) {
    va_list args;
    va_start(args, format);
    text->len += fmt_vsnprintf(text->to + text->len, text->size - text->len, format, args);
    va_end(args);
    text->len = text->len < text->size ? text->len : text->size - 1;
}

static void put_bytes(struct text *text, const uint8_t *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        put(text, "%02x", bytes[i]);
    }
}

static void put_registers(struct text *text, const struct crash *crash, const char *const names[16]) {
    const struct exit_record *record = &crash->record;
    const size_t count = record->kind == EXIT_FAULT && !crash->secret ? 16 : 0;
    put(text, "registers ip %#lx sp %#lx", record->ip, record->sp);
    if (record->kind == EXIT_FAULT) {
        put(text, " flags %#lx", record->flags);
    }
    for (size_t i = 0; i < count; i++) {
        put(text, "%s", i % 4 == 0 ? "\nregisters" : "");
        if (names[i] != nullptr) {
            put(text, " %s %#lx", names[i], record->gpr[i]);
        }
    }
    put(text, "\n");
}

static void put_frames(struct text *text, const struct crash *crash) {
    for (size_t i = 0; i < crash->frame_count; i++) {
        const struct crash_frame *frame = &crash->frames[i];
        put(text, "frame %zu %#lx", i, frame->address);
        if (frame->function[0] != '\0') {
            put(text, " %s+%#x", frame->function, frame->offset);
        }
        put(text, "\n");
    }
}

static void put_handles(struct text *text, const struct crash *crash) {
    for (size_t i = 0; i < crash->handle_count; i++) {
        const struct remains_handle *handle = &crash->handles[i];
        char rights[96];
        abi_rights_text(handle->rights, rights, sizeof(rights));
        put(text, "handle %#x %s %#lx %#lx %s %s\n", handle->handle, abi_object_name(handle->type), handle->badge,
            handle->interface_id, handle->name, rights);
    }
    if (crash->handles_left > 0) {
        put(text, "handles left %u\n", crash->handles_left);
    }
}

static void put_mappings(struct text *text, const struct crash *crash) {
    for (size_t i = 0; i < crash->mapping_count; i++) {
        const struct crash_mapping *mapping = &crash->mappings[i];
        put(text, "mapping %#lx %#lx %c%c%c %s\n", mapping->low, mapping->high, (mapping->protection & PROT_READ) != 0 ? 'r' : '-',
            (mapping->protection & PROT_WRITE) != 0 ? 'w' : '-', (mapping->protection & PROT_EXECUTE) != 0 ? 'x' : '-', mapping->what);
    }
}

size_t crash_text(const struct crash *crash, const struct crash_machine *machine, char *to, size_t size) {
    struct text text = {.to = to, .size = size};
    put(&text, "-- minidump %u of %s --\nprogram %s\nbuild ", crash->number, crash->name, crash->program);
    if (crash->has_build_id) {
        put_bytes(&text, crash->build_id, sizeof(crash->build_id));
    } else {
        put(&text, "unknown");
    }
    put(&text, "\nmachine %s\ntime %lu ns\nwhy %s\nended %s\n%s", machine->name, crash->record.time_ns, crash->reason,
        crash->record.kind == EXIT_FAULT ? "fault" : "itself", crash->secret ? "withheld\n" : "");
    put(&text, "image %#lx %#lx\nstack %#lx %#lx\n", crash->image_low, crash->image_high, crash->stack_low, crash->stack_high);
    put_registers(&text, crash, machine->registers);
    put_frames(&text, crash);
    put_handles(&text, crash);
    put_mappings(&text, crash);
    for (size_t at = 0; at < crash->stack_bytes; at += LINE_BYTES) {
        const size_t left = crash->stack_bytes - at;
        put(&text, "memory %#lx ", crash->stack_at + at);
        put_bytes(&text, crash->stack + at, left < LINE_BYTES ? left : LINE_BYTES);
        put(&text, "\n");
    }
    put(&text, "-- end %016lx --\n", xxh64(to, text.len, 0));
    return text.len;
}
