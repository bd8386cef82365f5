// ISO C 7.5 and the values that ports of plain libraries set. One for each thread.
#pragma once

extern _Thread_local int errno; // ports/libc/errno.c

#define ENOMEM 12
#define EINVAL 22
#define ERANGE 34
#define ENOSYS 38
#define EFBIG 27
