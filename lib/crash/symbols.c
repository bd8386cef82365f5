#include "lib/crash/symbols.h"

#include "base/checked.h"
#include "base/mem.h"

constexpr size_t HEADER_BYTES = 16, PROGRAM_BYTES = 36, FUNCTION_BYTES = 16, ROW_BYTES = 4;

static uint64_t load(const uint8_t *bytes, size_t count) {
    uint64_t value = 0;
    for (size_t i = count; i-- > 0;) {
        value = value << 8 | bytes[i];
    }
    return value;
}

static uint32_t load_u32(const uint8_t *bytes) {
    return (uint32_t)load(bytes, 4);
}

bool symbols_open(const void *bytes, size_t len, struct symbols *out) {
    *out = (struct symbols){.bytes = bytes, .len = len};
    if (len < HEADER_BYTES || load(out->bytes, 8) != SYMBOLS_MAGIC) {
        return false;
    }
    out->programs = load_u32(out->bytes + 8);
    out->names_at = load_u32(out->bytes + 12);
    return out->names_at <= len && range_within(HEADER_BYTES, (uint64_t)out->programs * PROGRAM_BYTES, len);
}

bool symbols_find(const struct symbols *symbols, const uint8_t build_id[SYMBOLS_BUILD_ID_BYTES], struct symbols_program *out) {
    for (uint32_t i = 0; i < symbols->programs; i++) {
        const uint8_t *entry = symbols->bytes + HEADER_BYTES + (size_t)i * PROGRAM_BYTES;
        if (memcmp(entry, build_id, SYMBOLS_BUILD_ID_BYTES) != 0) {
            continue;
        }
        const uint8_t *numbers = entry + SYMBOLS_BUILD_ID_BYTES;
        *out = (struct symbols_program){symbols, load_u32(numbers), load_u32(numbers + 4), load_u32(numbers + 8),
                                        load_u32(numbers + 12)};
        return range_within(out->functions_at, (uint64_t)out->functions * FUNCTION_BYTES, symbols->len) &&
               range_within(out->rows_at, (uint64_t)out->rows * ROW_BYTES, symbols->len);
    }
    return false;
}

static const uint8_t *function_entry(const struct symbols_program *program, uint32_t index) {
    return program->of->bytes + program->functions_at + (size_t)index * FUNCTION_BYTES;
}

// How many functions begin at this address or before it.
static uint32_t functions_up_to(const struct symbols_program *program, uint64_t address) {
    uint32_t low = 0, high = program->functions;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (load_u32(function_entry(program, middle)) <= address) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool symbols_at(const struct symbols_program *program, uint64_t address, struct symbols_function *out) {
    const struct symbols *symbols = program->of;
    const uint32_t count = functions_up_to(program, address);
    if (count == 0) {
        return false;
    }
    const uint8_t *entry = function_entry(program, count - 1);
    const uint64_t name_at = (uint64_t)symbols->names_at + load_u32(entry + 8);
    *out = (struct symbols_function){
        .start = load_u32(entry),
        .size = load_u32(entry + 4),
        .first_row = load_u32(entry + 12),
        .end_row = count < program->functions ? load_u32(function_entry(program, count) + 12) : program->rows,
    };
    if (name_at >= symbols->len || memchr(symbols->bytes + name_at, '\0', symbols->len - name_at) == nullptr) {
        return false;
    }
    out->name = (const char *)symbols->bytes + name_at;
    return address - out->start < out->size;
}

uint16_t symbols_row(const struct symbols_program *program, const struct symbols_function *function, uint64_t address) {
    const uint64_t offset = address - function->start;
    uint16_t value = SYMBOLS_UNKNOWN;
    for (uint32_t i = function->first_row; i < function->end_row && i < program->rows; i++) {
        const uint8_t *row = program->of->bytes + program->rows_at + (size_t)i * ROW_BYTES;
        if (load(row, 2) > offset) {
            break;
        }
        value = (uint16_t)load(row + 2, 2);
    }
    return value;
}

// ELF-64, as far as it takes to find a note: System V gABI, chapter 5, "Note Section".
bool symbols_build_id(const uint8_t *image, size_t len, uint8_t build_id[SYMBOLS_BUILD_ID_BYTES]) {
    constexpr uint32_t PT_NOTE = 4, NT_GNU_BUILD_ID = 3;
    constexpr size_t ELF_HEADER_BYTES = 64, SEGMENT_BYTES = 56, NOTE_HEADER_BYTES = 16; // with the name "GNU"
    if (len < ELF_HEADER_BYTES) {
        return false;
    }
    const uint64_t table = load(image + 32, 8), count = load(image + 56, 2);
    for (uint64_t i = 0; i < count && load(image + 54, 2) == SEGMENT_BYTES; i++) {
        if (table > len || !range_within(table, (i + 1) * SEGMENT_BYTES, len)) {
            return false;
        }
        const uint8_t *segment = image + table + i * SEGMENT_BYTES;
        const uint64_t at = load(segment + 8, 8), bytes = load(segment + 32, 8);
        if (load_u32(segment) != PT_NOTE || bytes < NOTE_HEADER_BYTES + SYMBOLS_BUILD_ID_BYTES || !range_within(at, bytes, len)) {
            continue;
        }
        const uint8_t *note = image + at;
        if (load_u32(note) == 4 && load_u32(note + 4) == SYMBOLS_BUILD_ID_BYTES && load_u32(note + 8) == NT_GNU_BUILD_ID &&
            memcmp(note + 12, "GNU", 4) == 0) {
            memcpy(build_id, note + NOTE_HEADER_BYTES, SYMBOLS_BUILD_ID_BYTES);
            return true;
        }
    }
    return false;
}
