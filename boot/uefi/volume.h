// Files of the volume that the loader itself was loaded from, read whole into pages.
#pragma once

#include "boot/uefi/uefi.h"

// A file in memory, on a page boundary below 4 GiB. The pages are the loader's to keep or free.
struct loaded_file {
    uint64_t phys;
    uint64_t len_bytes;
    uint64_t page_count;
};

// Finds the volume. Fails (console_fail) when there is none.
void volume_open(struct efi_boot_services *services, efi_handle_t image);

// Reads a file. The name is the path with backslashes, in ASCII, for the volume and for messages alike.
// A missing, empty or unreadable file ends the boot with a message.
struct loaded_file volume_read(const char *path);

// The same for a file that may be missing: false then.
[[nodiscard]] bool volume_read_optional(const char *path, struct loaded_file *out);

void loaded_file_free(struct loaded_file *file);

// Zeroed pages below 4 GiB; ends the boot with a message when there are none. `what` names them in it.
uint64_t pages_allocate(enum efi_memory_type type, uint64_t page_count, const char *what);
