#include "lib/commands/script.h"

#include "lib/commands/files.h"
#include "lib/commands/language.h"
#include "lib/commands/session.h"
#include "lib/commands/shell.h"
#include "base/str.h"

constexpr int STARTED_AGAIN = 125; // the script ended the shell, or something else did

// A name of a script alone is that one; of a command and a script of the same name it is the command.
static int carry_out(const char *text) {
    size_t len = strlen(text);
    const char *script = command_find(text, len) == nullptr ? file_text(text, &len) : nullptr;
    return language_script(script != nullptr ? script : text, len, 0, nullptr);
}

const char *script_of(int argc, char **argv) {
    const char *word = argc > 1 ? str_find_word(argv[1], "script") : nullptr;
    return word != nullptr && word[0] == '=' ? word + 1 : nullptr;
}

void script_run(const char *text) {
    int status = STARTED_AGAIN;
    shell.scripted = true;
    if (shell_is_first()) { // one that ends its shell would do so again and again
        status = carry_out(text);
    } else {
        (void)fail("script: the shell ended while it carried it out\n");
    }
    (void)fail("script: exit status %d\n", status); // tools/run-script looks for it
    const struct arguments none = {};
    (void)command_poweroff(&none); // which says why, if it does not
    shell.scripted = false;
}
