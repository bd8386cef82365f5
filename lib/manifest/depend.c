// Which service needs which: a grant of what another provides is a dependency, unless it is weak.
#include "base/fmt.h"
#include "base/str.h"
#include "lib/manifest/check.h"

const char *const manifest_mode_names[MANIFEST_MODES] = {
    [MANIFEST_MODE_FULL] = "full",
    [MANIFEST_MODE_REDUCED] = "reduced",
    [MANIFEST_MODE_SAFE] = "safe",
    [MANIFEST_MODE_RECOVERY] = "recovery",
};

const struct manifest_unit *manifest_needs(const struct manifest *manifest, const struct manifest_unit *unit, uint32_t index) {
    const struct manifest_grant grant = manifest_grant_list_get(unit->grants, index);
    const bool depends = manifest_grant_which(grant) == MANIFEST_GRANT_SERVICE && !manifest_grant_get_weak(grant);
    return depends ? manifest_provider(manifest, manifest_grant_get_service(grant).bytes) : nullptr;
}

bool check_supervision(struct check *check, const struct manifest_unit *unit) {
    if (unit->modes >> MANIFEST_MODES != 0) {
        return check_fail(check_at(check, "modes", CHECK_NO_INDEX), "there is no such mode");
    }
    if (unit->kind == MANIFEST_SERVICE && unit->budget == 0) {
        return check_fail(check_at(check, "budget", CHECK_NO_INDEX), "`%s` may not even fail once; at least 1 is expected", unit->name);
    }
    return unit->kind != MANIFEST_SERVICE || unit->probe_ms == 0 || unit->answer_ms > 0 ||
           check_fail(check_at(check, "answerMs", CHECK_NO_INDEX), "`%s` is asked whether it is well, and given no time to answer",
                      unit->name);
}

// ---- Cycles ----

// The way from a service that may be in a cycle: each step is a grant of the service before.
struct path {
    size_t len;
    struct {
        const struct manifest_unit *unit;
        uint32_t grant;
    } steps[MANIFEST_UNITS_MAX];
};

enum visit : uint8_t { UNSEEN, ON_PATH, DONE };

// "`a` needs `b` (FILE:LINE), `b` needs `a` (FILE:LINE)", from the step where the cycle begins.
static bool fail_cycle(struct check *check, const struct path *path, const struct manifest_unit *again) {
    char text[400];
    size_t first = 0, used = 0;
    while (path->steps[first].unit != again) {
        first++;
    }
    for (size_t i = first; i < path->len; i++) {
        const struct manifest_unit *unit = path->steps[i].unit;
        const struct manifest_grant grant = manifest_grant_list_get(unit->grants, path->steps[i].grant);
        used += fmt_snprintf(text + used, sizeof text - used, "%s`%s` needs `%s` (%s:%u)", i == first ? "" : ", ", unit->name,
                             i + 1 < path->len ? path->steps[i + 1].unit->name : again->name,
                             manifest_source(check->manifest, manifest_grant_get_source(grant)), manifest_grant_get_line(grant));
        used = used < sizeof text ? used : sizeof text - 1;
    }
    check->unit = path->steps[first].unit;
    check->grant = path->steps[first].grant;
    return check_fail(check_at(check, nullptr, CHECK_NO_INDEX), "each waits for the next: %s; one must say `weak = true`", text);
}

// Depth first, without recursion: a hostile manifest has long chains.
static bool walk(struct check *check, struct path *path, enum visit *visits, const struct manifest_unit *from) {
    const struct manifest *manifest = check->manifest;
    path->len = 1;
    path->steps[0].unit = from;
    path->steps[0].grant = 0;
    visits[from - manifest->units] = ON_PATH;
    while (path->len > 0) {
        const struct manifest_unit *unit = path->steps[path->len - 1].unit;
        const uint32_t grant = path->steps[path->len - 1].grant;
        if (grant == manifest_grant_list_count(unit->grants)) {
            visits[unit - manifest->units] = DONE;
            path->len--;
            if (path->len > 0) {
                path->steps[path->len - 1].grant++;
            }
            continue;
        }
        const struct manifest_unit *needed = manifest_needs(manifest, unit, grant);
        const enum visit visit = needed == nullptr ? DONE : visits[needed - manifest->units];
        if (visit == ON_PATH) {
            return fail_cycle(check, path, needed);
        }
        if (visit == DONE) {
            path->steps[path->len - 1].grant++;
            continue;
        }
        visits[needed - manifest->units] = ON_PATH;
        path->steps[path->len].unit = needed;
        path->steps[path->len++].grant = 0;
    }
    return true;
}

// ---- Modes ----

// A service may only need what runs wherever it does.
static bool check_modes(struct check *check, const struct manifest_unit *unit) {
    for (uint32_t i = 0; i < manifest_grant_list_count(unit->grants); i++) {
        const struct manifest_unit *needed = manifest_needs(check->manifest, unit, i);
        const uint32_t without = needed == nullptr ? 0 : unit->modes & ~needed->modes;
        if (without != 0) {
            check->unit = unit;
            check->grant = i;
            return check_fail(check_at(check, nullptr, CHECK_NO_INDEX),
                              "`%s` runs in mode %s, and `%s` (%s:%u), which it needs, does not; `weak = true` is expected where it "
                              "can do without",
                              unit->name, manifest_mode_names[__builtin_ctz(without)], needed->name, needed->source, needed->line);
        }
    }
    return true;
}

bool check_dependencies(struct check *check) {
    static struct path path; // large; a manifest is read by one thread
    enum visit visits[MANIFEST_UNITS_MAX] = {};
    const struct manifest *manifest = check->manifest;
    check->grant = CHECK_NO_INDEX;
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = &manifest->units[i];
        if (unit->kind != MANIFEST_SERVICE) {
            continue;
        }
        if ((visits[i] == UNSEEN && !walk(check, &path, visits, unit)) || !check_modes(check, unit)) {
            return false;
        }
    }
    check->unit = nullptr;
    return true;
}
