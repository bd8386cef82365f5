// The one process that the kernel itself starts. It gets every root capability (abi/bootstrap.h).
#pragma once

// Makes init of what the boot path found in the boot package, and makes its first thread ready.
// Null on success, else what is wrong (static text). At boot, once; needs the scheduler.
const char *init_process_start(void);
