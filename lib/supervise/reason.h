// Why a process ended, in words for people.
#pragma once

#include <stddef.h>

#include "abi/message.h"

// Where the program's parts lay, so that addresses can be told in its own terms.
struct reason_image {
    const char *name;               // of the program file
    uint64_t base, end;             // of the image
    uint64_t stack_low, stack_high; // of the first thread's stack
};

// "exit code 3", "killed", "page fault: read of 0x0 at hello+0x1234 (thread 57)". Terminated, cut when
// it does not fit. An address that lies in the image is told as an offset that llvm-addr2line knows.
void reason_text(const struct exit_record *record, const struct reason_image *image, char *to, size_t size);

// The registers of a fault, in one line; `names` are those of exit_record.gpr, null where there is none.
void reason_registers(const struct exit_record *record, const char *const names[16], char *to, size_t size);
