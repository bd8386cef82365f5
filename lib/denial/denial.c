#include "lib/denial/denial.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/str.h"

struct sentence {
    char *text;
    size_t len;
};

// Appends as much as fits.
[[gnu::format(printf, 2, 3)]] static void put(struct sentence *sentence, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sentence->len += fmt_vsnprintf(sentence->text + sentence->len, DENIAL_TEXT_BYTES - sentence->len, format, args);
    va_end(args);
    sentence->len = sentence->len < DENIAL_TEXT_BYTES ? sentence->len : DENIAL_TEXT_BYTES - 1;
}

static void put_holders(struct sentence *sentence, struct policy_denial denial) {
    const struct capnp_text_list holders = policy_denial_get_holders(denial);
    const uint32_t shown = capnp_text_list_count(holders), all = policy_denial_get_holder_count(denial);
    put(sentence, all == 0 ? "; nobody may" : "; ");
    for (uint32_t i = 0; i < shown && i < all; i++) {
        put(sentence, "%s%s", i == 0 ? "" : i + 1 < all ? ", " : " and ", capnp_text_list_get(holders, i).bytes);
    }
    if (all > shown) {
        put(sentence, " and %u more", all - shown);
    }
    put(sentence, all == 0 ? "" : " may");
}

const char *denial_sentence(struct policy_denial denial, char to[DENIAL_TEXT_BYTES]) {
    static const char *const actions[] = {"use", "control", "share"};
    struct sentence sentence = {.text = to};
    const uint16_t action = policy_denial_get_action(denial);
    put(&sentence, "%s may not %s %s: %s", policy_denial_get_subject(denial).bytes, action < 3 ? actions[action] : "do this with",
        policy_denial_get_object(denial).bytes, policy_denial_get_reason(denial).bytes);
    put_holders(&sentence, denial);
    if (policy_denial_get_advice(denial).len > 0) {
        put(&sentence, ". To allow it, %s", policy_denial_get_advice(denial).bytes);
    }
    if (policy_denial_get_line(denial) != 0) {
        put(&sentence, " (%s:%u)", policy_denial_get_file(denial).bytes, policy_denial_get_line(denial));
    }
    for (char *c = to; *c != '\0'; c++) {
        *c = char_is_print(*c) ? *c : '?';
    }
    return to;
}
