// From a member back to the structure that embeds it: what intrusive lists and trees are made of.
#pragma once

#include <stddef.h>

// The `type` whose field `member` is at `pointer`. The pointer must not be null.
#define CONTAINER_OF(pointer, type, member) ((type *)((char *)(pointer) - offsetof(type, member)))
