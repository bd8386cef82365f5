#include "lib/keep/keep.h"

#include "base/mem.h"
#include "base/xxh64.h"

// In front of each slot's room. All zero: nothing is there.
struct keep_header {
    uint64_t number; // of the snapshot, counted from 1; or WRITING
    uint64_t len_bytes;
    uint64_t checksum; // of these two, and the snapshot
    uint64_t unused;   // zero
};

// No number: the rest of the slot is somewhere between one content and another.
constexpr uint64_t WRITING = 0x9e47'c0d5'f13b'6a82;

static struct keep_header *header_of(const struct keep *keep, size_t slot) {
    return (struct keep_header *)(keep->memory + slot * keep->slot_bytes);
}

static uint8_t *room_of(const struct keep *keep, size_t slot) {
    return (uint8_t *)(header_of(keep, slot) + 1);
}

void keep_init(struct keep *keep, void *memory, size_t len_bytes) {
    *keep = (struct keep){.memory = memory, .slot_bytes = len_bytes / 2};
}

size_t keep_room(const struct keep *keep) {
    return keep->slot_bytes - sizeof(struct keep_header);
}

// ---- reading ----

static uint64_t checksum(const struct keep_header *header, const uint8_t *room) {
    struct xxh64 hash;
    xxh64_init(&hash, WRITING);
    xxh64_update(&hash, header, offsetof(struct keep_header, checksum));
    xxh64_update(&hash, room, header->len_bytes);
    return xxh64_digest(&hash);
}

// The number of the snapshot in this slot, 0 for none. False: it is neither a snapshot nor the lack of one.
static bool look(const struct keep *keep, size_t slot, uint64_t *number) {
    const struct keep_header *header = header_of(keep, slot);
    *number = __atomic_load_n(&header->number, __ATOMIC_ACQUIRE);
    if (*number == WRITING) {
        *number = 0;
        return true;
    }
    if (header->len_bytes > keep_room(keep) || header->unused != 0) {
        return false;
    }
    return *number == 0 ? header->len_bytes == 0 && header->checksum == 0 : header->checksum == checksum(header, room_of(keep, slot));
}

status_t keep_load(const struct keep *keep, const void **snapshot, size_t *len_bytes) {
    uint64_t numbers[2];
    if (!look(keep, 0, &numbers[0]) || !look(keep, 1, &numbers[1])) {
        return STATUS_BAD_STATE;
    }
    if (numbers[0] == 0 && numbers[1] == 0) {
        return STATUS_NOT_FOUND;
    }
    const size_t slot = numbers[1] > numbers[0];
    if (numbers[1 - slot] != 0 && numbers[1 - slot] != numbers[slot] - 1) {
        return STATUS_BAD_STATE;
    }
    *snapshot = room_of(keep, slot);
    *len_bytes = header_of(keep, slot)->len_bytes;
    return STATUS_OK;
}

// ---- writing ----

// Whoever sees what is written in this slot from now on sees first that it is not whole.
static void open_slot(struct keep_header *header) {
    __atomic_store_n(&header->number, WRITING, __ATOMIC_RELAXED);
    __atomic_thread_fence(__ATOMIC_RELEASE);
}

static void clear(const struct keep *keep, size_t slot, size_t used_bytes) {
    struct keep_header *header = header_of(keep, slot);
    open_slot(header);
    memset(room_of(keep, slot), 0, used_bytes);
    header->len_bytes = header->checksum = header->unused = 0;
    __atomic_store_n(&header->number, 0, __ATOMIC_RELEASE);
}

// Of a slot that is not whole nobody knows how far it was written.
static void wipe(const struct keep *keep, size_t slot) {
    const struct keep_header *header = header_of(keep, slot);
    const size_t room = keep_room(keep);
    if (header->number != 0) {
        clear(keep, slot, header->number != WRITING && header->len_bytes <= room ? header->len_bytes : room);
    }
}

// The slot of the snapshot; 1 when there is none.
static size_t newest(const struct keep *keep) {
    const uint64_t first = header_of(keep, 0)->number, second = header_of(keep, 1)->number;
    return first == 0 || first == WRITING || (second != WRITING && second > first);
}

void *keep_begin(struct keep *keep) {
    keep->writing = (uint8_t)(1 - newest(keep));
    wipe(keep, keep->writing); // what a process that was killed has left in it
    open_slot(header_of(keep, keep->writing));
    return room_of(keep, keep->writing);
}

void keep_commit(struct keep *keep, size_t len_bytes) {
    const size_t before = 1 - keep->writing;
    const uint64_t last = header_of(keep, before)->number;
    struct keep_header *header = header_of(keep, keep->writing);
    struct keep_header made = {.number = last == WRITING ? 1 : last + 1, .len_bytes = len_bytes};
    made.checksum = checksum(&made, room_of(keep, keep->writing));
    header->len_bytes = made.len_bytes;
    header->checksum = made.checksum;
    __atomic_store_n(&header->number, made.number, __ATOMIC_RELEASE);
    wipe(keep, before);
}

// The older one first: it must not come back.
void keep_forget(struct keep *keep) {
    const size_t last = newest(keep);
    clear(keep, 1 - last, keep_room(keep));
    clear(keep, last, keep_room(keep));
}
