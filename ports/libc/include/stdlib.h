// ISO C 7.24, what ports of plain libraries use. The heap is lib/tess's.
#pragma once

#include "lib/tess/heap.h"

[[noreturn]] void abort(void); // ports/libc/abort.c: ends the program as a panic does
