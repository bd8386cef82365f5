// Requests as no stub would send them, to every method of every service (system/contracts.capnp).
//
//   each_method(try_forms)   calls it for each method of each contract, through the handle for everybody and the one
//                            that controls
//   expect(at, "what", raw, label)   sends it, first as a call and then without wanting an answer
//
// What there is to be called is found in the embedded schemas: a contract that is added is tested without a word here.
#pragma once

#include "lib/reflect/reflect.h"
#include "lib/rpc/method.h"
#include "tests/abi/suite.h"

constexpr uint32_t SERVICES_MAX = 32;
constexpr uint32_t PAGE_WORDS = MESSAGE_PAGE_BYTES / 8;

struct service {
    const char *name;
    handle_t plain, control;                    // 0: the contract has no control facet
    const struct capnp_schema *schema, *controls; // of the two
    uint32_t accept;                            // capabilities that a request may bring
};

// A method, and the facet through which it is called.
struct attempt {
    const struct service *service;
    bool control;
    struct reflect_method method;
    uint16_t data_words, pointers; // of its parameters
};

struct raw {
    uint32_t label;
    uint32_t page_bytes;
    uint32_t handle_count;
    handle_t handles[MESSAGE_HANDLES]; // copied to the service
    uint64_t words[MESSAGE_WORDS];
    uint64_t page[PAGE_WORDS];
};

// What a call came to: the label of the answer, or the kernel's status if there is none.
struct outcome {
    status_t status;
    uint32_t label;
};

// A proper request of this method, with parameters of zeros in registers.
void raw_begin(struct raw *raw, const struct attempt *at);

// The same in the page: the root, and `data_words` and `pointers` as they are in the contract.
void raw_page(struct raw *raw, const struct attempt *at);

struct outcome raw_call(handle_t handle, const struct raw *raw);

// Calls and sends; the answer must be this one (a code of the kernel's or of enum rpc_exception; 0: results). With more
// capabilities than the service takes the kernel itself refuses the request, with TOO_LARGE.
void expect(const struct attempt *at, const char *what, const struct raw *raw, uint32_t label);

// Runs `each` for every method and facet, twice. Afterwards every service answers, is the process that it was, and
// holds as many handles and as much memory as before the second time.
void each_method(void (*each)(const struct attempt *at));

// The same around anything else.
void twice(void (*run)(void));

// The service of this name; the case fails when there is none.
const struct service *service_named(const char *name);
