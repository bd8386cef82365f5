// What bench/scaling's programs say to each other, and how much there is to do.
#pragma once

#include <stdint.h>

// As the worker's first argument, one letter; also the number of the plugin's window.
enum scaling_work : uint8_t {
    WORK_COMPUTE = 0, // arithmetic over the worker's own memory, and now and then a system call
    WORK_IPC = 1,     // calls to a server of the worker's own
    WORK_SPAWN = 2,   // starts programs and waits for their ends
    WORK_FAULT = 3,   // makes memory, touches it, and gives it back
    WORK_COUNT = 4,
    WORK_SERVE = 4,   // the other side of WORK_IPC
};

constexpr uint32_t SCALING_WORKERS = 4;

// Bits of the notification that all workers signal: worker i is ready, has done its part, has ended.
constexpr uint32_t SCALING_READY_SHIFT = 0;
constexpr uint32_t SCALING_DONE_SHIFT = 8;
constexpr uint32_t SCALING_ENDED_SHIFT = 16;
