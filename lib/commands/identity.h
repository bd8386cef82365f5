// Who is at this shell, and what that person may have it do.
#pragma once

#include <stdint.h>

// What a command asks of who gives it, on a machine that has accounts.
enum identity_need : uint8_t {
    NEEDS_NOBODY,
    NEEDS_USER, // no guest
    NEEDS_ADMINISTRATOR,
    NEEDS_CONSOLE, // an administrator, or whoever is there when the accounts are lost
};

// At the shell's start: as a guest where there is no account yet.
void identity_begin(void);

// Before each line: whether somebody is there who may give one. If not, one step towards that was made: a name and a password
// were asked for, or a locked session's password. May block as long as the person thinks.
bool identity_attend(void);

bool identity_may(enum identity_need need);

// The same for a command, or a part of one: says who may, and returns COMMAND_FAILED, when this person may not.
int identity_check(const char *what, enum identity_need need);
