// The registers of the host port's only processor.
#include "arch_cpu.h"

struct percpu *host_this_cpu;
void *host_current_frame;
uint64_t host_tls_base;
uint64_t host_cycles;
