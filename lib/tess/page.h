// The calling thread's message page: memory that the kernel can reach without a fault. Whatever
// `page_bytes` an info word announces begins at its start. A call or reply overwrites it with what
// comes back, so nothing that must last lives there.
#pragma once

#include "abi/message.h"
#include "lib/tess/thread.h"

// MESSAGE_PAGE_BYTES bytes, page-aligned; null in a thread that was created without one.
static inline void *tess_message_page(void) {
    return tess_thread_block()->message_page;
}
