// Memory from the host's operating system, apart because its header's names meet ours.
#pragma once

#include <stddef.h>

// Zero-filled, not backed until touched. Ends the program when there is none.
void *host_pages_map(size_t len_bytes);
void host_pages_unmap(void *pages, size_t len_bytes);
