// What is done when a service has used up its budget of failures: the next stronger remedy each time. Pure.
#pragma once

#include <stdint.h>

enum escalate_step : uint8_t {
    ESCALATE_RESTART_DEPENDENTS, // those that need it may keep it from running: all of them start afresh, with new budgets
    ESCALATE_DEGRADE,            // it stays down, and the others run without it
    ESCALATE_SAFE_MODE,          // nobody could use the system without it: only what runs in safe mode goes on
    ESCALATE_STOP,               // ... and that is how it runs already
};

struct escalation {
    bool dependents_restarted;
};

// What the situation is.
struct escalate_case {
    bool essential;      // nobody could use the system without the service
    bool starved;        // there is no memory to start it
    bool hopeless;       // it cannot be started at all: its program is missing, or no good
    bool has_dependents; // somebody needs it
    bool runs_in_safe;   // it belongs to safe mode
    bool is_safe;        // the system runs in safe mode, or in recovery
};

enum escalate_step escalate(struct escalation *escalation, struct escalate_case now);

// It ran for a good while, or a person has it started again.
void escalate_forget(struct escalation *escalation);
