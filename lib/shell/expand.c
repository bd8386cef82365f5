#include "lib/shell/expand.h"

#include "base/fmt.h"
#include "base/str.h"
#include "lib/shell/arithmetic.h"

static bool too_much(struct interpreter *interpreter) {
    return interpreter_complain(interpreter, "the words of this command are longer than there is room for");
}

static bool keep(struct interpreter *interpreter, struct shell_text text, struct shell_text *out) {
    char *bytes = arena_take(&interpreter->arena, text.len);
    if (bytes == nullptr) {
        return too_much(interpreter);
    }
    memcpy(bytes, text.bytes, text.len);
    *out = (struct shell_text){bytes, text.len};
    return true;
}

// ---- what comes of one part ----

static bool number(struct interpreter *interpreter, long long value, struct shell_text *out) {
    char text[24];
    const size_t len = fmt_snprintf(text, sizeof(text), "%lld", value);
    return keep(interpreter, (struct shell_text){text, len}, out);
}

static bool variable(struct interpreter *interpreter, const struct shell_part *part, struct shell_text *out) {
    const struct shell_text name = part->text;
    if (shell_text_equal(name, "?")) {
        return number(interpreter, interpreter->status, out);
    }
    if (shell_text_equal(name, "#")) {
        return number(interpreter, (long long)interpreter->argument_count, out);
    }
    if (char_is_digit(name.bytes[0])) {
        const size_t index = (size_t)(name.bytes[0] - '1');
        if (index < interpreter->argument_count) {
            *out = (struct shell_text){interpreter->arguments[index], strlen(interpreter->arguments[index])};
            return true;
        }
    } else if (store_find(&interpreter->variables, name, out)) {
        return keep(interpreter, *out, out); // a command further on may change it
    }
    if (part->has_fallback) {
        *out = part->fallback;
        return true;
    }
    return interpreter_complain(interpreter, "there is no variable `%.*s`; ${%.*s:-} is nothing where there is none", (int)name.len,
                                name.bytes, (int)name.len, name.bytes);
}

static bool output_of(struct interpreter *interpreter, const struct shell_part *part, struct shell_text *out) {
    struct shell_capture capture = {.bytes = arena_take(&interpreter->arena, SHELL_CAPTURE_MAX), .size = SHELL_CAPTURE_MAX};
    if (capture.bytes == nullptr) {
        return too_much(interpreter);
    }
    interpreter->host->begin_capture(interpreter->context, &capture);
    interpreter->status = interpreter_commands(interpreter, part->commands);
    interpreter->host->end_capture(interpreter->context, &capture);
    if (capture.overflow) {
        return interpreter_complain(interpreter, "$(...) gives more than %zu bytes", SHELL_CAPTURE_MAX);
    }
    while (capture.len > 0 && capture.bytes[capture.len - 1] == '\n') {
        capture.len--;
    }
    arena_release(&interpreter->arena, (size_t)((uint8_t *)capture.bytes - interpreter->arena.bytes) + capture.len);
    *out = (struct shell_text){capture.bytes, capture.len};
    return interpreter->flow == SHELL_ON;
}

static bool calculated(struct interpreter *interpreter, const struct shell_part *part, struct shell_text *out) {
    char error[SHELL_ERROR_BYTES];
    int64_t value;
    if (!shell_calculate(part->text, &interpreter->variables, &value, error)) {
        return interpreter_complain(interpreter, "%s", error);
    }
    return number(interpreter, value, out);
}

static bool value_of(struct interpreter *interpreter, const struct shell_part *part, struct shell_text *out) {
    switch (part->kind) {
    case SHELL_LITERAL: *out = part->text; return true;
    case SHELL_VARIABLE: return variable(interpreter, part, out);
    case SHELL_OUTPUT: return output_of(interpreter, part, out);
    case SHELL_ARITHMETIC: return calculated(interpreter, part, out);
    }
    return false;
}

// ---- words ----

// Words being put together, each at the end of the arena: nothing else is taken from it meanwhile.
struct builder {
    struct interpreter *interpreter;
    const char **words;
    size_t count, most;
    bool open;     // a word is begun
    bool too_many, too_long;
};

static void put(struct builder *builder, char c) {
    struct shell_arena *arena = &builder->interpreter->arena;
    if (arena->used == arena->size) {
        builder->too_long = true;
    } else {
        arena->bytes[arena->used++] = (uint8_t)c;
    }
}

static void begin_word(struct builder *builder) {
    struct shell_arena *arena = &builder->interpreter->arena;
    if (!builder->open) {
        builder->open = true;
        builder->too_many = builder->too_many || builder->count == builder->most;
        if (!builder->too_many) {
            builder->words[builder->count++] = (const char *)arena->bytes + arena->used;
        }
    }
}

static void end_word(struct builder *builder) {
    if (builder->open) {
        put(builder, '\0');
        builder->open = false;
    }
}

static void add(struct builder *builder, struct shell_text text, bool whole) {
    if (whole) {
        begin_word(builder);
    }
    for (size_t i = 0; i < text.len; i++) {
        if (!whole && char_is_space(text.bytes[i])) {
            end_word(builder);
        } else if (text.bytes[i] != '\0') { // which no word can have
            begin_word(builder);
            put(builder, text.bytes[i]);
        }
    }
}

// $@: each argument a word, or all of them in one.
static void add_arguments(struct builder *builder, bool whole) {
    const struct interpreter *interpreter = builder->interpreter;
    for (size_t i = 0; i < interpreter->argument_count; i++) {
        if (i > 0 && whole) {
            put(builder, ' ');
        } else if (i > 0) {
            end_word(builder);
        }
        add(builder, (struct shell_text){interpreter->arguments[i], strlen(interpreter->arguments[i])}, true);
    }
}

static size_t part_count(const struct shell_word *word) {
    size_t count = 0;
    for (const struct shell_part *part = word->parts; part != nullptr; part = part->next) {
        count++;
    }
    return count;
}

static bool is_arguments(const struct shell_part *part) {
    return part->kind == SHELL_VARIABLE && shell_text_equal(part->text, "@");
}

// First the values, which may take commands to find; then the words that they make.
static bool add_word(struct builder *builder, const struct shell_word *word, bool whole) {
    struct interpreter *interpreter = builder->interpreter;
    struct shell_text *values = arena_take(&interpreter->arena, part_count(word) * sizeof(*values));
    if (values == nullptr) {
        return too_much(interpreter);
    }
    size_t i = 0;
    for (const struct shell_part *part = word->parts; part != nullptr; part = part->next, i++) {
        if (!is_arguments(part) && !value_of(interpreter, part, &values[i])) {
            return false;
        }
    }
    i = 0;
    for (const struct shell_part *part = word->parts; part != nullptr; part = part->next, i++) {
        if (is_arguments(part)) {
            add_arguments(builder, whole);
        } else {
            add(builder, values[i], whole || part->quoted || part->kind == SHELL_LITERAL);
        }
    }
    end_word(builder);
    return true;
}

static bool is_whole(const struct builder *builder) {
    if (builder->too_many) {
        return interpreter_complain(builder->interpreter, "too many words: at most %zu", builder->most);
    }
    return !builder->too_long || too_much(builder->interpreter);
}

bool expand_words(struct interpreter *interpreter, const struct shell_word *words, size_t *count, const char *const **out) {
    struct builder builder = {.interpreter = interpreter, .most = SHELL_WORDS_MAX};
    builder.words = arena_take(&interpreter->arena, (SHELL_WORDS_MAX + 1) * sizeof(*builder.words));
    if (builder.words == nullptr) {
        return too_much(interpreter);
    }
    for (; words != nullptr; words = words->next) {
        if (!add_word(&builder, words, false)) {
            return false;
        }
    }
    *count = builder.count;
    *out = builder.words;
    return is_whole(&builder);
}

const char *expand_text(struct interpreter *interpreter, const struct shell_word *word) {
    const char *text = "";
    struct builder builder = {.interpreter = interpreter, .most = 1, .words = &text};
    return add_word(&builder, word, true) && is_whole(&builder) ? text : nullptr;
}
