// The rows that measure the services of the system, called as their clients call them. Each does `count` operations and returns the
// ticks that they took.
#pragma once

#include <stdint.h>

// Looks the services up that the rows use, among the program's capabilities.
void service_rows_begin(void);

uint64_t samgr_resolve(uint64_t count); // a name to a service's handle, and the handle closed
uint64_t policy_check(uint64_t count);  // whether a program may use a service: a decision, audited
uint64_t log_append(uint64_t count);    // one record of 32 characters, the answer waited for
uint64_t rng_32b(uint64_t count);       // 32 random bytes
uint64_t spawn_to_main(uint64_t count); // from the request to run a program to the first instruction of its main
uint64_t config_get(uint64_t count);    // a text by its key
uint64_t restart_service(uint64_t count); // from the request to kill a service until its successor has answered a call
