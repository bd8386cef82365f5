#include "lib/journal/journal.h"

#include "base/align.h"
#include "base/mem.h"
#include "base/str.h"

// In the ring: a header, then the text, padded to 8 bytes. Either may lie across the end of the memory.
static size_t record_bytes(size_t text_bytes) {
    return sizeof(struct journal_entry) + align_up(text_bytes, 8);
}

static_assert(sizeof(struct journal_entry) % 8 == 0);

void journal_init(struct journal *journal, void *memory, size_t size) {
    *journal = (struct journal){.bytes = memory, .size = size};
}

static size_t wrap(const struct journal *journal, size_t offset) {
    return offset < journal->size ? offset : offset - journal->size;
}

static void ring_write(struct journal *journal, size_t offset, const void *bytes, size_t len) {
    size_t first = journal->size - offset;
    first = first < len ? first : len;
    memcpy(journal->bytes + offset, bytes, first);
    memcpy(journal->bytes, (const uint8_t *)bytes + first, len - first);
}

static void ring_read(const struct journal *journal, size_t offset, void *bytes, size_t len) {
    size_t first = journal->size - offset;
    first = first < len ? first : len;
    memcpy(bytes, journal->bytes + offset, first);
    memcpy((uint8_t *)bytes + first, journal->bytes, len - first);
}

static void drop_oldest(struct journal *journal) {
    struct journal_entry entry;
    ring_read(journal, journal->head, &entry, sizeof(entry));
    size_t len = record_bytes(entry.text_bytes);
    journal->head = wrap(journal, journal->head + len);
    journal->used -= len;
    journal->records--;
    journal->dropped++;
}

uint64_t journal_append(struct journal *journal, uint64_t time_ns, const char *source, uint8_t level,
                        const char *text, size_t text_bytes) {
    text_bytes = text_bytes < JOURNAL_TEXT_MAX ? text_bytes : JOURNAL_TEXT_MAX;
    size_t len = record_bytes(text_bytes);
    while (journal->size - journal->used < len) {
        drop_oldest(journal);
    }
    struct journal_entry entry = {
        .sequence = ++journal->appended,
        .time_ns = time_ns,
        .text_bytes = (uint16_t)text_bytes,
        .level = level,
    };
    str_copy(entry.source, sizeof(entry.source), source);
    size_t tail = wrap(journal, journal->head + journal->used);
    ring_write(journal, tail, &entry, sizeof(entry));
    ring_write(journal, wrap(journal, tail + sizeof(entry)), text, text_bytes);
    journal->used += len;
    journal->records++;
    return entry.sequence;
}

uint64_t journal_first(const struct journal *journal) {
    return journal->records == 0 ? 0 : journal->appended - journal->records + 1;
}

uint64_t journal_last(const struct journal *journal) {
    return journal->records == 0 ? 0 : journal->appended;
}

static bool matches(const struct journal_entry *entry, const struct journal_filter *filter) {
    return entry->sequence > filter->after && entry->level <= filter->level &&
           (filter->source == nullptr || str_equal(entry->source, filter->source));
}

uint64_t journal_walk(const struct journal *journal, const struct journal_filter *filter, journal_visit_fn *visit,
                      void *context) {
    uint64_t visited = 0;
    size_t offset = journal->head;
    for (uint64_t i = 0; i < journal->records; i++) {
        struct journal_entry entry;
        ring_read(journal, offset, &entry, sizeof(entry));
        if (matches(&entry, filter)) {
            size_t text = wrap(journal, offset + sizeof(entry));
            size_t first = journal->size - text;
            first = first < entry.text_bytes ? first : entry.text_bytes;
            visited++;
            if (!visit(context, &entry, (const char *)journal->bytes + text, first, (const char *)journal->bytes,
                       entry.text_bytes - first)) {
                break;
            }
        }
        offset = wrap(journal, offset + record_bytes(entry.text_bytes));
    }
    return visited;
}

static bool count_visit(void *context, const struct journal_entry *entry, const char *text, size_t len,
                        const char *rest, size_t rest_len) {
    (void)context;
    (void)entry;
    (void)text;
    (void)len;
    (void)rest;
    (void)rest_len;
    return true;
}

uint64_t journal_count(const struct journal *journal, const struct journal_filter *filter) {
    return journal_walk(journal, filter, count_visit, nullptr);
}

bool journal_check(const struct journal *journal) {
    size_t offset = journal->head;
    size_t used = 0;
    for (uint64_t i = 0; i < journal->records; i++) {
        struct journal_entry entry;
        ring_read(journal, offset, &entry, sizeof(entry));
        if (entry.sequence != journal_first(journal) + i || entry.text_bytes > JOURNAL_TEXT_MAX) {
            return false;
        }
        used += record_bytes(entry.text_bytes);
        if (used > journal->used) {
            return false;
        }
        offset = wrap(journal, offset + record_bytes(entry.text_bytes));
    }
    return used == journal->used && used <= journal->size && journal->records + journal->dropped == journal->appended;
}
