#include "lib/shell/options.h"

#include "base/str.h"

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
    const char *known = word[1] == ':' ? nullptr : strchr(letters, word[1]);
    options->value = word;
    if (known == nullptr || (known[1] != ':' && word[2] != '\0')) {
        return OPTION_UNKNOWN;
    }
    if (known[1] == ':') {
        if (word[2] != '\0') {
            options->value = word + 2;
        } else if (options->at < options->count) {
            options->value = options->words[options->at++];
        } else {
            return OPTION_NO_VALUE;
        }
    }
    return known[0];
}
