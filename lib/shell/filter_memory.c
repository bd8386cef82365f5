// tail, sort: filters that remember lines. They lie in filter->memory: texts from its beginning on, each with an offset that lies at
// its end.
#include "base/fmt.h"
#include "base/str.h"
#include "lib/shell/arithmetic.h"
#include "lib/shell/filter_kind.h"
#include "lib/shell/options.h"

struct kept_line {
    uint32_t at, len;
};

// Line `index`, from the end of the memory downwards.
static struct kept_line *line_at(struct filter *filter, size_t index) {
    return (struct kept_line *)(void *)(filter->memory + FILTER_MEMORY_BYTES) - 1 - index;
}

// False: there is no room for it.
static bool remember(struct filter *filter, const char *line, size_t len) {
    const size_t room = FILTER_MEMORY_BYTES - filter->kept.used - filter->kept.count * sizeof(struct kept_line);
    if (room < len + sizeof(struct kept_line)) {
        return false;
    }
    memcpy(filter->memory + filter->kept.used, line, len);
    *line_at(filter, filter->kept.count++) = (struct kept_line){(uint32_t)filter->kept.used, (uint32_t)len};
    filter->kept.used += len;
    return true;
}

static bool put_kept(struct filter *filter, size_t index) {
    const struct kept_line line = *line_at(filter, index);
    return filter_put_line(filter, filter->memory + line.at, line.len);
}

// ---- tail [-n N] ----

static bool tail_begin(struct filter *filter, size_t count, const char *const *words) {
    struct shell_options options = shell_options(words, count);
    filter->lines.most = 10;
    for (int option; (option = shell_next_option(&options, "n:")) != OPTION_DONE;) {
        if (option != 'n') {
            return filter_wrong(filter, "usage: tail [-n LINES]");
        }
        if (!filter_number(filter, "tail", options.value, &filter->lines.most)) {
            return false;
        }
    }
    return options.at == count || filter_wrong(filter, "usage: tail [-n LINES]");
}

// Forgets the lines before the last ones that are wanted.
static void forget(struct filter *filter) {
    const size_t most = filter->lines.most < filter->kept.count ? (size_t)filter->lines.most : filter->kept.count;
    const size_t gone = filter->kept.count - most;
    const size_t from = most > 0 ? line_at(filter, gone)->at : filter->kept.used;
    memmove(filter->memory, filter->memory + from, filter->kept.used - from);
    for (size_t i = 0; i < most; i++) {
        const struct kept_line line = *line_at(filter, gone + i);
        *line_at(filter, i) = (struct kept_line){line.at - (uint32_t)from, line.len};
    }
    filter->kept.count = most;
    filter->kept.used -= from;
}

static bool tail_line(struct filter *filter, const char *line, size_t len) {
    if (remember(filter, line, len)) {
        return true;
    }
    forget(filter);
    return remember(filter, line, len) || filter_wrong(filter, "tail: the last %llu lines are more than %zu KiB",
                                                       (unsigned long long)filter->lines.most, FILTER_MEMORY_BYTES / 1024);
}

static int tail_end(struct filter *filter) {
    forget(filter);
    for (size_t i = 0; i < filter->kept.count && put_kept(filter, i); i++) {
    }
    return 0;
}

const struct filter_type filter_tail = {.begin = tail_begin, .line = tail_line, .end = tail_end, .remembers = true};

// ---- sort [-r] [-n] [-u] ----

static bool sort_begin(struct filter *filter, size_t count, const char *const *words) {
    struct shell_options options = shell_options(words, count);
    for (int option; (option = shell_next_option(&options, "rnu")) != OPTION_DONE;) {
        if (option == OPTION_UNKNOWN) {
            return filter_wrong(filter, "usage: sort [-r] [-n] [-u]: backwards, by the number in front, each once");
        }
        *(option == 'r' ? &filter->sort.reversed : option == 'n' ? &filter->sort.numbers : &filter->sort.once) = true;
    }
    return options.at == count || filter_wrong(filter, "usage: sort [-r] [-n] [-u]: backwards, by the number in front, each once");
}

static bool sort_line(struct filter *filter, const char *line, size_t len) {
    return remember(filter, line, len) || filter_wrong(filter, "sort: what comes in is more than %zu KiB", FILTER_MEMORY_BYTES / 1024);
}

// The number that the line begins with, behind blanks; 0 when there is none that fits.
static int64_t number_of(const char *line, size_t len) {
    size_t from = 0;
    int64_t value = 0;
    while (from < len && char_is_space(line[from])) {
        from++;
    }
    size_t to = from < len && line[from] == '-' ? from + 1 : from;
    while (to < len && char_is_digit(line[to])) {
        to++;
    }
    return shell_parse_number((struct shell_text){line + from, to - from}, &value) ? value : 0;
}

static int compare(const struct filter *filter, struct kept_line a, struct kept_line b) {
    const char *const left = filter->memory + a.at, *const right = filter->memory + b.at;
    if (filter->sort.numbers) {
        const int64_t left_number = number_of(left, a.len), right_number = number_of(right, b.len);
        if (left_number != right_number) {
            return left_number < right_number ? -1 : 1;
        }
    }
    const int order = memcmp(left, right, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len ? 1 : 0;
}

static int compare_at(struct filter *filter, size_t a, size_t b) {
    return compare(filter, *line_at(filter, a), *line_at(filter, b));
}

static void swap(struct filter *filter, size_t a, size_t b) {
    const struct kept_line line = *line_at(filter, a);
    *line_at(filter, a) = *line_at(filter, b);
    *line_at(filter, b) = line;
}

// Moves the line at `root` down to where it is not less than both below it, among the first `count`.
static void sift(struct filter *filter, size_t root, size_t count) {
    for (size_t child; (child = 2 * root + 1) < count; root = child) {
        if (child + 1 < count && compare_at(filter, child, child + 1) < 0) {
            child++;
        }
        if (compare_at(filter, root, child) >= 0) {
            return;
        }
        swap(filter, root, child);
    }
}

// In place and in bounded time whatever comes: lines that compare equal are the same bytes.
static void heap_sort(struct filter *filter) {
    const size_t count = filter->kept.count;
    for (size_t i = count / 2; i > 0; i--) {
        sift(filter, i - 1, count);
    }
    for (size_t i = count; i > 1; i--) {
        swap(filter, 0, i - 1);
        sift(filter, 0, i - 1);
    }
}

static int sort_end(struct filter *filter) {
    const size_t count = filter->kept.count;
    if (filter->error[0] != '\0') {
        return 1; // a part of it would look like all
    }
    heap_sort(filter);
    for (size_t i = 0; i < count; i++) {
        const size_t at = filter->sort.reversed ? count - 1 - i : i;
        const size_t before = filter->sort.reversed ? at + 1 : at - 1;
        if (filter->sort.once && i > 0 && compare_at(filter, at, before) == 0) {
            continue;
        }
        if (!put_kept(filter, at)) {
            break;
        }
    }
    return 0;
}

const struct filter_type filter_sort = {.begin = sort_begin, .line = sort_line, .end = sort_end, .remembers = true};
