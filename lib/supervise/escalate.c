#include "lib/supervise/escalate.h"

enum escalate_step escalate(struct escalation *escalation, struct escalate_case now) {
    if (now.has_dependents && !now.hopeless && !now.starved && !escalation->dependents_restarted) {
        escalation->dependents_restarted = true;
        return ESCALATE_RESTART_DEPENDENTS;
    }
    if (!now.essential) {
        return ESCALATE_DEGRADE;
    }
    // Safe mode without it, or with it as hopeless as it is, would be no use.
    return now.is_safe || now.hopeless || !now.runs_in_safe ? ESCALATE_STOP : ESCALATE_SAFE_MODE;
}

void escalate_forget(struct escalation *escalation) {
    escalation->dependents_restarted = false;
}
