// The table of functions that tools/symbols.py makes of programs: which function an address is in, and where its caller is.
//
//   u64 magic, u32 programs, u32 where the names begin
//   each program:  u8 build id[20], u32 functions, u32 where they are, u32 rows, u32 where they are
//   each function: u32 start, u32 size, u32 name, u32 first row      ascending; the rows go on to those of the next one
//   each row:      u16 offset from the function's start, u16 value   ascending, from 0
//   names, each with a NUL
//
// All little-endian, and without alignment. A row holds from its offset on. Its value says where the frame ends: bits 0 to 13,
// in words, above the stack pointer or (SYMBOLS_BY_FRAME_POINTER) the frame pointer; the return address lies right below the
// end, or is in its register (SYMBOLS_IN_REGISTER). SYMBOLS_UNKNOWN: nobody knows.
//
// Pure. Nothing in the table is believed: what does not fit is not there.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr uint64_t SYMBOLS_MAGIC = 0x3130'4d59'5353'5354; // "TSSSYM01"
constexpr size_t SYMBOLS_BUILD_ID_BYTES = 20;
constexpr uint16_t SYMBOLS_UNKNOWN = 0xffff, SYMBOLS_BY_FRAME_POINTER = 0x8000, SYMBOLS_IN_REGISTER = 0x4000;
constexpr uint16_t SYMBOLS_WORDS = 0x3fff;

struct symbols {
    const uint8_t *bytes;
    size_t len;
    uint32_t programs, names_at;
};

// The functions of one program.
struct symbols_program {
    const struct symbols *of;
    uint32_t functions, functions_at, rows, rows_at;
};

struct symbols_function {
    const char *name;
    uint32_t start, size;
    uint32_t first_row, end_row;
};

// The bytes stay where they are as long as *out is used. False: they are no such table.
[[nodiscard]] bool symbols_open(const void *bytes, size_t len, struct symbols *out);

// The program with this build id; false when the table has none.
[[nodiscard]] bool symbols_find(const struct symbols *symbols, const uint8_t build_id[SYMBOLS_BUILD_ID_BYTES],
                                struct symbols_program *out);

// The function that an address of the program's file is in.
[[nodiscard]] bool symbols_at(const struct symbols_program *program, uint64_t address, struct symbols_function *out);

// The row that holds at an address inside of the function.
uint16_t symbols_row(const struct symbols_program *program, const struct symbols_function *function, uint64_t address);

// The build id of an ELF file, false when it has none of 20 bytes.
[[nodiscard]] bool symbols_build_id(const uint8_t *image, size_t len, uint8_t build_id[SYMBOLS_BUILD_ID_BYTES]);
