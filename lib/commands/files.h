// The files of a session: named texts in the shell's memory, bounded, gone with the shell. A file system takes their place.
// Those that the shell is granted by a name that begins with `script-` are there, too, to be read.
#pragma once

#include "lib/shell/store.h"

constexpr size_t FILES_BYTES = 64 * 1024; // all together, with their names
#define FILES_FULL "the files of a session have no room for it, 64 KiB all together; `rm` makes some"

// False: there is none.
bool file_exists(const char *name);

// Reads from a place on; 0 at the end, or when there is no such file.
size_t file_read(const char *name, size_t at, char *bytes, size_t most);

// The whole of it; good until any file is changed. Null when there is none.
const char *file_text(const char *name, size_t *len);

// Writing: what is written is there under the name when it is finished, in place of what was there. One at a time has a number.
// Null, or why it cannot be, for a person.
const char *file_begin(const char *name, bool append, unsigned *number);

// False: there is no room for it.
bool file_write(unsigned number, const char *bytes, size_t len);

// False: there is no room for the name.
bool file_finish(unsigned number);

// In place of file_finish: what was there under the name stays.
void file_drop(unsigned number);

bool file_remove(const char *name);
