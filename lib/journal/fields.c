#include "lib/journal/fields.h"

#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"

// What each field begins with.
struct field_header {
    uint8_t is_text;
    uint8_t name_bytes;
    uint16_t value_bytes;
};

static bool is_name(const char *name, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (!char_is_print(name[i]) || name[i] == ' ' || name[i] == '=') {
            return false;
        }
    }
    return len > 0 && len <= JOURNAL_FIELD_NAME_MAX;
}

bool journal_fields_add(uint8_t *bytes, size_t size, size_t *used, const struct journal_field *field) {
    const bool is_text = field->text != nullptr;
    const size_t value_bytes = is_text ? field->text_bytes : sizeof(field->integer);
    const size_t room = size - *used;
    if (!is_name(field->name, field->name_bytes) || value_bytes > UINT16_MAX ||
        sizeof(struct field_header) + field->name_bytes + value_bytes > room) {
        return false;
    }
    const struct field_header header = {is_text, (uint8_t)field->name_bytes, (uint16_t)value_bytes};
    uint8_t *to = bytes + *used;
    memcpy(to, &header, sizeof(header));
    memcpy(to + sizeof(header), field->name, field->name_bytes);
    memcpy(to + sizeof(header) + field->name_bytes, is_text ? (const void *)field->text : &field->integer, value_bytes);
    *used += sizeof(header) + field->name_bytes + value_bytes;
    return true;
}

bool journal_fields_next(const uint8_t *bytes, size_t len, size_t *offset, struct journal_field *out) {
    struct field_header header;
    if (len - *offset < sizeof(header)) {
        return false;
    }
    memcpy(&header, bytes + *offset, sizeof(header));
    const uint8_t *name = bytes + *offset + sizeof(header);
    const size_t left = len - *offset - sizeof(header);
    if (left < (size_t)header.name_bytes + header.value_bytes ||
        (header.is_text == 0 && header.value_bytes != sizeof(out->integer))) {
        return false;
    }
    *out = (struct journal_field){.name = (const char *)name, .name_bytes = header.name_bytes};
    if (header.is_text != 0) {
        out->text = (const char *)name + header.name_bytes;
        out->text_bytes = header.value_bytes;
    } else {
        memcpy(&out->integer, name + header.name_bytes, sizeof(out->integer));
    }
    *offset += sizeof(header) + header.name_bytes + header.value_bytes;
    return true;
}

static bool value_is(const struct journal_field *field, const char *value, size_t len) {
    if (field->text != nullptr) {
        return field->text_bytes == len && memcmp(field->text, value, len) == 0;
    }
    char decimal[24];
    return fmt_snprintf(decimal, sizeof(decimal), "%lld", (long long)field->integer) == len && memcmp(decimal, value, len) == 0;
}

bool journal_fields_match(const uint8_t *bytes, size_t len, const char *wanted, size_t wanted_bytes) {
    size_t name_bytes = 0, offset = 0;
    while (name_bytes < wanted_bytes && wanted[name_bytes] != '=') {
        name_bytes++;
    }
    for (struct journal_field field; journal_fields_next(bytes, len, &offset, &field);) {
        if (field.name_bytes == name_bytes && memcmp(field.name, wanted, name_bytes) == 0 &&
            (name_bytes == wanted_bytes || value_is(&field, wanted + name_bytes + 1, wanted_bytes - name_bytes - 1))) {
            return true;
        }
    }
    return false;
}
