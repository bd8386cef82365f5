// Badges: who a request comes from. Whoever owns an endpoint (the supervisor) mints one handle for each client. The badge is the
// holder's number, the same at every service. Bit 63 marks the control facet: its holder may use the interface that extends the
// one for everybody (LogControl extends Log). Bit 62 marks what the service has minted itself; the rest of such a badge says what it is
// in the service's own words, and who it came from does not matter. And the names that holders, services and capabilities go by.
#pragma once

#include <stddef.h>
#include <stdint.h>

constexpr uint64_t BADGE_CONTROL = 1ull << 63;
constexpr uint64_t BADGE_MADE = 1ull << 62; // by the service itself, for something of its own: a key, a session
constexpr uint64_t BADGE_SUPERVISOR = BADGE_CONTROL | 1; // the supervisor itself

static inline bool badge_controls(uint64_t badge) {
    return (badge & BADGE_CONTROL) != 0;
}
static inline bool badge_is_made(uint64_t badge) {
    return (badge & BADGE_MADE) != 0;
}
static inline uint64_t badge_holder(uint64_t badge) {
    return badge & ~BADGE_CONTROL;
}

// A name in its field: NUL-terminated and NUL-padded.
constexpr size_t NAME_BYTES = 24;

// Copies a name of 1 to NAME_BYTES - 1 bytes into its field; false, with nothing changed, when it is empty, longer, or holds
// what is no printable ASCII (a NUL, too) or is a space.
[[nodiscard]] bool name_put(char field[NAME_BYTES], const char *name, size_t len);
