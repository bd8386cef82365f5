#include "lib/metrics/health.h"

#include "base/fmt.h"
#include "base/str.h"

void health_begin(struct health_watch *health) {
    for (size_t i = 0; i < HEALTH_SOURCES_MAX; i++) {
        health->sources[i].seen = false;
    }
    health->whole.seen = false;
}

static struct health_source *find(struct health_watch *health, const char *name) {
    struct health_source *free = &health->whole;
    for (size_t i = 0; i < HEALTH_SOURCES_MAX; i++) {
        struct health_source *source = &health->sources[i];
        if (str_equal(source->name, name)) {
            return source;
        }
        free = free == &health->whole && source->name[0] == '\0' ? source : free;
    }
    if (free != &health->whole) {
        *free = (struct health_source){};
        (void)str_copy(free->name, sizeof(free->name), name);
    }
    return free;
}

void health_report(struct health_watch *health, const char *name, enum health_level level, const char *reason) {
    struct health_source *source = find(health, name);
    if (!source->seen || level > source->reported) {
        source->reported = level;
        (void)str_copy(source->reported_reason, sizeof(source->reported_reason), reason);
    }
    source->seen = true;
}

static void take_over(struct health_watch *health, struct health_source *source, uint64_t now_ns) {
    const bool changed = source->level != source->reported || !str_equal(source->reason, source->reported_reason);
    source->level = source->reported;
    (void)str_copy(source->reason, sizeof(source->reason), source->reported_reason);
    if (changed) {
        struct health_event *change = &health->changes[health->change_count++ % HEALTH_CHANGES_MAX];
        *change = (struct health_event){.time_ns = now_ns, .level = source->level};
        (void)str_copy(change->name, sizeof(change->name), source->name);
        (void)str_copy(change->reason, sizeof(change->reason), source->reason);
    }
}

void health_end(struct health_watch *health, uint64_t now_ns) {
    struct health_source *whole = &health->whole;
    if (!whole->seen) {
        whole->reported = HEALTH_LEVEL_OK;
        whole->reported_reason[0] = '\0';
    }
    for (size_t i = 0; i < HEALTH_SOURCES_MAX; i++) {
        struct health_source *source = &health->sources[i];
        if (source->name[0] == '\0') {
            continue;
        }
        if (!source->seen) { // one that is gone hurts nobody any more
            source->reported = HEALTH_LEVEL_OK;
            source->reported_reason[0] = '\0';
        }
        take_over(health, source, now_ns);
        if (source->level > whole->reported) {
            whole->reported = source->level;
            (void)fmt_snprintf(whole->reported_reason, sizeof(whole->reported_reason), "%s: %s", source->name, source->reason);
        }
        if (!source->seen) {
            *source = (struct health_source){};
        }
    }
    health->since_ns = whole->level != whole->reported ? now_ns : health->since_ns;
    take_over(health, whole, now_ns);
}

const struct health_event *health_event_at(const struct health_watch *health, uint64_t index) {
    const bool kept = index < health->change_count && health->change_count - index <= HEALTH_CHANGES_MAX;
    return kept ? &health->changes[index % HEALTH_CHANGES_MAX] : nullptr;
}
