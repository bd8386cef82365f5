// Numbers that nobody can guess who does not know this program's seed. They are drawn from what its creator put
// into the bootstrap block, who could know them: good for stack guards and the seeds of other programs. Keys
// come from the service that owns entropy.
#pragma once

#include <stdint.h>

// Another one with each call, from any thread.
uint64_t tess_random(void);
