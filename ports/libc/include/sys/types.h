// POSIX sys/types.h: the sizes.
#include <stddef.h>
#pragma once
