#include "lib/shell/options.h"

#include "base/str.h"

// What of the description belongs to one option: its letter, and behind it what follows.
static const char *next_known(const char *known) {
    known++;
    known += *known == ':';
    if (*known == '(') {
        known = strchr(known, ')');
        return known != nullptr ? known + 1 : "";
    }
    return known;
}

// The option of this name, of so many bytes; null when there is none.
static const char *find_long(const char *letters, const char *name, size_t len) {
    for (const char *known = letters; *known != '\0'; known = next_known(known)) {
        const char *called = known + 1 + (known[1] == ':');
        if (len > 0 && *called == '(' && strncmp(called + 1, name, len) == 0 && called[1 + len] == ')') {
            return known;
        }
    }
    return nullptr;
}

static const char *find_letter(const char *letters, char letter) {
    for (const char *known = letters; *known != '\0'; known = next_known(known)) {
        if (*known == letter) {
            return known;
        }
    }
    return nullptr;
}

int shell_next_option(struct shell_options *options, const char *letters) {
    if (options->at >= options->count) {
        return OPTION_DONE;
    }
    const char *word = options->words[options->at];
    if (word[0] != '-' || word[1] == '\0') {
        return OPTION_DONE;
    }
    options->at++;
    if (str_equal(word, "--")) {
        return OPTION_DONE;
    }
    const bool is_long = word[1] == '-';
    const char *equals = is_long ? strchr(word, '=') : nullptr;
    const char *known = !is_long ? find_letter(letters, word[1])
                                 : find_long(letters, word + 2, equals != nullptr ? (size_t)(equals - word) - 2 : strlen(word) - 2);
    // What stands in the same word behind the name; null when nothing does.
    const char *rest = is_long ? (equals != nullptr ? equals + 1 : nullptr) : word[2] != '\0' ? word + 2 : nullptr;
    options->value = word;
    if (known == nullptr || (known[1] != ':' && rest != nullptr)) {
        return OPTION_UNKNOWN;
    }
    if (known[1] == ':') {
        if (rest != nullptr) {
            options->value = rest;
        } else if (options->at < options->count) {
            options->value = options->words[options->at++];
        } else {
            return OPTION_NO_VALUE;
        }
    }
    return known[0];
}
