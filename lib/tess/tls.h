// Thread-local storage of this program: ELF variant II, the image below the thread block.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/tess/thread.h"

// How much room below (image) a thread block needs, and how it must be aligned.
struct tess_tls_layout {
    size_t image_bytes;
    size_t align; // power of two
};
struct tess_tls_layout tess_tls_layout(void);

// Writes the initial image below `block`, which is zero-filled memory aligned as above, and its self
// pointer.
void tess_tls_fill(struct tess_thread_block *block);
