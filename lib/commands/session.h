// A shell over a front end (front.h): what a program does that has one. It opens the shell, and then reads lines for ever, or carries
// out one script.
//
//     shell_open(&front);
//     if (script_of(argc, argv) != nullptr) {
//         script_run(script_of(argc, argv));
//     }
//     shell_read_lines();
//
// CapSet: `exec` and `supervisor` (control); `inspector`, `log`, `trace` and services for the commands that need them.
#pragma once

#include "lib/commands/front.h"

// Once, first. The front end is asked for nothing yet. Ends the program when a capability that is needed was not granted.
void shell_open(const struct front *front);

// Whether there was no shell before this one since the machine was started; true when that cannot be told.
bool shell_is_first(void);

// One round: says which jobs have ended, asks for a line, or for what comes before that, such as a password, and carries it out. May
// block as long as the person thinks.
void shell_attend(void);

// Takes up the jobs that a shell before this one has left, lets somebody log in, and carries out what is typed: round by round.
[[noreturn]] void shell_read_lines(void);
