// Small systems for the tests: a supervisor, services and what they hold, put together as from a look at a real one.
#pragma once

#include "lib/authority/authority.h"

constexpr uint64_t PLAY_INIT = 2, PLAY_LOGD = 20, PLAY_SHELL = 40; // koids of processes
constexpr uint64_t PLAY_ROOT = 1, PLAY_LOGD_ACCOUNT = 19, PLAY_SHELL_ACCOUNT = 39;
constexpr uint64_t PLAY_ENDPOINT = 10, PLAY_EVENTS = 45, PLAY_THREAD = 22;
constexpr uint64_t PLAY_INIT_SPACE = 3, PLAY_LOGD_SPACE = 21, PLAY_SHELL_SPACE = 41;
constexpr uint64_t PLAY_LOG = 0x100, PLAY_LOG_CONTROL = 0x101;

// init has an endpoint; logd receives from it, and has a notification of the shell's; the shell sends. Linked.
void play_begin(struct authority *graph);
