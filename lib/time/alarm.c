#include "lib/time/alarm.h"

static void forget(struct alarms *alarms, struct alarm *alarm) {
    alarms->close(alarm->watcher);
    *alarm = (struct alarm){};
}

static struct alarm *place_for(struct alarms *alarms, uint64_t holder) {
    struct alarm *place = nullptr;
    size_t own = 0;
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        struct alarm *alarm = &alarms->entries[i];
        if (alarm->id == 0) {
            place = alarm;
        } else {
            own += alarm->holder == holder;
        }
    }
    return own < ALARMS_OF_ONE_MAX ? place : nullptr;
}

static void forget_dead(struct alarms *alarms) {
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        struct alarm *alarm = &alarms->entries[i];
        if (alarm->id != 0 && !alarms->signal(alarm->watcher, 0)) {
            forget(alarms, alarm);
        }
    }
}

static bool is_taken(const struct alarms *alarms, uint32_t id) {
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        if (alarms->entries[i].id == id) {
            return true;
        }
    }
    return false;
}

uint32_t alarms_add(struct alarms *alarms, const struct alarm *alarm) {
    struct alarm *place = place_for(alarms, alarm->holder);
    if (place == nullptr) {
        forget_dead(alarms);
        place = place_for(alarms, alarm->holder);
    }
    if (place == nullptr) {
        return 0;
    }
    do { // 0 is of free ones, all of which have it
        alarms->last_id++;
    } while (alarms->last_id == 0 || is_taken(alarms, alarms->last_id));
    *place = *alarm;
    place->id = alarms->last_id;
    place->next_ns = alarm->start_ns;
    place->fired = place->missed = 0;
    return place->id;
}

bool alarms_cancel(struct alarms *alarms, uint64_t holder, bool anybody, uint32_t id) {
    for (size_t i = 0; id != 0 && i < ALARMS_MAX; i++) {
        struct alarm *alarm = &alarms->entries[i];
        if (alarm->id == id && (anybody || alarm->holder == holder)) {
            forget(alarms, alarm);
            return true;
        }
    }
    return false;
}

// The difference of two times; they may be as far apart as can be.
static uint64_t apart(int64_t later, int64_t earlier) {
    return (uint64_t)later - (uint64_t)earlier;
}

// To the first of its moments after `now`, which is at or after the next one: returns how many there are up to then.
static uint64_t go_forward(struct alarm *alarm, int64_t now) {
    const uint64_t since = apart(now, alarm->next_ns), left = alarm->period_ns - since % alarm->period_ns;
    if (left > INT64_MAX || __builtin_add_overflow(now, (int64_t)left, &alarm->next_ns)) {
        alarm->next_ns = INT64_MAX;
    }
    return since / alarm->period_ns + 1;
}

// The clock was set back: to the first of its moments after `now`, but not before its start.
static void go_back(struct alarm *alarm, int64_t now) {
    if (alarm->period_ns != 0 && alarm->next_ns > now && alarm->next_ns > alarm->start_ns) {
        uint64_t back = (apart(alarm->next_ns, now) - 1) / alarm->period_ns;
        const uint64_t most = apart(alarm->next_ns, alarm->start_ns) / alarm->period_ns;
        back = back < most ? back : most;
        alarm->next_ns = (int64_t)((uint64_t)alarm->next_ns - back * alarm->period_ns);
    }
}

static void run_one(struct alarms *alarms, struct alarm *alarm, int64_t now) {
    if (alarm->on_wall) {
        go_back(alarm, now);
    }
    if (now < alarm->next_ns) {
        return;
    }
    const bool alive = alarms->signal(alarm->watcher, alarm->bits);
    if (!alive || alarm->period_ns == 0) {
        forget(alarms, alarm);
        return;
    }
    alarm->fired++;
    alarm->missed += go_forward(alarm, now) - 1;
}

void alarms_run(struct alarms *alarms, uint64_t mono_ns, const struct wall *wall) {
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        struct alarm *alarm = &alarms->entries[i];
        if (alarm->id != 0 && (!alarm->on_wall || wall->known)) {
            run_one(alarms, alarm, alarm->on_wall ? wall_now(wall, mono_ns) : (int64_t)mono_ns);
        }
    }
}

uint64_t alarms_next(const struct alarms *alarms, const struct wall *wall) {
    uint64_t next = UINT64_MAX;
    for (size_t i = 0; i < ALARMS_MAX; i++) {
        const struct alarm *alarm = &alarms->entries[i];
        if (alarm->id == 0 || (alarm->on_wall && !wall->known)) {
            continue;
        }
        const uint64_t when = alarm->on_wall ? wall_when(wall, alarm->next_ns) : alarm->next_ns < 0 ? 0 : (uint64_t)alarm->next_ns;
        next = when < next ? when : next;
    }
    return next;
}
