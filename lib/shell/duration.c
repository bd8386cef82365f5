#include "lib/shell/duration.h"

#include "base/checked.h"
#include "base/str.h"

static bool unit_ns(const char *unit, uint64_t *ns) {
    static const struct {
        const char *name;
        uint64_t ns;
    } units[] = {{"", 1'000'000'000},        {"s", 1'000'000'000},         {"ms", 1'000'000},
                 {"m", 60 * 1'000'000'000ull}, {"h", 3600 * 1'000'000'000ull}, {"d", 86'400 * 1'000'000'000ull}};
    for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
        if (str_equal(unit, units[i].name)) {
            *ns = units[i].ns;
            return true;
        }
    }
    return false;
}

bool shell_parse_duration(const char *word, uint64_t *out_ns) {
    uint64_t whole, unit, total;
    size_t digits = 0, decimals = 0;
    while (char_is_digit(word[digits])) {
        digits++;
    }
    const char *rest = word + digits;
    if (*rest == '.') {
        for (rest++; char_is_digit(rest[decimals]); decimals++) {
        }
        if (decimals == 0) {
            return false;
        }
    }
    if (!str_parse_u64(word, digits, &whole) || !unit_ns(rest + decimals, &unit) || !checked_mul_u64(whole, unit, &total)) {
        return false;
    }
    for (size_t i = 0; i < decimals && unit >= 10; i++) {
        unit /= 10;
        if (!checked_add_u64(total, unit * (uint64_t)(rest[i] - '0'), &total)) {
            return false;
        }
    }
    *out_ns = total;
    return true;
}
