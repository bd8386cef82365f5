// Between the heap and lib/tess/thread.c only.
#pragma once

#include "abi/types.h"

// Makes the heap safe for a second thread. Called before that is started. NO_MEMORY, NO_HANDLES.
status_t tess_heap_prepare_threads(void);
