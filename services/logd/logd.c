// logd: the one log of the system. Wiring only: the journal is lib/journal, the contract lib/wire/log.h.
#include "base/mem.h"
#include "base/str.h"
#include "lib/journal/holders.h"
#include "lib/journal/journal.h"
#include "lib/tess/capset.h"
#include "lib/tess/clock.h"
#include "lib/tess/main.h"
#include "lib/tess/page.h"
#include "lib/wire/log.h"
#include "lib/wire/server.h"

constexpr size_t JOURNAL_BYTES = 64 * 1024;

static_assert(JOURNAL_TEXT_MAX == LOG_TEXT_MAX && JOURNAL_SOURCE_BYTES == WIRE_NAME_BYTES &&
              HOLDER_NAME_BYTES == WIRE_NAME_BYTES);

static struct journal journal;
static struct holder_table holders;
static uint64_t refused;
alignas(8) static uint8_t journal_memory[JOURNAL_BYTES];

static void append(struct wire_server *server, const struct wire_request *request) {
    struct log_append record;
    if (!log_append_decode(request, &record)) {
        refused++;
        wire_server_answer(server, WIRE_BAD_REQUEST, nullptr);
        return;
    }
    char fallback[HOLDER_NAME_BYTES];
    const char *name = holder_lookup(&holders, record.subject, fallback);
    struct wire_body body = {};
    body.words[0] = journal_append(&journal, tess_now_ns(), name, record.level, record.text, record.text_bytes);
    wire_server_answer(server, WIRE_OK, &body);
}

// A page of records under construction.
struct page {
    uint8_t *bytes;
    size_t used;
    uint64_t skip; // records that match, but are not among the last ones wanted
    uint64_t limit;
    uint64_t count;
    uint64_t last_sequence;
    bool full;
};

static bool put_record(void *context, const struct journal_entry *entry, const char *text, size_t len,
                       const char *rest, size_t rest_len) {
    struct page *page = context;
    if (page->skip > 0) {
        page->skip--;
        return true;
    }
    if (page->count == page->limit) {
        page->full = true;
        return false;
    }
    char whole[JOURNAL_TEXT_MAX];
    memcpy(whole, text, len);
    memcpy(whole + len, rest, rest_len);
    struct log_wire_record record = {
        .sequence = entry->sequence,
        .time_ns = entry->time_ns,
        .level = entry->level,
        .text_bytes = entry->text_bytes,
    };
    memcpy(record.service, entry->source, sizeof(record.service));
    if (!log_record_put(page->bytes, &page->used, &record, whole)) {
        page->full = true;
        return false;
    }
    page->count++;
    page->last_sequence = entry->sequence;
    return true;
}

static void query(struct wire_server *server, const struct wire_request *request) {
    struct log_query query;
    if (!log_query_decode(request, &query)) {
        wire_server_answer(server, WIRE_BAD_REQUEST, nullptr);
        return;
    }
    struct journal_filter filter = {
        .after = query.after,
        .source = query.service[0] != '\0' ? query.service : nullptr,
        .level = query.level,
    };
    struct page page = {.bytes = tess_message_page(), .limit = query.limit, .last_sequence = query.after};
    if (query.last) {
        uint64_t matching = journal_count(&journal, &filter);
        page.skip = matching > query.limit ? matching - query.limit : 0;
    }
    journal_walk(&journal, &filter, put_record, &page);
    uint64_t first = journal_first(&journal);
    uint64_t lost = first > query.after + 1 ? first - query.after - 1 : 0;
    struct wire_body body = {
        .words = {page.count, page.last_sequence, page.full, query.last ? 0 : lost},
        .page_bytes = (uint32_t)page.used,
    };
    wire_server_answer(server, WIRE_OK, &body);
}

static void stats(struct wire_server *server) {
    struct log_stats stats = {
        .records = journal.records,
        .used_bytes = journal.used,
        .capacity_bytes = journal.size,
        .appended = journal.appended,
        .dropped = journal.dropped,
        .first_sequence = journal_first(&journal),
        .last_sequence = journal_last(&journal),
        .refused = refused,
    };
    struct wire_body body = {};
    memcpy(body.words, &stats, sizeof(stats));
    wire_server_answer(server, WIRE_OK, &body);
}

static void name_badge(struct wire_server *server, const struct wire_request *request) {
    char name[WIRE_NAME_BYTES];
    if (!wire_badge_controls(request->badge)) {
        wire_server_answer(server, WIRE_NOT_ALLOWED, nullptr);
    } else if (request->words[0] == 0 || (request->page_bytes != 0 && !wire_name_request(request, name))) {
        wire_server_answer(server, WIRE_BAD_REQUEST, nullptr);
    } else {
        if (request->page_bytes == 0) {
            holder_forget(&holders, request->words[0]);
        } else {
            holder_name(&holders, request->words[0], name);
        }
        wire_server_answer(server, WIRE_OK, nullptr);
    }
}

static void serve(struct wire_server *server, const struct wire_request *request) {
    switch (request->method) {
    case LOG_APPEND: append(server, request); break;
    case LOG_QUERY: query(server, request); break;
    case LOG_STATS: stats(server); break;
    case LOG_NAME_BADGE: name_badge(server, request); break;
    default: wire_server_answer(server, WIRE_BAD_METHOD, nullptr); break;
    }
}

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    // Committed now: what the log takes does not grow with what is logged, nor fail later.
    memset(journal_memory, 0, sizeof(journal_memory));
    journal_init(&journal, journal_memory, sizeof(journal_memory));
    holder_table_init(&holders);
    struct wire_server server;
    struct wire_request request;
    wire_server_init(&server, tess_cap_required("log", WIRE_INTERFACE_LOG), 0);
    for (;;) {
        switch (wire_server_next(&server, &request, DEADLINE_NEVER)) {
        case WIRE_REQUEST: serve(&server, &request); break;
        case WIRE_SIGNAL:
        case WIRE_TIMEOUT: break;
        case WIRE_CLOSED: return 1;
        }
    }
}
