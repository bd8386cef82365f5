// Scripts on the machine's command line: nobody is at the terminal.
#pragma once

// The script that the machine's command line, a program's first argument, asks for with `script=`; null: none.
const char *script_of(int argc, char **argv);

// Carries the script out, says its exit status in a last line, and switches the machine off. Returns only if that does not work.
void script_run(const char *text);
