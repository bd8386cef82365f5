// The firmware's console: lines of text, and the one way out when something is wrong.
#pragma once

#include "boot/uefi/uefi.h"

// Call once, first.
void console_init(struct efi_system_table *system_table);

// Prints one line of ASCII; the line end is added.
[[gnu::format(printf, 1, 2)]] void console_line(const char *format, ...);

// Prints "tessera boot: <what is wrong>", waits for a key (at most half a minute) and switches the machine off.
// Must not be called after exit_boot_services.
[[noreturn, gnu::format(printf, 1, 2)]] void console_fail(const char *format, ...);

// The usual statuses in words, for console_fail.
const char *efi_status_text(efi_status_t status);
