// The heart of a service's loop: answer what was received, receive the next.
//
//   struct tess_message message = {.info = tess_accept(1)};
//   for (bool owed = false;;) {
//       status = tess_serve(endpoint, &message, &owed, MY_FAILED, DEADLINE_NEVER);
//       if (status_ok(status)) { handle it; put the answer into message; owed = it was a call; }
//   }
#pragma once

#include "lib/tess/message.h"

// With *owed, answers the current caller with `message`, then receives into it. The info word holds the
// answer's header and, in every case, tess_accept. An answer that cannot be delivered (its handles or
// its page are more than the caller takes) becomes one with only the label `undeliverable`, and
// its moved handles are closed; a caller that is gone is no matter. *owed is false on return.
// Returns what receiving returned. May block.
status_t tess_serve(handle_t endpoint, struct tess_message *message, bool *owed, uint32_t undeliverable,
                    uint64_t deadline_ns);

// Closes the handles that came with a received message, for those that are of no use.
void tess_message_close_handles(const struct tess_message *message);
