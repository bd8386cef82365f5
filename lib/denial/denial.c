#include "lib/denial/denial.h"

#include <stdarg.h>

#include "base/fmt.h"
#include "base/str.h"

struct sentence {
    char *text;
    size_t len, size;
};

// Appends as much as fits.
[[gnu::format(printf, 2, 3)]] static void put(struct sentence *sentence, const char *format, ...) {
    va_list args;
    va_start(args, format);
    sentence->len += fmt_vsnprintf(sentence->text + sentence->len, sentence->size - sentence->len, format, args);
    va_end(args);
    sentence->len = sentence->len < sentence->size ? sentence->len : sentence->size - 1;
}

static const char *or_nothing(const char *text) {
    return text != nullptr ? text : "";
}

void denial_read(struct policy_denial from, struct denial *to) {
    const struct capnp_text_list holders = policy_denial_get_holders(from);
    const uint32_t shown = capnp_text_list_count(holders);
    *to = (struct denial){
        .subject = policy_denial_get_subject(from).bytes,
        .attempted = policy_denial_get_attempted(from).bytes,
        .object = policy_denial_get_object(from).bytes,
        .missing = policy_denial_get_missing(from).bytes,
        .reason = policy_denial_get_reason(from).bytes,
        .holder_count = policy_denial_get_holder_count(from),
        .holders_are_known = true,
        .file = policy_denial_get_file(from).bytes,
        .line = policy_denial_get_line(from),
        .advice = policy_denial_get_advice(from).bytes,
    };
    for (uint32_t i = 0; i < shown && i < DENIAL_HOLDERS_SHOWN && i < to->holder_count; i++) {
        to->holders[i] = capnp_text_list_get(holders, i).bytes;
    }
}

// Those that are shown come first in the list, without a gap.
static uint32_t shown_of(const struct denial *denial) {
    uint32_t shown = 0;
    while (shown < DENIAL_HOLDERS_SHOWN && shown < denial->holder_count && denial->holders[shown] != nullptr) {
        shown++;
    }
    return shown;
}

static void put_holders(struct sentence *sentence, const struct denial *denial) {
    const uint32_t shown = shown_of(denial), all = denial->holder_count;
    for (uint32_t i = 0; i < shown; i++) {
        put(sentence, "%s%s", i == 0 ? "" : i + 1 < all ? ", " : " and ", denial->holders[i]);
    }
    if (all > shown) {
        put(sentence, "%s%u more", shown > 0 ? " and " : "", all - shown);
    }
}

static void make_printable(char *text) {
    for (; *text != '\0'; text++) {
        *text = char_is_print(*text) ? *text : '?';
    }
}

const char *denial_sentence(const struct denial *denial, char to[DENIAL_TEXT_BYTES]) {
    struct sentence sentence = {.text = to, .size = DENIAL_TEXT_BYTES};
    put(&sentence, "%s may not %s %s: %s", or_nothing(denial->subject), or_nothing(denial->attempted), or_nothing(denial->object),
        or_nothing(denial->reason));
    if (denial->holders_are_known) {
        put(&sentence, denial->holder_count == 0 ? "; nobody may" : "; ");
        put_holders(&sentence, denial);
        put(&sentence, denial->holder_count == 0 ? "" : " may");
    }
    if (or_nothing(denial->advice)[0] != '\0') {
        put(&sentence, ". To allow it, %s", denial->advice);
    }
    if (denial->line != 0) {
        put(&sentence, " (%s:%u)", or_nothing(denial->file), denial->line);
    }
    make_printable(to);
    return to;
}

// ---- The log's record ----

static void add(struct denial_record *to, const char *name, const char *text) {
    if (or_nothing(text)[0] != '\0') {
        to->fields[to->record.count++] = logger_text(name, text);
    }
}

void denial_record(const struct denial *denial, uint64_t times, struct denial_record *to) {
    struct sentence holders = {.text = to->holders, .size = sizeof to->holders};
    to->holders[0] = to->line[0] = '\0';
    to->record = (struct logger_record){
        .level = LOG_LEVEL_WARNING, .kind = LOG_KIND_DENIAL, .text = denial_sentence(denial, to->text), .fields = to->fields};
    if (denial->holders_are_known) {
        put_holders(&holders, denial);
    }
    if (denial->line != 0) {
        fmt_snprintf(to->line, sizeof to->line, "%s:%u", or_nothing(denial->file), denial->line);
    }
    add(to, "who", denial->subject);
    add(to, "attempted", denial->attempted);
    add(to, "object", denial->object);
    add(to, "missing", denial->missing);
    add(to, "holders", to->holders);
    add(to, "line", to->line);
    if (denial->koid != 0) {
        to->fields[to->record.count++] = logger_integer("koid", (int64_t)denial->koid);
    }
    if (times > 1 && to->record.count < LOGGER_FIELDS_MAX) {
        to->fields[to->record.count++] = logger_integer("times", (int64_t)times);
    }
}
