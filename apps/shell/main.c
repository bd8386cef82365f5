// The shell of the machine's terminal: the commands (lib/commands) over it. With `script=...` on the machine's command line it carries
// that out instead, and switches the machine off.
//
// CapSet: `console` (control), and what lib/commands/session.h names.
#include "apps/shell/terminal.h"
#include "lib/commands/script.h"
#include "lib/commands/session.h"
#include "lib/tess/main.h"
#include "lib/tess/panic.h"

int main(int argc, char **argv) {
    const char *script = script_of(argc, argv);
    shell_open(&terminal);
    if (!terminal_open()) {
        tess_panic("shell: to read lines the manifest must grant `console` with control; the program `script` needs none");
    }
    if (script != nullptr) {
        script_run(script);
    }
    shell_read_lines();
}
