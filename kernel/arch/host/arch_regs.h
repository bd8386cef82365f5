// The saved registers of a thread are plain data: the host port takes those of x86-64.
#pragma once

#include "kernel/arch/x86_64/arch_regs.h"
