// The one process that the kernel itself starts. It gets every root capability (abi/bootstrap.h).
#pragma once

struct boot_info;
struct boot_package_entry;

// Makes init from its entry in the boot package, which has been checked, and makes its first thread ready.
// Null on success, else what is wrong (static text). At boot, once; needs the scheduler.
const char *init_process_start(const struct boot_info *boot, const struct boot_package_entry *entry);
