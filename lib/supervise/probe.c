#include "lib/supervise/probe.h"

#include "base/checked.h"

void probe_init(struct probe *probe, uint64_t interval_ns, uint64_t patience_ns, uint64_t now_ns) {
    *probe = (struct probe){
        .interval_ns = interval_ns,
        .patience_ns = patience_ns,
        .next_ns = interval_ns == 0 ? UINT64_MAX : saturating_add_u64(now_ns, interval_ns),
        .late_ns = UINT64_MAX,
    };
}

void probe_asked(struct probe *probe, uint64_t now_ns) {
    probe->next_ns = UINT64_MAX;
    probe->late_ns = saturating_add_u64(now_ns, probe->patience_ns);
}

void probe_answered(struct probe *probe, uint64_t now_ns) {
    if (probe->late_ns != UINT64_MAX) {
        probe->late_ns = UINT64_MAX;
        probe->next_ns = saturating_add_u64(now_ns, probe->interval_ns);
    }
}

void probe_end(struct probe *probe) {
    probe->next_ns = probe->late_ns = UINT64_MAX;
}
