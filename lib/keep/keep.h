// What a service keeps beyond its process: a snapshot of its state in memory that the supervisor made for the service, and lends
// to each of its processes (`keepKib` of the manifest).
//
// There are two slots. The snapshot is in one of them; the next is written into the other, and takes effect with the store of one
// word. Then the one before is wiped. Whoever is killed at any instruction so leaves one snapshot that is whole: the last that was
// committed, or, until keep_commit is through, the one before. A snapshot that was committed is never lost, and nothing of what was
// taken out of the state stays behind it.
//
// What is read there is not trusted more than a message: lengths are bounded, and what the checksum does not match is refused as a
// whole. There is no falling back to something older, for what was decided since would be undone.
//
// One process at a time writes. Another one, which is to take over, may read meanwhile once the first has stopped to write.
#pragma once

#include <stddef.h>
#include <stdint.h>

#include "abi/gen/abi.h"
#include "abi/types.h"

struct keep {
    uint8_t *memory;
    size_t slot_bytes; // of the two
    uint8_t writing;   // the slot between keep_begin and keep_commit
};

// Over memory of whole pages, at least two, 8-byte aligned: all zero, or as it was left.
void keep_init(struct keep *keep, void *memory, size_t len_bytes);

// How long a snapshot may be.
size_t keep_room(const struct keep *keep);

// The snapshot, in place: it stays there until the next keep_begin. NOT_FOUND: none was ever committed. BAD_STATE: what is there
// was not written by this library, or has been changed since; nothing may be written before keep_forget.
status_t keep_load(const struct keep *keep, const void **snapshot, size_t *len_bytes);

// Where to write the next snapshot: keep_room bytes, 8-byte aligned, of any content.
void *keep_begin(struct keep *keep);

// It is written; from now on it is the one. Wipes the one before.
void keep_commit(struct keep *keep, size_t len_bytes);

// Wipes everything.
void keep_forget(struct keep *keep);

// ---- in a program ----

// Maps the memory that the program was granted under this name, and has room for snapshots of so many bytes; ends the program with
// a message when that is not so.
void keep_open(const char *grant, size_t room_bytes, struct keep *out);

// The memory itself, for what is laid out otherwise and can be read whatever part of it was written last.
void *keep_map(const char *grant, size_t *len_bytes);
