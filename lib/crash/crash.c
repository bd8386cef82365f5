#include "lib/crash/crash.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/mem.h"
#include "base/xxh64.h"

constexpr size_t LINE_BYTES = 32; // of memory

struct crash *crashes_add(struct crashes *crashes) {
    struct crash *crash = &crashes->all[crashes->count++ % CRASHES_MAX];
    memset(crash, 0, sizeof(*crash));
    crash->number = crashes->count;
    return crash;
}

const struct crash *crashes_find(const struct crashes *crashes, uint32_t number) {
    const struct crash *crash = &crashes->all[(number - 1) % CRASHES_MAX];
    return number != 0 && crash->number == number ? crash : nullptr;
}

const struct backtrace_frame *crash_place(const struct crash *crash) {
    for (size_t i = 0; i < crash->frame_count; i++) {
        if (crash->frames[i].function != nullptr) {
            return &crash->frames[i];
        }
    }
    return nullptr;
}

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

static void put_registers(struct text *text, const struct exit_record *record, const char *const names[16]) {
    put(text, "registers ip %#lx sp %#lx", record->ip, record->sp);
    if (record->kind == EXIT_FAULT) {
        put(text, " flags %#lx", record->flags);
    }
    for (size_t i = 0; record->kind == EXIT_FAULT && i < 16; i++) {
        put(text, "%s", i % 4 == 0 ? "\nregisters" : "");
        if (names[i] != nullptr) {
            put(text, " %s %#lx", names[i], record->gpr[i]);
        }
    }
    put(text, "\n");
}

static void put_frames(struct text *text, const struct crash *crash) {
    for (size_t i = 0; i < crash->frame_count; i++) {
        const struct backtrace_frame *frame = &crash->frames[i];
        put(text, "frame %zu %#lx", i, frame->address);
        if (frame->function != nullptr) {
            put(text, " %.64s+%#x", frame->function, frame->offset);
        }
        put(text, "\n");
    }
}

size_t crash_text(const struct crash *crash, const char *machine, const char *const registers[16], char *to, size_t size) {
    struct text text = {.to = to, .size = size};
    put(&text, "-- minidump %u of %s --\nprogram %s\nbuild ", crash->number, crash->name, crash->program);
    if (crash->has_build_id) {
        put_bytes(&text, crash->build_id, sizeof(crash->build_id));
    } else {
        put(&text, "unknown");
    }
    put(&text, "\nmachine %s\ntime %lu ns\nwhy %s\nended %s\n", machine, crash->record.time_ns, crash->reason,
        crash->record.kind == EXIT_FAULT ? "fault" : "itself");
    put(&text, "image %#lx %#lx\nstack %#lx %#lx\n", crash->image_low, crash->image_high, crash->stack_low, crash->stack_high);
    put_registers(&text, &crash->record, registers);
    put_frames(&text, crash);
    for (size_t at = 0; at < crash->stack_bytes; at += LINE_BYTES) {
        const size_t left = crash->stack_bytes - at;
        put(&text, "memory %#lx ", crash->stack_at + at);
        put_bytes(&text, crash->stack + at, left < LINE_BYTES ? left : LINE_BYTES);
        put(&text, "\n");
    }
    put(&text, "-- end %016lx --\n", xxh64(to, text.len, 0));
    return text.len;
}
