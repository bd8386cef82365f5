#include "lib/wire/wire.h"

#include "abi/gen/abi.h"
#include "abi/message.h"
#include "base/mem.h"
#include "base/str.h"

static const char *const service_texts[WIRE_STATUS_END - WIRE_BAD_METHOD] = {
    [WIRE_BAD_METHOD - WIRE_BAD_METHOD] = "the service does not know this request",
    [WIRE_BAD_REQUEST - WIRE_BAD_METHOD] = "the service found the request malformed",
    [WIRE_BAD_ANSWER - WIRE_BAD_METHOD] = "the service's answer was malformed",
    [WIRE_NOT_ALLOWED - WIRE_BAD_METHOD] = "this program was not granted the right to do that",
    [WIRE_NOT_FOUND - WIRE_BAD_METHOD] = "there is nothing of that name",
    [WIRE_WRONG_INTERFACE - WIRE_BAD_METHOD] = "that name has another interface",
    [WIRE_TOO_LARGE - WIRE_BAD_METHOD] = "it is longer than the service takes",
    [WIRE_BUSY - WIRE_BAD_METHOD] = "the service is busy; try again",
    [WIRE_NO_MEMORY - WIRE_BAD_METHOD] = "not enough memory in the account that would pay",
    [WIRE_BAD_STATE - WIRE_BAD_METHOD] = "it is not in a state in which that can be done",
    [WIRE_IN_USE - WIRE_BAD_METHOD] = "the name is taken already",
    [WIRE_BAD_PROGRAM - WIRE_BAD_METHOD] = "the program's file is damaged",
    [WIRE_FAILED - WIRE_BAD_METHOD] = "it did not work; see `logs`",
};

// What the kernel's codes mean to somebody who asked a service for something.
static const char *const kernel_texts[STATUS_COUNT] = {
    [STATUS_CODE_OK] = "done",
    [STATUS_CODE_BAD_HANDLE] = "this program was not granted a handle for that",
    [STATUS_CODE_NO_RIGHT] = "the handle lacks the right to do that",
    [STATUS_CODE_NO_MEMORY] = "not enough memory in the account that would pay",
    [STATUS_CODE_NO_HANDLES] = "a handle table is full",
    [STATUS_CODE_TIMED_OUT] = "the service did not answer in time; see `services`",
    [STATUS_CODE_CANCELED] = "cancelled",
    [STATUS_CODE_PEER_DIED] = "the service ended before it answered; try again",
    [STATUS_CODE_OBJECT_DEAD] = "the service is gone",
    [STATUS_CODE_NOT_FOUND] = "there is no such thing",
    [STATUS_CODE_UNSUPPORTED] = "this machine cannot do it",
    [STATUS_CODE_REVOKED] = "the handle that was used has been revoked",
};

const char *wire_status_text(status_t status) {
    const char *text = nullptr;
    if (status.code < STATUS_COUNT) {
        text = kernel_texts[status.code];
    } else if (status.code >= WIRE_BAD_METHOD && status.code < WIRE_STATUS_END) {
        text = service_texts[status.code - WIRE_BAD_METHOD];
    }
    return text != nullptr ? text : "the kernel refused the request";
}

struct wire_request wire_request(uint64_t info, uint64_t badge, const uint64_t words[8], const void *page) {
    return (struct wire_request){
        .method = message_label(info),
        .page_bytes = message_page_bytes(info),
        .handle_count = message_handle_count(info),
        .badge = badge,
        .words = words,
        .page = page,
    };
}

static bool is_name_char(char c) {
    return c > ' ' && c <= '~';
}

bool wire_name_put(char field[WIRE_NAME_BYTES], const char *name) {
    size_t len = strnlen(name, WIRE_NAME_BYTES);
    if (len == 0 || len == WIRE_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (!is_name_char(name[i])) {
            return false;
        }
    }
    memset(field, 0, WIRE_NAME_BYTES);
    memcpy(field, name, len);
    return true;
}

bool wire_name_valid(const char field[WIRE_NAME_BYTES]) {
    size_t len = strnlen(field, WIRE_NAME_BYTES);
    if (len == 0 || len == WIRE_NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < WIRE_NAME_BYTES; i++) {
        if (i < len ? !is_name_char(field[i]) : field[i] != '\0') {
            return false;
        }
    }
    return true;
}

bool wire_name_request(const struct wire_request *request, char out[WIRE_NAME_BYTES]) {
    if (request->page_bytes != WIRE_NAME_BYTES || !wire_name_valid((const char *)request->page)) {
        return false;
    }
    memcpy(out, request->page, WIRE_NAME_BYTES);
    return true;
}
