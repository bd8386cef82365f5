// Thread-local storage of this program: ELF variant II, the image below the thread block.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "lib/tess/thread.h"

struct tess_tls {
    const unsigned char *image; // what it begins with: the rest is zero
    size_t file_bytes;
    size_t image_bytes; // room that it needs below a thread block
    size_t align;       // of the block; power of two
};
const struct tess_tls *tess_tls(void);

// Writes the initial image below `block`, which is zero-filled memory aligned as above, and its self
// pointer.
void tess_tls_fill(struct tess_thread_block *block);
