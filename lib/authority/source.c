#include "lib/authority/source.h"

#include "base/mem.h"
#include "base/str.h"

// ---- tokens ----

// The next token at or behind `at`: a string, a word or a number, or one character. False at the end.
static bool next_token(const struct source *source, size_t at, struct source_span *out) {
    const char *text = source->text;
    for (bool is_comment = false; at < source->len; at++) {
        is_comment = text[at] == '#' || (is_comment && text[at] != '\n');
        if (!is_comment && text[at] > ' ') {
            break;
        }
    }
    if (at >= source->len) {
        return false;
    }
    *out = (struct source_span){at, at + 1};
    if (text[at] == '"') {
        while (out->to < source->len && text[out->to] != '"') {
            out->to += text[out->to] == '\\' ? 2 : 1;
        }
        out->to = out->to < source->len ? out->to + 1 : source->len;
        return true;
    }
    while (char_is_alnum(text[at]) && out->to < source->len && char_is_alnum(text[out->to])) {
        out->to++;
    }
    return true;
}

static bool is_token(const struct source *source, struct source_span token, const char *word) {
    const size_t len = strlen(word);
    return token.to - token.from == len && memcmp(source->text + token.from, word, len) == 0;
}

static char mark_of(const struct source *source, struct source_span token) {
    return token.to - token.from == 1 ? source->text[token.from] : '\0';
}

// The element that begins at or behind `at`: up to the comma or the closing mark behind it, which is `*end`. False where there is none.
static bool next_element(const struct source *source, size_t at, struct source_span *out, struct source_span *end) {
    struct source_span token;
    uint32_t depth = 0;
    *out = (struct source_span){};
    while (next_token(source, at, &token)) {
        const char mark = mark_of(source, token);
        const bool closes = mark == ')' || mark == ']';
        if (depth == 0 && (closes || mark == ',')) {
            *end = token;
            return out->to != 0;
        }
        depth += mark == '(' || mark == '[';
        depth -= closes;
        out->from = out->to == 0 ? token.from : out->from;
        out->to = at = token.to;
    }
    return false;
}

// ---- finding ----

constexpr uint32_t DEPTH_MAX = 16; // of parentheses in parentheses

// Where a line begins; the end of the text where there is none of this number.
static size_t line_start(const struct source *source, uint32_t line) {
    size_t at = 0;
    for (; line > 1 && at < source->len; at++) {
        line -= source->text[at] == '\n';
    }
    return at;
}

bool source_entry(const struct source *source, uint32_t line, struct source_span *out) {
    struct source_span token;
    uint32_t depth = 0;
    for (size_t at = line_start(source, line); next_token(source, at, &token); at = token.to) {
        const char mark = mark_of(source, token);
        if (mark == '(' && depth++ == 0) {
            out->from = token.from;
        }
        if (mark == ')' && (depth == 0 || --depth == 0)) {
            out->to = token.to;
            return depth == 0 && out->from < out->to;
        }
    }
    return false;
}

// A field `name = value` of a struct: all of it, and the value alone.
static bool find_field(const struct source *source, struct source_span of, const char *name, struct source_span *field,
                       struct source_span *value) {
    struct source_span token, end;
    for (size_t at = of.from + 1; next_element(source, at, field, &end) && field->to <= of.to; at = end.to) {
        if (next_token(source, field->from, &token) && is_token(source, token, name) && next_token(source, token.to, &token) &&
            mark_of(source, token) == '=' && next_token(source, token.to, &token)) {
            *value = (struct source_span){token.from, field->to};
            return true;
        }
        if (mark_of(source, end) != ',') {
            break;
        }
    }
    return false;
}

// Whether it is in parentheses, and its field `name` is this.
static bool is_called(const struct source *source, struct source_span of, const char *name) {
    struct source_span field, value;
    char quoted[32];
    fmt_snprintf(quoted, sizeof quoted, "\"%s\"", name);
    return source->text[of.from] == '(' && find_field(source, of, "name", &field, &value) && is_token(source, value, quoted);
}

bool source_entry_around(const struct source *source, uint32_t line, const char *name, struct source_span *out) {
    const size_t from = line_start(source, line), to = line_start(source, line + 1);
    struct source_span token, field, value;
    size_t open[DEPTH_MAX];
    uint32_t depth = 0;
    for (size_t at = 0; next_token(source, at, &token); at = token.to) {
        const char mark = mark_of(source, token);
        if (mark == '(' && depth < DEPTH_MAX) {
            open[depth++] = token.from;
        } else if (mark == '(' || (mark == ')' && depth == 0)) {
            return false;
        } else if (mark == ')') {
            *out = (struct source_span){open[--depth], token.to};
            if (out->from < to && out->to > from && is_called(source, *out, name) && find_field(source, *out, "grants", &field, &value)) {
                return true;
            }
        }
    }
    return false;
}

// The element of this name in the list that is this field of the entry.
static bool find_element(const struct source *source, struct source_span entry, const char *field_name, const char *name,
                         struct source_span *out) {
    struct source_span field, list, end;
    if (!find_field(source, entry, field_name, &field, &list) || source->text[list.from] != '[') {
        return false;
    }
    for (size_t at = list.from + 1; next_element(source, at, out, &end); at = end.to) {
        if (is_called(source, *out, name)) {
            return true;
        }
        if (mark_of(source, end) != ',') {
            break;
        }
    }
    return false;
}

// ---- changing ----

static bool edit(struct source *source, struct source_span gone, const char *instead) {
    struct source_edit *one = &source->edits[source->count];
    if (source->count == SOURCE_EDITS_MAX || !str_copy(one->instead, sizeof one->instead, instead)) {
        return false;
    }
    one->gone = gone;
    source->count++;
    return true;
}

static bool is_space(char c) {
    return c == ' ' || c == '\t';
}

// An element with the comma that goes with it: the one behind it, or that of the last one before it.
static bool drop(struct source *source, struct source_span element) {
    struct source_span token;
    const char *text = source->text;
    if (next_token(source, element.to, &token) && mark_of(source, token) == ',') {
        element.to = token.to;
        while (element.to < source->len && is_space(text[element.to])) {
            element.to++;
        }
        return edit(source, element, "");
    }
    size_t before = element.from;
    while (before > 0 && is_space(text[before - 1])) {
        before--;
    }
    element.from = before > 0 && text[before - 1] == ',' ? before - 1 : element.from;
    return edit(source, element, "");
}

bool source_drop_grant(struct source *source, struct source_span entry, const char *name) {
    struct source_span grant;
    return find_element(source, entry, "grants", name, &grant) && drop(source, grant);
}

bool source_drop_name(struct source *source, struct source_span entry, const char *name) {
    struct source_span resolved;
    return find_element(source, entry, "resolve", name, &resolved) && drop(source, resolved);
}

bool source_drop_control(struct source *source, struct source_span entry, const char *name) {
    struct source_span grant, field, value;
    return find_element(source, entry, "grants", name, &grant) && find_field(source, grant, "control", &field, &value) && drop(source, field);
}

bool source_drop_field(struct source *source, struct source_span entry, const char *name) {
    struct source_span field, value;
    return find_field(source, entry, name, &field, &value) && drop(source, field);
}

bool source_set_number(struct source *source, struct source_span entry, const char *name, uint64_t value) {
    struct source_span field, old;
    char text[24];
    fmt_snprintf(text, sizeof text, "%lu", value);
    return find_field(source, entry, name, &field, &old) && edit(source, old, text);
}

// ---- the difference ----

constexpr uint32_t CONTEXT_LINES = 3;

struct diff {
    const struct source *source;
    fmt_sink_fn *sink;
    void *context;
};

[[gnu::format(printf, 2, 3)]] static void put(const struct diff *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vprint(to->sink, to->context, format, args);
    va_end(args);
}

// From the beginning of a line to its end, without the line feed.
static struct source_span line_at(const struct source *source, size_t from) {
    const char *end = memchr(source->text + from, '\n', source->len - from);
    return (struct source_span){from, end == nullptr ? source->len : (size_t)(end - source->text)};
}

static const struct source_edit *edit_at(const struct source *source, size_t at) {
    for (size_t i = 0; i < source->count; i++) {
        if (at >= source->edits[i].gone.from && at < source->edits[i].gone.to) {
            return &source->edits[i];
        }
    }
    return nullptr;
}

// What becomes of a line: whether it is another, and whether anything but space is left. Writes that if it is asked to.
static bool changed_line(const struct diff *to, struct source_span line, bool write, bool *empty) {
    bool changed = false;
    *empty = true;
    for (size_t at = line.from; at < line.to; at++) {
        const struct source_edit *by = edit_at(to->source, at);
        const char kept[2] = {to->source->text[at], '\0'};
        const char *text = by == nullptr ? kept : at == by->gone.from ? by->instead : "";
        changed = changed || by != nullptr;
        *empty = *empty && (text[0] == '\0' || is_space(text[0]));
        if (write) {
            put(to, "%s", text);
        }
    }
    *empty = *empty && changed;
    return changed;
}

// One hunk of lines, the first of which has this number in both files.
static void put_hunk(const struct diff *to, size_t from, size_t end, uint32_t old_line, uint32_t new_line) {
    uint32_t old_count = 0, new_count = 0;
    bool empty;
    for (size_t at = from; at < end; at = line_at(to->source, at).to + 1) {
        (void)changed_line(to, line_at(to->source, at), false, &empty);
        old_count++;
        new_count += !empty;
    }
    put(to, "@@ -%u,%u +%u,%u @@\n", old_line, old_count, new_line, new_count);
    while (from < end) {
        // Lines that are others, together: first as they were, then as they are to be.
        size_t until = from;
        while (until < end && changed_line(to, line_at(to->source, until), false, &empty)) {
            until = line_at(to->source, until).to + 1;
        }
        const bool same = until == from;
        until = same ? line_at(to->source, from).to + 1 : until;
        for (size_t at = from; at < until; at = line_at(to->source, at).to + 1) {
            const struct source_span line = line_at(to->source, at);
            put(to, "%c%.*s\n", same ? ' ' : '-', (int)(line.to - line.from), to->source->text + line.from);
        }
        for (size_t at = from; at < until && !same; at = line_at(to->source, at).to + 1) {
            (void)changed_line(to, line_at(to->source, at), false, &empty);
            if (!empty) {
                put(to, "+");
                (void)changed_line(to, line_at(to->source, at), true, &empty);
                put(to, "\n");
            }
        }
        from = until;
    }
}

// The end of the hunk that begins with the changed line at `at`: as many unchanged lines behind its last changed one as there may be.
static size_t hunk_end(const struct diff *to, size_t at) {
    size_t end = at;
    bool empty;
    for (uint32_t quiet = 0; at < to->source->len && quiet <= 2 * CONTEXT_LINES;) {
        const struct source_span line = line_at(to->source, at);
        quiet = changed_line(to, line, false, &empty) ? 0 : quiet + 1;
        at = line.to + 1;
        end = quiet <= CONTEXT_LINES ? at : end;
    }
    return end;
}

void source_write_diff(const struct source *source, const char *file, fmt_sink_fn *sink, void *context) {
    const struct diff to = {source, sink, context};
    size_t before[CONTEXT_LINES] = {}; // where the last unchanged lines begin, the oldest first
    uint32_t known = 0, line = 1;
    int32_t shift = 0; // by how much the new file's lines are ahead
    bool empty, any = false;
    for (size_t at = 0; at < source->len; line++) {
        const struct source_span of = line_at(source, at);
        if (!changed_line(&to, of, false, &empty)) {
            if (known == CONTEXT_LINES) {
                memmove(before, before + 1, sizeof before - sizeof before[0]);
                known--;
            }
            before[known++] = at;
            at = of.to + 1;
            continue;
        }
        const size_t from = known > 0 ? before[0] : at, end = hunk_end(&to, at);
        if (!any) {
            put(&to, "--- a/%s\n+++ b/%s\n", file, file);
        }
        put_hunk(&to, from, end, line - known, (uint32_t)((int32_t)(line - known) + shift));
        any = true;
        for (line--; at < end; at = line_at(source, at).to + 1, line++) {
            (void)changed_line(&to, line_at(source, at), false, &empty);
            shift -= empty;
        }
        known = 0;
    }
}
