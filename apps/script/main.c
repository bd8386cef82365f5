// The commands (lib/commands) for a machine that nobody sits at: carries out the script of the machine's command line (`script=...`), and
// switches the machine off.
//
// CapSet: `console`, and what lib/commands/session.h names.
#include "apps/script/nobody.h"
#include "lib/commands/script.h"
#include "lib/commands/session.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"

int main(int argc, char **argv) {
    const char *script = script_of(argc, argv);
    if (script == nullptr) {
        tess_panic("script: there is none on the machine's command line (`script=COMMANDS`)");
    }
    nobody_open();
    shell_open(&nobody);
    script_run(script);
    tess_panic("script: the machine could not be switched off");
}
