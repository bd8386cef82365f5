// What a trace buffer holds: the VMO that trace.buffer gives, to be mapped for reading.
//
// The first page begins with struct trace_header; behind that page lie the records, a ring of them. The processor
// that the buffer belongs to is the only one that writes. Records are written before `head_bytes` moves on, so
// whoever reads:
//
//   1. reads head_bytes (acquire): all records that end there or before, and not more than a whole ring before it,
//      are complete;
//   2. copies those that it wants, from their position modulo the ring's length;
//   3. reads head_bytes again, and throws away what lies more than a ring, less one record, before it: that may have
//      been written over meanwhile.
//
// head_bytes never goes back, and what is more than a ring before it is lost.
#pragma once

#include <stdint.h>

struct trace_header {
    uint32_t magic;        // TRACE_MAGIC
    uint32_t record_bytes; // sizeof(struct trace_record)
    uint64_t head_bytes;   // atomic: position of the next record; the first ever was at first_bytes
    uint64_t first_bytes;  // another one in each buffer, so that positions are good for names (see trace_record.causal)
    uint64_t mask_bytes;   // length of the ring less one
    uint64_t processor;
    // A time in ns is (counter - clock_base) * clock_mult, which is 32.32 fixed point.
    uint64_t clock_base;
    uint64_t clock_mult;
};
constexpr uint32_t TRACE_MAGIC = 0x5452'4345;

struct trace_record {
    uint64_t counter;      // the processor's clock; never less than in the record before
    uint64_t event_thread; // enum trace_event, and the koid of the thread; 0: an idle processor
    // The request that this belongs to: with bit 0 what the thread works on for another; without, in a call or send, what
    // begins here. Elsewhere without it: none.
    uint64_t causal;
    uint64_t argument;
};

// What trace.start takes: a bit for each class.
enum trace_class : uint32_t {
    TRACE_SCHEDULE,  // takes TRACE_IPC with it: a call or answer may be a switch
    TRACE_IPC,
    TRACE_FAULT,
    TRACE_INTERRUPT,
    TRACE_HANDLE,    // transfer and revocation
    TRACE_LIFE,      // of threads and processes
    TRACE_CLASSES,
};

// A request begins where a thread that serves nobody calls or sends; its number is that record's position. It goes with
// every message: who receives one works on that request until it answers, or receives the next.
enum trace_event : uint64_t {
    TRACE_SWITCH = 1ull << 56,         // the thread runs from now on. Argument: koid of the one that ran before
    TRACE_WAKE = 2ull << 56,           // it is ready. Processor that it was given to
    TRACE_CALL_DIRECT = 3ull << 56,    // it called; another has received, and runs from now on. Koid of that thread
    TRACE_REPLY_DIRECT = 4ull << 56,   // it answered, and waits for the next; the caller runs from now on. Its koid
    TRACE_CALL = 5ull << 56,           // it calls. Koid of the endpoint
    TRACE_SEND = 6ull << 56,           // it sends. Koid of the endpoint
    TRACE_RECEIVE = 7ull << 56,        // it has a message. Koid of the sending thread
    TRACE_REPLY = 8ull << 56,          // it answered. Koid of the caller
    TRACE_FAIL = 9ull << 56,           // its wait ended, or its call or send was refused. The status
    TRACE_SIGNAL = 10ull << 56,        // it has the bits of a notification. Koid of that
    TRACE_FAULT_IN = 11ull << 56,      // it touched a page that is not there. The address
    TRACE_FAULT_OUT = 12ull << 56,     // the status: 0 when the page is there now
    TRACE_FAULT_RAISED = 13ull << 56,  // it cannot go on. enum fault_kind
    TRACE_INTERRUPT_IN = 14ull << 56,  // it was interrupted. The processor's number for why
    TRACE_INTERRUPT_OUT = 15ull << 56,
    TRACE_HANDLE_COPY = 16ull << 56,   // a handle went to a process, by what the thread did. Koid of the object; next comes
    TRACE_HANDLE_WAY = 17ull << 56,    // from which process (low half of its koid, in the upper half) to which (lower half)
    TRACE_REVOKE_IN = 18ull << 56,     // a step of a revocation. Koid of the object
    TRACE_REVOKE_OUT = 19ull << 56,    // 1 when there is nothing left to take back
    TRACE_THREAD_START = 20ull << 56,  // koid of its process
    TRACE_THREAD_EXIT = 21ull << 56,   // koid of its process
    TRACE_PROCESS_EXIT = 22ull << 56,  // by what the thread did. Koid of the process
};
