// ISO C 7.26, what ports of plain libraries use. The functions are base/cstr.c's and base/mem.c's.
#pragma once

#include "base/mem.h"
#include "base/str.h"
