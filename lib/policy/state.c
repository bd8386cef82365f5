// What was decided while the system runs, for another process of the service: what was revoked, what was learned, and whether the machine was ever anybody's. Rules of the
// manifest are not among it.
#include "base/mem.h"
#include "lib/policy/ruleset.h"

constexpr uint64_t VERSION = 1;

struct saved_rule {
    uint16_t subject, object;
    uint32_t action;
};

// Behind it come the rules, and then, if anything was, what was learned.
struct saved {
    uint64_t version;
    uint32_t revoked;
    uint8_t learning, learned; // 0 or 1
    uint8_t claimed; // 0 or 1
    uint8_t unused;
};

constexpr size_t SAVED_MAX = sizeof(struct saved) + RULESET_REVOKED_MAX * sizeof(struct saved_rule) + sizeof(struct ruleset_matrix);

static size_t saved_bytes(uint32_t revoked, uint8_t learned) {
    return sizeof(struct saved) + revoked * sizeof(struct saved_rule) + (learned != 0 ? sizeof(struct ruleset_matrix) : 0);
}

static bool is_empty(const struct ruleset_matrix *matrix) {
    static const struct ruleset_matrix empty;
    return memcmp(matrix, &empty, sizeof(empty)) == 0;
}

static uint32_t count_revoked(const struct ruleset *set) {
    uint32_t count = 0;
    while (count < set->rule_count && set->rules[set->rule_count - 1 - count].origin == RULESET_REVOKED) {
        count++;
    }
    return count;
}

size_t ruleset_save(const struct ruleset *set, void *to, size_t room) {
    if (room == 0) {
        return SAVED_MAX;
    }
    const struct saved saved = {.version = VERSION, .revoked = count_revoked(set), .learning = set->learning, .learned = !is_empty(&set->learned),
                                .claimed = set->claimed};
    const size_t len = saved_bytes(saved.revoked, saved.learned);
    struct saved_rule *rules = (struct saved_rule *)((struct saved *)to + 1);
    if (room < len) {
        return 0;
    }
    memcpy(to, &saved, sizeof(saved));
    for (uint32_t i = 0; i < saved.revoked; i++) {
        const struct ruleset_rule *rule = &set->rules[set->rule_count - saved.revoked + i];
        rules[i] = (struct saved_rule){rule->subject, rule->object, (uint32_t)__builtin_ctz(rule->actions)};
    }
    if (saved.learned != 0) {
        memcpy(rules + saved.revoked, &set->learned, sizeof(set->learned));
    }
    return len;
}

static bool is_rule(const struct ruleset *set, const struct saved_rule *rule) {
    return (rule->subject < set->manifest->unit_count || rule->subject == RULESET_ANY) &&
           (rule->object < set->object_count || rule->object == RULESET_ANY) && rule->action < RULESET_ACTIONS;
}

// Whether it is about units and objects that there are.
static bool is_matrix(const struct ruleset *set, const struct ruleset_matrix *matrix) {
    const uint64_t none = set->object_count == 64 ? 0 : UINT64_MAX << set->object_count;
    for (size_t action = 0; action < RULESET_ACTIONS; action++) {
        for (size_t subject = 0; subject < MANIFEST_UNITS_MAX; subject++) {
            if ((matrix->objects[action][subject] & (subject < set->manifest->unit_count ? none : UINT64_MAX)) != 0) {
                return false;
            }
        }
    }
    return true;
}

bool ruleset_adopt(struct ruleset *set, const void *from, size_t len) {
    const struct saved *saved = from;
    if (len < sizeof(*saved) || saved->version != VERSION || saved->revoked > RULESET_REVOKED_MAX ||
        saved->learning > 1 || saved->learned > 1 || saved->claimed > 1 || len != saved_bytes(saved->revoked, saved->learned)) {
        return false;
    }
    const struct saved_rule *rules = (const struct saved_rule *)(saved + 1);
    const struct ruleset_matrix *learned = saved->learned != 0 ? (const struct ruleset_matrix *)(rules + saved->revoked) : nullptr;
    for (uint32_t i = 0; i < saved->revoked; i++) {
        if (!is_rule(set, &rules[i])) {
            return false;
        }
    }
    if (learned != nullptr && !is_matrix(set, learned)) {
        return false;
    }
    for (uint32_t i = 0; i < saved->revoked; i++) {
        // There is room: nothing has been revoked yet.
        (void)!ruleset_revoke(set, (struct ruleset_question){rules[i].subject, (enum ruleset_action)rules[i].action, rules[i].object});
    }
    set->learning = saved->learning != 0;
    set->claimed = saved->claimed != 0;
    set->learned = learned != nullptr ? *learned : (struct ruleset_matrix){};
    return true;
}
