#include "lib/journal/filter.h"

#include "base/mem.h"
#include "base/str.h"
#include "lib/journal/fields.h"

static bool same(struct journal_run wanted, const char *bytes, size_t len) {
    return wanted.len == 0 || (wanted.len == len && memcmp(wanted.bytes, bytes, len) == 0);
}

static bool contains(const char *bytes, size_t len, struct journal_run wanted) {
    for (size_t i = 0; wanted.len <= len && i <= len - wanted.len; i++) {
        if (wanted.len == 0 || memcmp(bytes + i, wanted.bytes, wanted.len) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_of(const struct journal *journal, const struct journal_record *record, struct journal_run wanted) {
    const char *name = journal->sources[record->source].name;
    return same(wanted, name, strlen(name));
}

bool journal_matches(const struct journal *journal, uint16_t at, const struct journal_filter *filter,
                     char body[JOURNAL_BODY_MAX]) {
    const struct journal_record *record = journal_at(journal, at);
    journal_body(journal, at, body);
    const char *text = body + record->domain_bytes, *fields = text + record->text_bytes;
    return record->level <= filter->level && record->time_ns >= filter->from_ns && record->time_ns <= filter->to_ns &&
           (filter->cause == 0 || record->cause == filter->cause) && (filter->kinds == 0 || (record->kind < 32 && (filter->kinds >> record->kind & 1) != 0)) &&
           is_of(journal, record, filter->source) && same(filter->domain, body, record->domain_bytes) &&
           contains(text, record->text_bytes, filter->contains) &&
           (filter->field.len == 0 || journal_fields_match((const uint8_t *)fields, record->fields_bytes,
                                                           filter->field.bytes, filter->field.len));
}
