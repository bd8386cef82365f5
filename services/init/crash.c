// What is left of services that crashed: taken when they have ended, before their memory goes, and laid into memory that whoever makes
// records of it (execd) reads when it comes to that. Nobody is waited for.
#include "abi/gen/stubs.h"
#include "base/align.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/launch/remains.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "services/init/init.h"

static struct remains remains; // at work; large

status_t crash_init(void) {
    const uint64_t len = align_up(sizeof(struct remains_box), PAGE_BYTES);
    uint64_t address = 0;
    TRY(tess_account_create_vmo(init.account, len, &init.crashes_vmo));
    TRY(tess_vspace_map(tess_self_vspace(), init.crashes_vmo, 0, len, 0, PROT_READ | PROT_WRITE, &address));
    init.crashes = (struct remains_box *)address;
    // Committed now: a crash takes no memory.
    memset(init.crashes, 0, sizeof *init.crashes);
    memset(&remains, 0, sizeof remains);
    return STATUS_OK;
}

status_t crash_grant(struct init_unit *unit, struct launch_grants *all, struct manifest_grant grant, struct spawn_grant *to) {
    to->type = OBJECT_VMO;
    to->rights = launch_plain(RIGHT_READ_BIT | RIGHT_MAP_BIT);
    TRY(tess_handle_copy(init.crashes_vmo, to->rights, &to->handle));
    to = launch_add(all, MANIFEST_CRASHES_NEWS, grant);
    if (to == nullptr) {
        return STATUS_TOO_LARGE;
    }
    to->type = OBJECT_NOTIFICATION;
    to->rights = launch_plain(RIGHT_SIGNAL_BIT | RIGHT_WAIT_BIT);
    TRY(tess_account_create_notification(unit->account, &to->handle));
    return tess_handle_copy(to->handle, (rights_t){RIGHT_SIGNAL_BIT}, &unit->crashes_news);
}

void crash_note(const struct init_unit *unit, const struct exit_record *record) {
    if (!launch_remains(&unit->process, &unit->capset, record, &remains)) {
        return;
    }
    remains.holder = unit->id;
    remains.secret = unit->spec->secret;
    (void)str_copy(remains.name, sizeof remains.name, unit->name); // same bounds
    (void)str_copy(remains.program, sizeof remains.program, unit->program);
    (void)str_copy(remains.reason, sizeof remains.reason, unit->reason);
    remains_put(init.crashes, &remains);
    for (size_t i = 0; i < init.unit_count; i++) { // nobody there: the next one finds it
        if (tess_handle_valid(init.units[i].crashes_news)) {
            (void)tess_signal(init.units[i].crashes_news, MANIFEST_CRASHES_NEWS_BIT);
        }
    }
}
