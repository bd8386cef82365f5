// grep, head, uniq, wc, field: filters that look at one line after the other.
#include "base/fmt.h"
#include "base/str.h"
#include "lib/shell/filter_kind.h"
#include "lib/shell/options.h"

static int done(struct filter *) {
    return 0;
}

// ---- grep [-v] [-i] TEXT ----

static bool grep_begin(struct filter *filter, size_t count, const char *const *words) {
    struct shell_options options = shell_options(words, count);
    for (int option; (option = shell_next_option(&options, "vi")) != OPTION_DONE;) {
        if (option == OPTION_UNKNOWN) {
            return filter_wrong(filter, "grep: there is no option `%s`; there are -v, other lines, and -i, any case", options.value);
        }
        *(option == 'v' ? &filter->grep.inverted : &filter->grep.any_case) = true;
    }
    if (options.at + 1 != count) {
        return filter_wrong(filter, "usage: grep [-v] [-i] TEXT; a text with blanks is put in quotes");
    }
    filter->grep.pattern = words[options.at];
    return true;
}

static bool is_at(const struct filter *filter, const char *at) {
    const char *pattern = filter->grep.pattern;
    for (size_t i = 0; pattern[i] != '\0'; i++) {
        if (filter->grep.any_case ? char_lower(at[i]) != char_lower(pattern[i]) : at[i] != pattern[i]) {
            return false;
        }
    }
    return true;
}

static bool grep_line(struct filter *filter, const char *line, size_t len) {
    const size_t pattern_len = strlen(filter->grep.pattern);
    bool found = false;
    for (size_t i = 0; !found && i + pattern_len <= len; i++) {
        found = is_at(filter, line + i);
    }
    if (found == filter->grep.inverted) {
        return true;
    }
    filter->grep.found = true;
    return filter_put_line(filter, line, len);
}

static int grep_end(struct filter *filter) {
    return filter->grep.found ? 0 : 1;
}

const struct filter_type filter_grep = {.begin = grep_begin, .line = grep_line, .end = grep_end};

// ---- head [-n N] ----

static bool head_begin(struct filter *filter, size_t count, const char *const *words) {
    struct shell_options options = shell_options(words, count);
    filter->lines.left = 10;
    for (int option; (option = shell_next_option(&options, "n:")) != OPTION_DONE;) {
        if (option != 'n') {
            return filter_wrong(filter, "usage: head [-n LINES]");
        }
        if (!filter_number(filter, "head", options.value, &filter->lines.left)) {
            return false;
        }
    }
    return options.at == count || filter_wrong(filter, "usage: head [-n LINES]");
}

static bool head_line(struct filter *filter, const char *line, size_t len) {
    if (filter->lines.left == 0) {
        return false;
    }
    filter->lines.left--;
    return filter_put_line(filter, line, len) && filter->lines.left > 0;
}

const struct filter_type filter_head = {.begin = head_begin, .line = head_line, .end = done};

// ---- uniq [-c] ----

static bool uniq_begin(struct filter *filter, size_t count, const char *const *words) {
    filter->uniq.count = count == 2 && str_equal(words[1], "-c");
    return count == 1 || filter->uniq.count || filter_wrong(filter, "usage: uniq [-c]");
}

static bool uniq_put(struct filter *filter) {
    char number[32];
    if (!filter->uniq.some) {
        return true;
    }
    const size_t len = fmt_snprintf(number, sizeof(number), "%6llu ", (unsigned long long)filter->uniq.times);
    return (!filter->uniq.count || filter_put(filter, number, len)) && filter_put_line(filter, filter->uniq.last, filter->uniq.len);
}

static bool uniq_line(struct filter *filter, const char *line, size_t len) {
    if (filter->uniq.some && filter->uniq.len == len && memcmp(filter->uniq.last, line, len) == 0) {
        filter->uniq.times++;
        return true;
    }
    const bool wanted = uniq_put(filter);
    memcpy(filter->uniq.last, line, len);
    filter->uniq.len = len;
    filter->uniq.times = 1;
    filter->uniq.some = true;
    return wanted;
}

static int uniq_end(struct filter *filter) {
    (void)uniq_put(filter); // it is the last
    return 0;
}

const struct filter_type filter_uniq = {.begin = uniq_begin, .line = uniq_line, .end = uniq_end};

// ---- wc [-l] [-w] [-c] ----

static bool wc_begin(struct filter *filter, size_t count, const char *const *words) {
    struct shell_options options = shell_options(words, count);
    for (int option; (option = shell_next_option(&options, "lwc")) != OPTION_DONE;) {
        if (option == OPTION_UNKNOWN) {
            return filter_wrong(filter, "usage: wc [-l] [-w] [-c]: lines, words, bytes");
        }
        *(option == 'l' ? &filter->wc.lines_only : option == 'w' ? &filter->wc.words_only : &filter->wc.bytes_only) = true;
    }
    return options.at == count || filter_wrong(filter, "usage: wc [-l] [-w] [-c]: lines, words, bytes");
}

static bool wc_bytes(struct filter *filter, const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        const bool blank = char_is_space(bytes[i]);
        filter->wc.lines += bytes[i] == '\n' ? 1 : 0;
        filter->wc.words += !blank && !filter->wc.in_word ? 1 : 0;
        filter->wc.in_word = !blank;
    }
    filter->wc.bytes += len;
    return true;
}

static int wc_end(struct filter *filter) {
    const struct {
        bool wanted;
        uint64_t value;
    } figures[] = {{filter->wc.lines_only, filter->wc.lines}, {filter->wc.words_only, filter->wc.words}, {filter->wc.bytes_only, filter->wc.bytes}};
    const bool all = !filter->wc.lines_only && !filter->wc.words_only && !filter->wc.bytes_only;
    char text[96] = "";
    for (size_t i = 0; i < 3; i++) {
        const size_t used = strlen(text);
        if (all || figures[i].wanted) {
            fmt_snprintf(text + used, sizeof(text) - used, "%s%llu", used > 0 ? " " : "", (unsigned long long)figures[i].value);
        }
    }
    (void)filter_put_line(filter, text, strlen(text)); // it is the last
    return 0;
}

const struct filter_type filter_wc = {.begin = wc_begin, .bytes = wc_bytes, .end = wc_end};

// ---- field [-d C] N... ----

static bool field_begin(struct filter *filter, size_t count, const char *const *words) {
    struct shell_options options = shell_options(words, count);
    for (int option; (option = shell_next_option(&options, "d:")) != OPTION_DONE;) {
        if (option != 'd' || strlen(options.value) != 1) {
            return filter_wrong(filter, "field: -d wants the one character that is between fields");
        }
        filter->field.separator = options.value[0];
    }
    for (size_t i = options.at; i < count; i++) {
        uint64_t *number = &filter->field.numbers[filter->field.count];
        if (filter->field.count++ == sizeof(filter->field.numbers) / sizeof(filter->field.numbers[0])) {
            return filter_wrong(filter, "field: at most 8 fields");
        }
        if (!filter_number(filter, "field", words[i], number)) {
            return false;
        }
        if (*number == 0) {
            return filter_wrong(filter, "field: the first is 1");
        }
    }
    return filter->field.count > 0 || filter_wrong(filter, "usage: field [-d CHARACTER] NUMBER...");
}

// Field `number` of the line; nothing when it has not so many.
static struct shell_text field_of(const struct filter *filter, const char *line, size_t len, uint64_t number) {
    const char separator = filter->field.separator;
    size_t at = 0;
    for (;;) {
        while (separator == '\0' && at < len && char_is_space(line[at])) {
            at++;
        }
        const size_t from = at;
        while (at < len && (separator == '\0' ? !char_is_space(line[at]) : line[at] != separator)) {
            at++;
        }
        if (--number == 0) {
            return (struct shell_text){line + from, at - from};
        }
        if (at == len) {
            return (struct shell_text){line, 0};
        }
        at += separator != '\0' ? 1 : 0;
    }
}

static bool field_line(struct filter *filter, const char *line, size_t len) {
    for (size_t i = 0; i < filter->field.count; i++) {
        const struct shell_text field = field_of(filter, line, len, filter->field.numbers[i]);
        if ((i > 0 && !filter_put(filter, filter->field.separator != '\0' ? &filter->field.separator : " ", 1)) ||
            !filter_put(filter, field.bytes, field.len)) {
            return false;
        }
    }
    return filter_put(filter, "\n", 1);
}

const struct filter_type filter_field = {.begin = field_begin, .line = field_line, .end = done};
