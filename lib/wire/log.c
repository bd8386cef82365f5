#include "lib/wire/log.h"

#include "abi/message.h"
#include "base/align.h"
#include "base/checked.h"
#include "base/mem.h"
#include "base/str.h"

static_assert(LOG_TEXT_MAX + sizeof(struct log_wire_record) <= MESSAGE_PAGE_BYTES);

const char *log_level_name(enum log_level level) {
    static const char *const names[LOG_LEVEL_COUNT] = {"error", "warning", "info", "debug"};
    return level < LOG_LEVEL_COUNT ? names[level] : "?";
}

bool log_append_decode(const struct wire_request *request, struct log_append *out) {
    uint64_t subject = request->words[1];
    if (request->words[0] >= LOG_LEVEL_COUNT || request->page_bytes == 0 || request->page_bytes > LOG_TEXT_MAX ||
        (subject != 0 && !wire_badge_controls(request->badge))) {
        return false;
    }
    out->level = (enum log_level)request->words[0];
    out->subject = subject != 0 ? wire_badge_holder(subject) : wire_badge_holder(request->badge);
    out->text = (const char *)request->page;
    out->text_bytes = request->page_bytes;
    return true;
}

bool log_query_decode(const struct wire_request *request, struct log_query *out) {
    struct log_query query = {.after = request->words[0], .limit = request->words[1]};
    if (request->words[2] >= LOG_LEVEL_COUNT || request->words[3] > 1) {
        return false;
    }
    if (request->page_bytes != 0 && !wire_name_request(request, query.service)) {
        return false;
    }
    query.level = (enum log_level)request->words[2];
    query.last = request->words[3] != 0;
    *out = query;
    return true;
}

bool log_record_put(uint8_t *page, size_t *used, const struct log_wire_record *record, const char *text) {
    size_t len = sizeof(*record) + align_up(record->text_bytes, 8);
    if (!range_within(*used, len, MESSAGE_PAGE_BYTES)) {
        return false;
    }
    memcpy(page + *used, record, sizeof(*record));
    memset(page + *used + sizeof(*record), 0, len - sizeof(*record));
    memcpy(page + *used + sizeof(*record), text, record->text_bytes);
    *used += len;
    return true;
}

bool log_record_next(const uint8_t *page, size_t page_bytes, size_t *offset, struct log_record *out) {
    struct log_record record;
    if (!range_within(*offset, sizeof(record.header), page_bytes)) {
        return false;
    }
    memcpy(&record.header, page + *offset, sizeof(record.header));
    size_t text_at = *offset + sizeof(record.header);
    size_t padded = align_up(record.header.text_bytes, 8);
    if (!range_within(text_at, padded, page_bytes) || record.header.level >= LOG_LEVEL_COUNT ||
        strnlen(record.header.service, WIRE_NAME_BYTES) == WIRE_NAME_BYTES) {
        return false;
    }
    record.text = (const char *)page + text_at;
    *out = record;
    *offset = text_at + padded;
    return true;
}

struct wire_body log_append_encode(uint8_t *page, enum log_level level, uint64_t subject, const char *text,
                                   size_t text_bytes) {
    size_t len = text_bytes <= LOG_TEXT_MAX ? text_bytes : LOG_TEXT_MAX;
    memcpy(page, text, len);
    if (len < text_bytes) {
        memcpy(page + len - 3, "...", 3);
    }
    return (struct wire_body){.words = {level, subject}, .page_bytes = (uint32_t)len};
}

struct wire_body log_query_encode(uint8_t *page, const struct log_query *query) {
    struct wire_body body = {.words = {query->after, query->limit, query->level, query->last}};
    if (query->service[0] != '\0') {
        memcpy(page, query->service, WIRE_NAME_BYTES);
        body.page_bytes = WIRE_NAME_BYTES;
    }
    return body;
}
