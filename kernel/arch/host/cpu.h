// What a host test does in place of other processors.
#pragma once

#include "kernel/arch/arch.h"

// Called by arch_send_ipi; null: nothing happens.
extern void (*host_on_ipi)(cpu_id_t cpu, enum ipi kind);
