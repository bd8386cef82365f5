// Client stubs of the registry (lib/wire/registry.h). Statuses: lib/wire/client.h. All may block.
#pragma once

#include "lib/wire/registry.h"

// Control. The endpoint handle (COPY, SEND, MINT) is copied.
status_t registry_register(handle_t registry, const char *name, uint64_t interface_id, handle_t endpoint,
                           uint64_t deadline_ns);

// Control. Replaces what the holder was allowed before.
status_t registry_allow(handle_t registry, uint64_t holder, const char *const *names, size_t count,
                        uint64_t deadline_ns);

// A handle to the service of that name, the caller's to close. WIRE_NOT_FOUND: no such name.
// WIRE_NOT_ALLOWED: the manifest does not let this program resolve it. WIRE_WRONG_INTERFACE.
status_t registry_resolve(handle_t registry, const char *name, uint64_t interface_id, handle_t *out);

// Entries from `index` on, at most `max`; *total is how many there are in all.
status_t registry_list(handle_t registry, size_t index, struct registry_entry *out, size_t max, size_t *count,
                       size_t *total);
