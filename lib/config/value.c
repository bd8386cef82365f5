// Values: from a message, from what a person writes, into a message; and whether a key takes them.
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/config/settings.h"

static bool is_clean(const char *bytes, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if ((unsigned char)bytes[i] < ' ' || bytes[i] == 0x7f) {
            return false;
        }
    }
    return true;
}

// "one, two or three" as far as it fits.
static void choices_text(struct capnp_text_list list, char *out, size_t size) {
    const uint32_t count = capnp_text_list_count(list);
    (void)str_copy(out, size, "one of "); // what is cut off is seen to be
    for (uint32_t i = 0; i < count; i++) {
        (void)str_append(out, size, i > 0 ? ", " : "");
        (void)str_append(out, size, capnp_text_list_get(list, i).bytes);
    }
}

const char *settings_type_text(const struct settings_key *key, char out[SETTINGS_WHY_BYTES]) {
    switch (key->kind) {
    case CONFIG_VALUE_FLAG: (void)str_copy(out, SETTINGS_WHY_BYTES, "on or off"); break;
    case CONFIG_VALUE_INTEGER: {
        const struct config_key_integer spec = config_key_get_integer(key->spec);
        const char *unit = config_key_integer_get_unit(spec).bytes;
        fmt_snprintf(out, SETTINGS_WHY_BYTES, "an integer from %ld to %ld%s%s", config_key_integer_get_min(spec),
                     config_key_integer_get_max(spec), unit[0] != '\0' ? " " : "", unit);
        break;
    }
    case CONFIG_VALUE_TEXT:
        fmt_snprintf(out, SETTINGS_WHY_BYTES, "a text of at most %u bytes",
                     config_key_text_get_max_bytes(config_key_get_text(key->spec)));
        break;
    case CONFIG_VALUE_CHOICE:
        choices_text(config_key_choice_get_choices(config_key_get_choice(key->spec)), out, SETTINGS_WHY_BYTES);
        break;
    case CONFIG_VALUE_LIST:
        fmt_snprintf(out, SETTINGS_WHY_BYTES, "a list of at most %u texts, %zu bytes together",
                     config_key_list_group_get_max_count(config_key_get_list(key->spec)), SETTINGS_VALUE_BYTES);
        break;
    default: out[0] = '\0'; break;
    }
    return out;
}

// "`log.rate` is an integer from 1 to 50; WHAT". False, to be returned.
static bool refuse(const struct settings_key *key, char why[SETTINGS_WHY_BYTES], const char *what) {
    char type[SETTINGS_WHY_BYTES];
    fmt_snprintf(why, SETTINGS_WHY_BYTES, "`%s` is %s; %s", key->name, settings_type_text(key, type), what);
    return false;
}

static bool is_choice(const struct settings_key *key, const char *text) {
    const struct capnp_text_list list = config_key_choice_get_choices(config_key_get_choice(key->spec));
    for (uint32_t i = 0; i < capnp_text_list_count(list); i++) {
        if (str_equal(capnp_text_list_get(list, i).bytes, text)) {
            return true;
        }
    }
    return false;
}

bool settings_fits(const struct settings_key *key, const struct settings_value *value, char why[SETTINGS_WHY_BYTES]) {
    char what[64];
    switch (key->kind) {
    case CONFIG_VALUE_INTEGER: {
        const struct config_key_integer spec = config_key_get_integer(key->spec);
        fmt_snprintf(what, sizeof(what), "%ld is out of range", value->number);
        return (value->number >= config_key_integer_get_min(spec) && value->number <= config_key_integer_get_max(spec)) ||
               refuse(key, why, what);
    }
    case CONFIG_VALUE_TEXT:
        fmt_snprintf(what, sizeof(what), "this one has %u", value->bytes);
        return value->bytes <= config_key_text_get_max_bytes(config_key_get_text(key->spec)) || refuse(key, why, what);
    case CONFIG_VALUE_CHOICE:
        fmt_snprintf(what, sizeof(what), "`%.40s` is not", value->text);
        return is_choice(key, value->text) || refuse(key, why, what);
    case CONFIG_VALUE_LIST:
        fmt_snprintf(what, sizeof(what), "this one has %u", value->count);
        return value->count <= config_key_list_group_get_max_count(config_key_get_list(key->spec)) || refuse(key, why, what);
    default: return true;
    }
}

// ---- texts and lists ----

static bool take_text(const struct settings_key *key, struct capnp_text text, struct settings_value *out, char why[SETTINGS_WHY_BYTES]) {
    if (!is_clean(text.bytes, text.len)) {
        return refuse(key, why, "control characters are not for it");
    }
    if (text.len > SETTINGS_VALUE_BYTES) {
        return refuse(key, why, "this is longer");
    }
    memcpy(out->text, text.bytes, text.len);
    out->text[text.len] = '\0';
    out->bytes = (uint16_t)text.len;
    return true;
}

static bool add_element(const struct settings_key *key, struct capnp_text text, struct settings_value *out,
                        char why[SETTINGS_WHY_BYTES]) {
    if (text.len == 0 || !is_clean(text.bytes, text.len) || memchr(text.bytes, ',', text.len) != nullptr) {
        return refuse(key, why, "an element is not empty, and has no comma and no control characters");
    }
    if (text.len + 1 > SETTINGS_VALUE_BYTES - out->bytes || out->count == UINT8_MAX) {
        return refuse(key, why, "this is longer");
    }
    memcpy(out->text + out->bytes, text.bytes, text.len);
    out->text[out->bytes + text.len] = '\0';
    out->bytes = (uint16_t)(out->bytes + text.len + 1);
    out->count++;
    return true;
}

bool settings_take(const struct settings_key *key, struct config_value from, struct settings_value *out, char why[SETTINGS_WHY_BYTES]) {
    *out = (struct settings_value){.kind = config_value_which(from)};
    if (out->kind != key->kind) {
        return refuse(key, why, "this is of another type");
    }
    switch (out->kind) {
    case CONFIG_VALUE_FLAG: out->number = config_value_get_flag(from); break;
    case CONFIG_VALUE_INTEGER: out->number = config_value_get_integer(from); break;
    case CONFIG_VALUE_TEXT:
    case CONFIG_VALUE_CHOICE:
        if (!take_text(key, config_value_get_text(from), out, why)) { // a choice lies in the same place
            return false;
        }
        break;
    case CONFIG_VALUE_LIST: {
        const struct capnp_text_list list = config_value_get_list(from);
        const uint32_t count = capnp_text_list_count(list);
        for (uint32_t i = 0; i < count; i++) {
            if (!add_element(key, capnp_text_list_get(list, i), out, why)) {
                return false;
            }
        }
        break;
    }
    default: break;
    }
    return settings_fits(key, out, why);
}

// ---- what a person writes ----

static bool parse_flag(struct capnp_text text, int64_t *out) {
    static const struct {
        const char *word;
        bool value;
    } words[] = {{"on", true}, {"off", false}, {"true", true}, {"false", false}, {"yes", true}, {"no", false}};
    for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
        if (strlen(words[i].word) == text.len && memcmp(words[i].word, text.bytes, text.len) == 0) {
            *out = words[i].value;
            return true;
        }
    }
    return false;
}

static bool parse_integer(struct capnp_text text, int64_t *out) {
    const bool negative = text.len > 0 && text.bytes[0] == '-';
    uint64_t number;
    if (!str_parse_u64(text.bytes + negative, text.len - negative, &number) || number > (uint64_t)INT64_MAX + negative) {
        return false;
    }
    *out = negative ? (int64_t)(0 - number) : (int64_t)number;
    return true;
}

static struct capnp_text trimmed(struct capnp_text text) {
    while (text.len > 0 && text.bytes[0] == ' ') {
        text.bytes++;
        text.len--;
    }
    while (text.len > 0 && text.bytes[text.len - 1] == ' ') {
        text.len--;
    }
    return text;
}

static bool parse_list(const struct settings_key *key, struct capnp_text text, struct settings_value *out,
                       char why[SETTINGS_WHY_BYTES]) {
    if (trimmed(text).len == 0) {
        return true;
    }
    for (;;) {
        const char *comma = memchr(text.bytes, ',', text.len);
        const size_t len = comma != nullptr ? (size_t)(comma - text.bytes) : text.len;
        if (!add_element(key, trimmed((struct capnp_text){text.bytes, len}), out, why)) {
            return false;
        }
        if (comma == nullptr) {
            return true;
        }
        text = (struct capnp_text){comma + 1, text.len - len - 1};
    }
}

bool settings_parse(const struct settings_key *key, struct capnp_text text, struct settings_value *out, char why[SETTINGS_WHY_BYTES]) {
    *out = (struct settings_value){.kind = key->kind};
    switch (key->kind) {
    case CONFIG_VALUE_FLAG:
        if (!parse_flag(trimmed(text), &out->number)) {
            return refuse(key, why, "this is neither");
        }
        break;
    case CONFIG_VALUE_INTEGER:
        if (!parse_integer(trimmed(text), &out->number)) {
            return refuse(key, why, "this is no integer of 64 bits");
        }
        break;
    case CONFIG_VALUE_LIST:
        if (!parse_list(key, text, out, why)) {
            return false;
        }
        break;
    default:
        if (!take_text(key, text, out, why)) {
            return false;
        }
        break;
    }
    return settings_fits(key, out, why);
}

// ---- into a message ----

void settings_put(const struct settings_value *value, struct config_value_builder to) {
    const struct capnp_text text = {value->text, value->bytes};
    switch (value->kind) {
    case CONFIG_VALUE_FLAG: config_value_set_flag(to, value->number != 0); break;
    case CONFIG_VALUE_INTEGER: config_value_set_integer(to, value->number); break;
    case CONFIG_VALUE_TEXT: config_value_set_text(to, text); break;
    case CONFIG_VALUE_CHOICE: config_value_set_choice(to, text); break;
    case CONFIG_VALUE_LIST: {
        const struct capnp_text_list_builder list = config_value_init_list(to, value->count);
        const char *element = value->text;
        for (uint32_t i = 0; i < value->count; i++) {
            capnp_text_list_set(list, i, capnp_text(element));
            element += strlen(element) + 1;
        }
        break;
    }
    default: config_value_set_nothing(to); break;
    }
}

bool settings_equal(const struct settings_value *a, const struct settings_value *b) {
    return a->kind == b->kind && a->number == b->number && a->count == b->count && a->bytes == b->bytes &&
           memcmp(a->text, b->text, a->bytes) == 0;
}

size_t settings_words(const struct settings_value *value) {
    // Each element of a list has a pointer, and is padded to whole words.
    return value->kind == CONFIG_VALUE_LIST ? value->count * 2u + value->bytes / CAPNP_WORD_BYTES
                                            : value->bytes / CAPNP_WORD_BYTES + 1;
}
