// The message header word ("info") of call, send, recv and reply_recv, and what travels beside it.
//
//   bits  0..31  label: method ordinal in a request, status of the service in an answer
//   bits 32..44  page_bytes: 0..4096 bytes of the message page that travel
//   bits 45..47  handle_count: 0..4; the handles are 32-bit halves of words 6 and 7, low half first
//   bits 48..51  move mask: handle i is moved (1) or copied (0)
//   bits 56..58  accept: how many handles the caller of this system call will take with what it receives
// On receipt also:
//   bit  52      MESSAGE_NOTIFICATION: no sender; word 0 has the bits of the bound notification
//   bit  53      MESSAGE_FAULT: the sender faulted (struct fault_words below); an answer resumes or ends it
//   bit  54      MESSAGE_WANTS_REPLY: it was a call
// All other bits are zero, and refused when set. One bit of the label, MESSAGE_MARK, is remembered by the handle that a message is sent
// through (enum handle_use): what it means is between sender and receiver.
//
// All eight words always travel: a sender that has fewer leaves the others zero.
#pragma once

#include <stdint.h>

#include "abi/message_bits.h"
#include "abi/types.h"

constexpr uint32_t MESSAGE_PAGE_SHIFT = 32;
constexpr uint32_t MESSAGE_COUNT_SHIFT = 45;
constexpr uint32_t MESSAGE_MOVE_SHIFT = 48;
constexpr uint32_t MESSAGE_ACCEPT_SHIFT = 56;

constexpr uint32_t MESSAGE_MARK = 1u << 19;
constexpr uint64_t MESSAGE_NOTIFICATION = 1ull << 52;
constexpr uint64_t MESSAGE_FAULT = 1ull << 53;
constexpr uint64_t MESSAGE_WANTS_REPLY = 1ull << 54;

// Bits a sender may set.
constexpr uint64_t MESSAGE_SENDABLE = 0x070f'ffff'ffff'ffffull;
constexpr uint64_t MESSAGE_ACCEPT_MASK = 7ull << MESSAGE_ACCEPT_SHIFT;

// Handle number `index` of a message; 0 when it has fewer.
static inline handle_t message_handle(const uint64_t words[MESSAGE_WORDS], uint64_t info, uint32_t index)
{
    return (handle_t){index < message_handle_count(info) ? (uint32_t)(words[6 + index / 2] >> index % 2 * 32) : 0};
}

// What ended a thread or process, or what a fault message is about (fault words[0]).
enum fault_kind : uint32_t {
    FAULT_NONE = 0,
    FAULT_PAGE = 1,           // no mapping, or not with that access
    FAULT_NO_MEMORY = 2,      // the account could not pay for the page touched
    FAULT_ILLEGAL = 3,        // undefined or privileged instruction
    FAULT_DIVIDE = 4,
    FAULT_BREAKPOINT = 5,     // also single step
    FAULT_ALIGNMENT = 6,
    FAULT_FLOATING_POINT = 7, // x87 or SIMD exception
    FAULT_PROTECTION = 8,     // general protection and segment faults
    FAULT_OVERFLOW = 9,       // also bound range
    FAULT_ABSENT = 10,        // the memory's pager did not supply the page, or is gone
};

// words[] of a MESSAGE_FAULT message.
enum fault_words : uint32_t {
    FAULT_WORD_KIND = 0,
    FAULT_WORD_ADDRESS = 1,
    FAULT_WORD_IP = 2,
    FAULT_WORD_SP = 3,
    FAULT_WORD_ACCESS = 4, // 1 read, 2 write, 4 execute; 8 set when the page was mapped (a protection matter)
    FAULT_WORD_THREAD_KOID = 5,
    FAULT_WORD_PROCESS_KOID = 6,
    FAULT_WORD_VECTOR = 7, // the processor's own exception number
};

// words[] of a MESSAGE_FAULT message with label FAULT_ABSENT to a pager: a thread waits for a page. An answer with label
// 0, after vmo.supply, lets it try again; any other makes the access fault, or the system call fail with PEER_DIED. A
// request that is dropped is asked again.
enum page_request_words : uint32_t {
    PAGE_REQUEST_KIND = 0, // FAULT_NONE
    PAGE_REQUEST_KEY = 1,  // as given to account.create_pager_vmo
    PAGE_REQUEST_OFFSET = 2,
    PAGE_REQUEST_LEN = 3,
    PAGE_REQUEST_SUPPLIES = 4, // how often the VMO was supplied with pages so far
};

enum exit_kind : uint32_t {
    EXIT_NOT_YET = 0,
    EXIT_NORMAL = 1, // process.exit by one of its own threads, or the last thread ended
    EXIT_KILLED = 2, // process.exit by another process
    EXIT_FAULT = 3,  // a fault nobody resumed
};

// process.exit_record
struct exit_record {
    uint32_t kind;       // enum exit_kind
    uint32_t fault_kind; // enum fault_kind
    uint64_t code;       // exit code; 0 for a fault
    uint64_t fault_address;
    uint64_t fault_access; // as FAULT_WORD_ACCESS
    uint64_t vector;
    uint64_t process_koid;
    uint64_t thread_koid;
    uint64_t time_ns;
    uint64_t ip, sp, flags;
    uint64_t gpr[16]; // x86-64: rax rbx rcx rdx rsi rdi rbp 0 r8..r15
    char name[16];
};

// Scheduling bands, most urgent first.
enum band : uint32_t {
    BAND_REALTIME = 0,
    BAND_INTERACTIVE = 1,
    BAND_NORMAL = 2,
    BAND_BACKGROUND = 3,
    BAND_COUNT = 4,
};

// vspace.map protection.
constexpr uint32_t PROT_READ = 1;
constexpr uint32_t PROT_WRITE = 2;
constexpr uint32_t PROT_EXECUTE = 4;
constexpr uint32_t MAP_RESERVED = 256; // into a range that vspace.reserve keeps free

constexpr uint64_t PAGE_BYTES = 4096;
constexpr uint64_t USER_LOWEST = 0x1'0000;
constexpr uint64_t USER_END = 0x7fff'ffff'0000; // first address that is no user address; see also bootstrap.user_end
