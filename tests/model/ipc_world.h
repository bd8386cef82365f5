// A small world for the exhaustive check of IPC: two processes whose few threads do one thing after another,
// the real kernel beneath them, and what must be true of both after every step.
//
// Process 0 is the client, process 1 the server and supervisor. They share an endpoint and a notification;
// the client has a token, a handle that can be moved. What a step does depends only on the state, so a
// sequence of steps played again comes to the same.
#pragma once

#include <stdint.h>

constexpr uint32_t WORLD_THREADS = 4;

enum op : uint8_t {
    OP_CALL,       // with nothing but words
    OP_CALL_TIMED, // with a deadline later than all before
    OP_CALL_MOVE,  // moves the token along
    OP_CALL_COPY,  // copies it, and some bytes of the message page
    OP_SEND,
    OP_SEND_POLL,
    OP_SEND_MOVE,
    OP_RECV,       // accepts four handles
    OP_RECV_PLAIN, // accepts none
    OP_RECV_TIMED,
    OP_RECV_POLL,
    OP_REPLY_RECV,
    OP_REPLY_RECV_TIMED,
    OP_REPLY,      // and receives nothing
    OP_REPLY_MOVE, // moves the token to the caller
    OP_REPLY_END,  // label 1: ends a thread that faulted
    OP_SAVE_REPLY,
    OP_ANSWER,      // through a reply object
    OP_ANSWER_MOVE, // which moves itself along
    OP_CLOSE_REPLY,
    OP_SIGNAL,
    OP_WAIT,
    OP_WAIT_TIMED,
    OP_BIND,
    OP_UNBIND,
    OP_CLOSE_ENDPOINT,
    OP_CLOSE_NOTIFICATION,
    OP_CLOSE_TOKEN,
    OP_GRANT_TOKEN, // moved into the own table
    OP_WATCH,       // the notification is told of the client's end
    OP_FAULT,
    OP_EXIT,       // the thread's own
    OP_CANCEL,     // target: a thread
    OP_EXIT_OTHER, // target: a thread
    OP_KILL,       // target: a process
    OP_TIME,       // the next deadline passes; no actor
    OP_BACKLOG,    // the reaper gets other things to do first; no actor
    OP_COUNT,
};

struct step {
    uint8_t op;
    uint8_t actor;  // thread
    uint8_t target; // thread or process, where the op has one
};

struct world_plan {
    uint32_t clients, servers; // threads of each process; WORLD_THREADS at most together
    bool pages;                // threads have message pages
    bool supervised;           // the client's faults go to the endpoint
};

// Begins the world anew. The one before must have been ended.
void world_begin(const struct world_plan *plan);

// Does one step. False when it cannot be done in this state; then nothing happened.
bool world_step(struct step step);

// All that must be true. Null, or what is not.
const char *world_complaint(void);

// Two states that behave alike have the same number.
uint64_t world_state(void);

// Takes everything apart. False when something stayed behind.
bool world_end(void);

// Whether the op is done by a thread.
bool op_has_actor(uint8_t op);

// Targets of an op: 0 for those that have none (one variant), else how many.
uint32_t op_targets(const struct world_plan *plan, uint8_t op);

const char *op_name(uint8_t op);
