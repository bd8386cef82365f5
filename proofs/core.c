// Everything that `make prove` proves (docs/concepts/proofs.md). Never compiled: the kernel uses these headers.
#include "abi/message_bits.h"
#include "base/checked.h"
#include "kernel/ipc/ring_index.h"
#include "kernel/mm/buddy.h"
#include "kernel/object/handle_bits.h"
#include "kernel/object/rights.h"
