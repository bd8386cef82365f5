// The C allocation functions over VMOs of the process's own account.
//
// Small blocks come from regions of 64 KiB (only touched pages cost anything) by first fit with
// coalescing; a region that is wholly free goes back to the kernel, one spare excepted. Blocks of
// 16 KiB and more get a mapping of their own. All are 16-byte aligned and safe in every thread.
#pragma once

#include <stddef.h>

// Null when the account cannot pay. `size` 0 gives a block that can only be freed.
[[nodiscard]] void *malloc(size_t size);
[[nodiscard]] void *calloc(size_t count, size_t size); // zero-filled; null when the product does not fit
[[nodiscard]] void *realloc(void *block, size_t size); // null leaves `block` as it was
void free(void *block);                                // null is ignored
