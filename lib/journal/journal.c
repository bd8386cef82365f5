#include "lib/journal/journal.h"

#include "base/mem.h"

// The block: struct journal, the units, and for each unit the index of the one that follows it in its record or in the free list.
constexpr uint64_t MAGIC = 0x31'6c61'6e72'756f'6aull; // "journal1"
constexpr size_t UNITS_MIN = 64, UNITS_MAX = JOURNAL_NONE - 1;
constexpr size_t FIRST_BYTES = JOURNAL_UNIT_BYTES - sizeof(struct journal_record); // of the body, in the first unit

static_assert(sizeof(struct journal) % 8 == 0 && JOURNAL_UNIT_BYTES % 8 == 0);
static_assert(sizeof(struct journal_record) < JOURNAL_UNIT_BYTES);

static uint8_t *unit(const struct journal *journal, uint16_t at) {
    return (uint8_t *)(journal + 1) + (size_t)at * JOURNAL_UNIT_BYTES;
}

static uint16_t *links(const struct journal *journal) {
    return (uint16_t *)(void *)unit(journal, (uint16_t)journal->units);
}

static struct journal_record *record(const struct journal *journal, uint16_t at) {
    return (struct journal_record *)(void *)unit(journal, at);
}

static size_t body_bytes(const struct journal_record *it) {
    return (size_t)it->domain_bytes + it->text_bytes + it->fields_bytes;
}

static uint32_t units_for(size_t body) {
    return body <= FIRST_BYTES ? 1 : 1 + (uint32_t)((body - FIRST_BYTES + JOURNAL_UNIT_BYTES - 1) / JOURNAL_UNIT_BYTES);
}

static size_t units_in(size_t size_bytes) {
    const size_t room = size_bytes < sizeof(struct journal) ? 0 : size_bytes - sizeof(struct journal);
    const size_t units = room / (JOURNAL_UNIT_BYTES + sizeof(uint16_t));
    return units < UNITS_MAX ? units : UNITS_MAX;
}

struct journal *journal_create(void *memory, size_t size_bytes) {
    struct journal *journal = memory;
    memset(memory, 0, size_bytes);
    const uint32_t units = (uint32_t)units_in(size_bytes);
    *journal = (struct journal){
        .magic = MAGIC, .units = units, .free_units = units, .first = JOURNAL_NONE, .last = JOURNAL_NONE};
    for (uint32_t i = 0; i < units; i++) {
        links(journal)[i] = (uint16_t)(i + 1 < units ? i + 1 : JOURNAL_NONE);
    }
    for (size_t i = 0; i < JOURNAL_SOURCES; i++) {
        journal->sources[i].first = journal->sources[i].last = JOURNAL_NONE;
    }
    return journal;
}

// ---- who has most ----

static void grow(struct journal *journal, struct journal_source *source, uint32_t units) {
    const uint16_t index = (uint16_t)(source - journal->sources);
    struct journal_source *widest = &journal->sources[journal->widest];
    source->units += units;
    if (index == journal->widest) {
        return;
    }
    if (source->units > widest->units) {
        journal->widest = index;
        source = widest;
    }
    if (source->units > journal->others_most) {
        journal->others_most = source->units;
    }
}

static struct journal_source *widest(struct journal *journal) {
    if (journal->sources[journal->widest].units < journal->others_most) {
        journal->widest = 0;
        journal->others_most = 0;
        for (uint16_t i = 1; i < JOURNAL_SOURCES; i++) {
            const uint32_t units = journal->sources[i].units;
            const uint32_t most = journal->sources[journal->widest].units;
            const uint32_t less = units > most ? most : units;
            journal->widest = units > most ? i : journal->widest;
            journal->others_most = less > journal->others_most ? less : journal->others_most;
        }
    }
    return &journal->sources[journal->widest];
}

// ---- the list by time ----

// Another process may have to go by this list, from the oldest record on, whatever instruction this one is killed at. So what a record
// is made of is there before the list has it, and is given up after the list has it no more: the compiler leaves it at that.
static void link_forward(uint16_t *from, uint16_t to) {
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
    __atomic_store_n(from, to, __ATOMIC_RELAXED);
    __atomic_signal_fence(__ATOMIC_SEQ_CST);
}

// ---- records go ----

static void unlink_record(struct journal *journal, const struct journal_record *it) {
    link_forward(it->older == JOURNAL_NONE ? &journal->first : &record(journal, it->older)->newer, it->newer);
    if (it->newer == JOURNAL_NONE) {
        journal->last = it->older;
    } else {
        record(journal, it->newer)->older = it->older;
    }
}

// Drops the oldest record of a source that has one.
static void drop(struct journal *journal, struct journal_source *source) {
    const uint16_t at = source->first;
    const struct journal_record *it = record(journal, at);
    const uint32_t units = units_for(body_bytes(it));
    unlink_record(journal, it);
    source->first = it->next;
    source->last = source->first == JOURNAL_NONE ? JOURNAL_NONE : source->last;
    uint16_t end = at;
    for (uint32_t i = 1; i < units; i++) {
        end = links(journal)[end];
    }
    links(journal)[end] = journal->free;
    journal->free = at;
    journal->free_units += units;
    source->units -= units;
    source->records--;
    source->dropped++;
    journal->records--;
    journal->dropped++;
}

static void make_room(struct journal *journal, struct journal_source *source, uint32_t units) {
    while (journal->free_units < units) {
        struct journal_source *from = widest(journal);
        // Whoever would have more than the others takes it from itself.
        from = source->records > 0 && source->units + units > from->units ? source : from;
        drop(journal, from);
    }
}

// ---- sources ----

static struct journal_source *find(struct journal *journal, uint64_t holder) {
    for (size_t i = 0; i < JOURNAL_SOURCES; i++) {
        if (journal->sources[i].holder == holder && journal->sources[i].stamp != 0) {
            return &journal->sources[i];
        }
    }
    return nullptr;
}

// Which of two sources is forgotten first.
static bool goes_before(const struct journal_source *a, const struct journal_source *b) {
    return (a->records == 0) != (b->records == 0) ? a->records == 0 : a->stamp < b->stamp;
}

struct journal_source *journal_source(struct journal *journal, uint64_t holder) {
    struct journal_source *source = find(journal, holder);
    if (source == nullptr) {
        source = &journal->sources[0];
        for (size_t i = 1; i < JOURNAL_SOURCES; i++) {
            source = goes_before(&journal->sources[i], source) ? &journal->sources[i] : source;
        }
        while (source->records > 0) {
            drop(journal, source);
        }
        *source = (struct journal_source){
            .holder = holder, .stamp = ++journal->stamp, .first = JOURNAL_NONE, .last = JOURNAL_NONE};
    }
    return source;
}

// ---- records come ----

// Where in a record's units the next byte of its body goes to, or comes from.
struct cursor {
    uint16_t unit;
    size_t offset;
};

static void body_write(struct journal *journal, struct cursor *at, const void *bytes, size_t len) {
    const uint8_t *from = bytes;
    while (len > 0) {
        if (at->offset == JOURNAL_UNIT_BYTES) {
            *at = (struct cursor){.unit = links(journal)[at->unit]};
        }
        const size_t room = JOURNAL_UNIT_BYTES - at->offset;
        const size_t piece = len < room ? len : room;
        memcpy(unit(journal, at->unit) + at->offset, from, piece);
        at->offset += piece;
        from += piece;
        len -= piece;
    }
}

// Takes units off the free list, which has so many.
static uint16_t take_units(struct journal *journal, uint32_t units) {
    const uint16_t at = journal->free;
    uint16_t end = at;
    for (uint32_t i = 1; i < units; i++) {
        end = links(journal)[end];
    }
    journal->free = links(journal)[end];
    journal->free_units -= units;
    return at;
}

bool journal_takes(struct journal *journal, struct journal_source *source, uint64_t now_ns) {
    const bool taken = limit_take(&source->limit, now_ns);
    journal->limited += !taken;
    return taken;
}

static size_t at_most(size_t len, size_t most) {
    return len < most ? len : most;
}

uint64_t journal_append(struct journal *journal, struct journal_source *source, uint64_t time_ns,
                        const struct journal_content *content) {
    struct journal_record it = {
        .sequence = journal->appended + 1,
        .time_ns = time_ns,
        .cause = content->cause,
        .newer = JOURNAL_NONE,
        .next = JOURNAL_NONE,
        .source = (uint16_t)(source - journal->sources),
        .text_bytes = (uint16_t)at_most(content->text_bytes, JOURNAL_TEXT_MAX),
        .fields_bytes = (uint16_t)(content->fields_bytes <= JOURNAL_FIELDS_MAX ? content->fields_bytes : 0),
        .level = content->level,
        .kind = content->kind,
        .domain_bytes = (uint8_t)at_most(content->domain_bytes, JOURNAL_DOMAIN_MAX),
    };
    const uint32_t units = units_for(body_bytes(&it));
    make_room(journal, source, units);
    it.older = journal->last;
    const uint16_t at = take_units(journal, units);
    *record(journal, at) = it;
    struct cursor cursor = {at, sizeof(it)};
    body_write(journal, &cursor, content->domain, it.domain_bytes);
    body_write(journal, &cursor, content->text, it.text_bytes);
    body_write(journal, &cursor, content->fields, it.fields_bytes);
    link_forward(it.older == JOURNAL_NONE ? &journal->first : &record(journal, it.older)->newer, at);
    journal->appended = it.sequence;
    *(source->first == JOURNAL_NONE ? &source->first : &record(journal, source->last)->next) = at;
    journal->last = at;
    source->last = at;
    source->stamp = ++journal->stamp;
    source->records++;
    source->appended++;
    journal->records++;
    grow(journal, source, units);
    return it.sequence;
}

// ---- reading ----

uint64_t journal_first(const struct journal *journal) {
    return journal->first == JOURNAL_NONE ? 0 : record(journal, journal->first)->sequence;
}

uint64_t journal_last(const struct journal *journal) {
    return journal->last == JOURNAL_NONE ? 0 : record(journal, journal->last)->sequence;
}

const struct journal_record *journal_at(const struct journal *journal, uint16_t at) {
    return record(journal, at);
}

uint16_t journal_after(const struct journal *journal, uint64_t sequence) {
    if (journal_first(journal) > sequence) {
        return journal->first;
    }
    uint16_t found = JOURNAL_NONE;
    for (uint16_t at = journal->last; at != JOURNAL_NONE && record(journal, at)->sequence > sequence;
         at = record(journal, at)->older) {
        found = at;
    }
    return found;
}

uint64_t journal_lost(const struct journal *journal, uint64_t after, uint64_t upto) {
    uint64_t lost = upto > after ? upto - after : 0;
    for (uint16_t at = journal_after(journal, after); at != JOURNAL_NONE && record(journal, at)->sequence <= upto;
         at = record(journal, at)->newer) {
        lost--;
    }
    return lost;
}

void journal_body(const struct journal *journal, uint16_t at, char body[JOURNAL_BODY_MAX]) {
    size_t left = body_bytes(record(journal, at));
    size_t offset = sizeof(struct journal_record);
    while (left > 0) {
        const size_t piece = at_most(left, JOURNAL_UNIT_BYTES - offset);
        memcpy(body, unit(journal, at) + offset, piece);
        body += piece;
        left -= piece;
        offset = 0;
        at = links(journal)[at];
    }
}

uint64_t journal_capacity(const struct journal *journal) {
    return (uint64_t)journal->units * JOURNAL_UNIT_BYTES;
}

uint64_t journal_used(const struct journal *journal) {
    return (uint64_t)(journal->units - journal->free_units) * JOURNAL_UNIT_BYTES;
}

// ---- of a block that may hold anything ----

// What was met of it. Nothing is followed before it was looked at, and nothing twice.
struct census {
    uint8_t seen[(UNITS_MAX + 7) / 8];
    uint32_t met;
    uint32_t units[JOURNAL_SOURCES];
    uint64_t records[JOURNAL_SOURCES];
    uint16_t youngest; // record ...
    uint64_t sequence; // ... and its number; 0: there is none
    uint32_t all_records;
};

static bool has_met(const struct census *census, uint16_t at) {
    return (census->seen[at / 8] & 1 << at % 8) != 0;
}

// Meets so many units of a chain.
static bool meet(const struct journal *journal, struct census *census, uint16_t at, uint32_t units) {
    for (uint32_t i = 0; i < units; i++) {
        if (at >= journal->units || has_met(census, at)) {
            return false;
        }
        census->seen[at / 8] |= (uint8_t)(1 << at % 8);
        census->met++;
        at = i + 1 < units ? links(journal)[at] : at;
    }
    return true;
}

static bool is_block(const struct journal *journal, size_t size_bytes) {
    return size_bytes >= sizeof(struct journal) && units_in(size_bytes) >= UNITS_MIN && journal->magic == MAGIC &&
           journal->units == units_in(size_bytes);
}

// Follows the list by time. False: it leaves the block, or has what is no record. The youngest may not be counted yet.
static bool take_census(const struct journal *journal, struct census *census) {
    census->youngest = JOURNAL_NONE;
    for (uint16_t at = journal->first; at != JOURNAL_NONE; at = record(journal, at)->newer) {
        if (at >= journal->units) {
            return false;
        }
        const struct journal_record *it = record(journal, at);
        if (it->sequence <= census->sequence || it->sequence > journal->appended + 1 || it->source >= JOURNAL_SOURCES ||
            it->domain_bytes > JOURNAL_DOMAIN_MAX || it->text_bytes > JOURNAL_TEXT_MAX ||
            it->fields_bytes > JOURNAL_FIELDS_MAX || !meet(journal, census, at, units_for(body_bytes(it)))) {
            return false;
        }
        census->units[it->source] += units_for(body_bytes(it));
        census->records[it->source]++;
        census->all_records++;
        census->sequence = it->sequence;
        census->youngest = at;
    }
    return true;
}

// ---- going on with one ----

// What was just coming when its process was killed has no records, and perhaps half a name.
static void settle_source(struct journal *journal, struct journal_source *source, const struct census *census) {
    const size_t index = (size_t)(source - journal->sources);
    if (source->appended == 0 && census->records[index] == 0) {
        *source = (struct journal_source){};
    }
    source->first = source->last = JOURNAL_NONE;
    source->records = census->records[index];
    source->units = census->units[index];
    source->appended = source->appended > source->records ? source->appended : source->records;
    source->dropped = source->appended - source->records;
    source->name[JOURNAL_NAME_BYTES - 1] = '\0';
    source->stamp = source->stamp == 0 && source->records > 0 ? 1 : source->stamp;
    journal->stamp = journal->stamp > source->stamp ? journal->stamp : source->stamp;
}

// Whatever the list by time does not have is free.
static void gather_free(struct journal *journal, const struct census *census) {
    journal->free = JOURNAL_NONE;
    journal->free_units = 0;
    for (uint32_t i = journal->units; i-- > 0;) {
        if (!has_met(census, (uint16_t)i)) {
            links(journal)[i] = journal->free;
            journal->free = (uint16_t)i;
            journal->free_units++;
        }
    }
}

static void thread_records(struct journal *journal) {
    uint16_t older = JOURNAL_NONE;
    for (uint16_t at = journal->first; at != JOURNAL_NONE; at = record(journal, at)->newer) {
        struct journal_record *it = record(journal, at);
        struct journal_source *source = &journal->sources[it->source];
        it->older = older;
        it->next = JOURNAL_NONE;
        *(source->first == JOURNAL_NONE ? &source->first : &record(journal, source->last)->next) = at;
        source->last = at;
        older = at;
    }
}

struct journal *journal_adopt(void *memory, size_t size_bytes) {
    struct journal *journal = memory;
    struct census census = {};
    if (!is_block(journal, size_bytes) || !take_census(journal, &census)) {
        return nullptr;
    }
    journal->last = census.youngest;
    journal->appended = journal->appended > census.sequence ? journal->appended : census.sequence;
    journal->records = census.all_records;
    journal->dropped = journal->appended - journal->records;
    for (size_t i = 0; i < JOURNAL_SOURCES; i++) {
        settle_source(journal, &journal->sources[i], &census);
    }
    gather_free(journal, &census);
    thread_records(journal);
    journal->widest = 0;
    journal->others_most = UINT32_MAX;
    (void)widest(journal); // works it out
    return journal;
}

// ---- the invariant checker ----

static bool check_order(const struct journal *journal) {
    uint16_t older = JOURNAL_NONE;
    for (uint16_t at = journal->first; at != JOURNAL_NONE; at = record(journal, at)->newer) {
        if (record(journal, at)->older != older) {
            return false;
        }
        older = at;
    }
    return true;
}

// A source's own list has its records, in order; all of them are known to be in the block.
static bool check_source(const struct journal *journal, const struct journal_source *source, const struct census *census) {
    const size_t index = (size_t)(source - journal->sources);
    uint64_t records = 0, sequence = 0;
    uint16_t last = JOURNAL_NONE;
    for (uint16_t at = source->first; at != JOURNAL_NONE; at = record(journal, at)->next) {
        if (at >= journal->units || record(journal, at)->source != index || record(journal, at)->sequence <= sequence ||
            ++records > census->records[index]) {
            return false;
        }
        sequence = record(journal, at)->sequence;
        last = at;
    }
    return records == census->records[index] && records == source->records && last == source->last &&
           source->units == census->units[index] && memchr(source->name, '\0', sizeof(source->name)) != nullptr &&
           (index == journal->widest || source->units <= journal->others_most);
}

bool journal_check(const struct journal *journal, size_t size_bytes) {
    struct census census = {};
    if (!is_block(journal, size_bytes) || journal->widest >= JOURNAL_SOURCES || journal->free_units > journal->units ||
        !take_census(journal, &census) || census.sequence > journal->appended || !check_order(journal) || journal->last != census.youngest ||
        journal->records != census.all_records || journal->appended - journal->dropped != journal->records) {
        return false;
    }
    if (!meet(journal, &census, journal->free, journal->free_units) || census.met != journal->units) {
        return false;
    }
    for (size_t i = 0; i < JOURNAL_SOURCES; i++) {
        if (!check_source(journal, &journal->sources[i], &census)) {
            return false;
        }
    }
    return true;
}
