// Where things lie in a program's address space when it is started: for the loader (spawn.c), and for who explains what is left of it.
#pragma once

#include "abi/bootstrap.h"
#include "abi/limits.h"
#include "abi/message.h"
#include "lib/elf/elf.h"
#include "lib/tess/spawn.h"

// Everything below IMAGE_BASE plus a small program shares one page-table page.
constexpr uint64_t BOOTSTRAP_AT = 0x1'0000; // up to BOOTSTRAP_MAX_BYTES
constexpr uint64_t STACK_TOP = 0xf'0000; // guard below the lowest stack page: nothing else is mapped there
constexpr uint64_t MESSAGE_PAGE_AT = STACK_TOP;
constexpr uint64_t IMAGE_BASE = 0x10'0000;
static_assert(BOOTSTRAP_AT + BOOTSTRAP_MAX_BYTES < STACK_TOP - SPAWN_STACK_MAX - PAGE_BYTES);
static_assert(MESSAGE_PAGE_AT + MESSAGE_PAGE_BYTES <= IMAGE_BASE);
static_assert(IMAGE_BASE % ELF_MAX_ALIGN == 0);
