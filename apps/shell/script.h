// Scripts on the machine's command line: nobody is at the terminal.
#pragma once

// Carries the script out, says its exit status in a last line, and switches the machine off. Returns only if that does not work.
void script_run(const char *text);
