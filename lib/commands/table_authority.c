// Commands for authority: who holds what, why, and what would come of it. (table.h)
#include "lib/commands/shell.h"
#include "lib/commands/table.h"

static const struct command commands[] = {
    {.name = "caps", .usage = "SERVICE", .summary = "show every handle of a service, a job or init", .run = command_caps,
     .min = 1, .max = 1, .completion = COMPLETE_UNITS,
     .details = "Type, rights, badge, the handle it is derived from, and where it is from: the\n"
                "manifest's line that granted it, or how else it came. Jobs are called NAME.ID."},
    {.name = "why", .usage = "SERVICE [HANDLE] | -a", .summary = "show where a handle is from", .run = command_why, .min = 1,
     .max = 2, .completion = COMPLETE_UNITS, .paged = true,
     .details = "From what made its object to the handle itself: who had it, with which rights, since when, and by\n"
                "which line of the manifest, message or operation it came. HANDLE is its name or number (`caps`).\n"
                "Without it, or with -a for the whole system: the handles for which that is not all known."},
    {.name = "whatif", .usage = "revoke SERVICE HANDLE | kill NAME", .summary = "show what would break", .run = command_whatif,
     .min = 2, .max = 3, .completion = COMPLETE_UNITS, .paged = true,
     .details = "Which handles would go, who would end, whose calls would be interrupted, and which waits would end,\n"
                "if a handle were taken away, or a service or job ended. Nothing is done."},
    {.name = "revoke", .usage = "SERVICE HANDLE", .summary = "take a handle away", .run = command_revoke, .operation = "revoke", .min = 2, .max = 2,
     .completion = COMPLETE_UNITS,
     .details = "And with it all that was derived from it, wherever that is now: what `whatif revoke` foretells. Then it\n"
                "looks whether that is what came of it."},
    {.name = "who-can", .usage = "SERVICE.METHOD", .summary = "show who may call a method", .run = command_who_can, .min = 1,
     .max = 1, .completion = COMPLETE_DESCRIBED, .paged = true,
     .details = "Each handle that allows it, who holds it, and how it came there; and who may resolve it at the registry.\n"
                "Methods are those of a service (`logd.append`), of an interface (`log.append`, `log.control.watch`), or of\n"
                "the kernel's objects (`inspector.processes`, `vmo.write`)."},
    {.name = "authority", .usage = "[--json|--dot]", .summary = "show who holds what of whom", .run = command_authority, .max = 1,
     .details = "As text; as JSON, which is all that is known; as DOT, which Graphviz draws."},
    {.name = "least", .usage = "SERVICE|JOB [--memory]", .summary = "show what a service or job was granted and never used",
     .run = command_least, .min = 1, .max = 2, .completion = COMPLETE_UNITS,
     .details = "As a change of the manifest, for `patch -p1`: what it was granted, and may resolve, without what it did not use\n"
                "since it was started. With --memory its limit also becomes the most that it used. Use the service as it is\n"
                "meant to be used before: what it was not asked to do nobody knows. Of a program: while a job of it runs."},
    {.name = "prove", .usage = "SERVICE|-a --cannot-reach TARGET [--certificate]", .summary = "show that it can never hold something",
     .run = command_prove, .min = 3, .max = 4, .completion = COMPLETE_UNITS,
     .details = "TARGET is an interface (`log`, `log.control`), a service, or a type of kernel object (`inspector`).\n"
                "With -a for every process. With --certificate it prints what tools/authority-check verifies.\n"
                "`man authority` has the rules."},
    {.name = "policy", .usage = "[SUBJECT ACTION OBJECT]", .summary = "show who may use which service, who may have what done, and why",
     .run = command_policy, .max = 5,
     .details = "policy                           the rules that are in force\n"
                "policy hello control log         whether hello may, by which line; or who may, and what would allow it\n"
                "policy operations                what people may have done, and what they must be\n"
                "policy guest perform power       whether guests may have the machine switched off, by which line\n"
                "policy try deny hello use log    what would change if this were a rule (or allow)\n"
                "policy revoke hello use log      deny it from now on; policy restore undoes that\n"
                "policy learn on                  record what is used; policy propose writes it as a manifest\n"
                "Actions are use, control and share; `*` is every subject or object."},
};

const struct command_area area_authority = {"Who may do what", sizeof(commands) / sizeof(commands[0]), commands};
