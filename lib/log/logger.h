// A program's way to the log: one line of code for a record, no wait that is long, and nothing lost without being told.
//
//   static struct logger logger;
//   logger_init(&logger, "net");
//   LOGGER_REPORT(&logger, LOG_LEVEL_WARNING, "the link is down", logger_integer("port", 3), logger_text("why", "no cable"));
//
// What the log does not take within LOGGER_PATIENCE_MS is counted, and the next record that gets there has the number in a field,
// `undelivered`. After one that did not get there nobody is waited for until one does. (What gets there and is refused, because it
// was too much at once, the log counts itself.)
//
// Overwrites the thread's message page: a service reads the parameters of the request that it serves before.
#pragma once

#include "idl/log.capnp.h"

constexpr uint64_t LOGGER_PATIENCE_MS = 5;
constexpr size_t LOGGER_FIELDS_MAX = LOG_FIELDS_MAX - 1;

struct logger {
    struct log log;       // 0: there is none, and nothing is reported
    const char *domain;   // of all records
    uint64_t cause;       // of the following records; 0: none
    uint64_t undelivered; // since the last that was delivered
    bool away;            // the last one was not
};

// Finds the log in the CapSet. A program that was not granted it reports nothing, and goes on.
void logger_init(struct logger *logger, const char *domain);

struct logger_field {
    const char *name;
    const char *text; // null: it is an integer
    int64_t integer;
};

static inline struct logger_field logger_integer(const char *name, int64_t value) {
    return (struct logger_field){.name = name, .integer = value};
}

static inline struct logger_field logger_text(const char *name, const char *value) {
    return (struct logger_field){.name = name, .text = value};
}

// A record with all that there is to say. Fields beyond LOGGER_FIELDS_MAX are left out.
struct logger_record {
    enum log_level level;
    enum log_kind kind; // LOG_KIND_REPORT or LOG_KIND_DENIAL
    const char *text;
    const struct logger_field *fields;
    uint32_t count;
};

// Hands it over, once; nothing is counted. For who keeps what the log does not take, and tries again.
bool logger_try(struct logger *logger, const struct logger_record *record, uint64_t deadline_ns);

// Reports a record. Returns whether it got there.
bool logger_file(struct logger *logger, const struct logger_record *record);
bool logger_report(struct logger *logger, enum log_level level, const char *text, const struct logger_field *fields, uint32_t count);

#define LOGGER_REPORT(logger, level, text, ...) \
    ((void)logger_report(logger, level, text, (const struct logger_field[]){__VA_ARGS__ __VA_OPT__(, ){}}, \
                         sizeof((const struct logger_field[]){__VA_ARGS__ __VA_OPT__(, ){}}) / sizeof(struct logger_field) - 1))
