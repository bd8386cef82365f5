// Who is at this shell, and what that person may have it do.
#pragma once

#include <stdint.h>

// At the shell's start: as a guest where there is no account yet.
void identity_begin(void);

// Before each line: whether somebody is there who may give one. If not, one step towards that was made: a name and a password
// were asked for, or a locked session's password. May block as long as the person thinks.
bool identity_attend(void);

// Whether the policy lets who is there have this operation of the manifest done; no when it does not answer. If not, says why, for the
// command, and returns COMMAND_FAILED. A program that was not granted `identity` acts for itself, and in recovery nobody is asked. When
// policyd was given up the ways out are open: to switch off, and to `restart` policyd itself, which is the `object` then (may be null).
int identity_check(const char *what, const char *operation, const char *object);
