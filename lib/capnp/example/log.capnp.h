// The log's records. What tools/capnpc-c is to make of log.capnp, written by hand: docs/decisions/capnp-c.md. The parts that
// need lib/rpc are left out.
#pragma once

#include "lib/capnp/build.h"
#include "lib/capnp/build_list.h"
#include "lib/capnp/copy.h"
#include "lib/capnp/list.h"
#include "lib/capnp/read.h"

constexpr uint32_t LOG_TEXT_MAX = 1024;
struct capnp_text log_greeting(void);
struct log_origin log_nobody(void);

enum log_level : uint16_t {
    LOG_LEVEL_ERROR = 0,
    LOG_LEVEL_WARNING = 1,
    LOG_LEVEL_INFO = 2,
    LOG_LEVEL_DEBUG = 3,
};

struct log_origin {
    struct capnp_struct s;
};
struct log_origin_builder {
    struct capnp_struct_builder s;
};
struct log_origin_list {
    struct capnp_list list;
};
struct log_origin_list_builder {
    struct capnp_list_builder list;
};
struct log_record {
    struct capnp_struct s;
};
struct log_record_builder {
    struct capnp_struct_builder s;
};
struct log_record_list {
    struct capnp_list list;
};
struct log_record_list_builder {
    struct capnp_list_builder list;
};
struct log_pair {
    struct capnp_struct s;
};
struct log_pair_builder {
    struct capnp_struct_builder s;
};
struct log_pair_list {
    struct capnp_list list;
};
struct log_pair_list_builder {
    struct capnp_list_builder list;
};
struct log_record_where {
    struct capnp_struct s;
};
struct log_record_where_builder {
    struct capnp_struct_builder s;
};
struct log_record_crash {
    struct capnp_struct s;
};
struct log_record_crash_builder {
    struct capnp_struct_builder s;
};
struct log_sink {
    handle_t handle;
};

static inline struct log_sink log_sink_at(struct capnp_pointer at) {
    return (struct log_sink){capnp_handle_at(at)};
}

constexpr uint64_t LOG_ORIGIN_ID = 0xcc74f75cef1503f5;
constexpr uint16_t LOG_ORIGIN_DATA_WORDS = 1;
constexpr uint16_t LOG_ORIGIN_POINTERS = 1;

static inline struct log_origin log_origin_at(struct capnp_pointer at) {
    return (struct log_origin){capnp_struct_at(at)};
}
static inline struct log_origin log_origin_root(struct capnp_message *message) {
    return log_origin_at(capnp_root(message));
}
static inline struct log_origin_builder log_origin_init_at(struct capnp_pointer_builder at) {
    return (struct log_origin_builder){capnp_init_struct(at, LOG_ORIGIN_DATA_WORDS, LOG_ORIGIN_POINTERS)};
}
static inline struct log_origin_builder log_origin_edit_at(struct capnp_pointer_builder at) {
    return (struct log_origin_builder){capnp_edit_struct(at, LOG_ORIGIN_DATA_WORDS, LOG_ORIGIN_POINTERS, nullptr)};
}
static inline struct log_origin_builder log_origin_init_root(struct capnp_builder *builder) {
    return log_origin_init_at(capnp_init_root(builder));
}
static inline struct log_origin log_origin_read(struct log_origin_builder origin) {
    return (struct log_origin){capnp_read_struct(origin.s)};
}
static inline struct log_origin_list log_origin_list_at(struct capnp_pointer at) {
    return (struct log_origin_list){capnp_list_at(at, CAPNP_STRUCTS)};
}
static inline uint32_t log_origin_list_count(struct log_origin_list list) {
    return list.list.count;
}
static inline struct log_origin log_origin_list_get(struct log_origin_list list, uint32_t index) {
    return (struct log_origin){capnp_list_struct(list.list, index)};
}
static inline struct log_origin_list_builder log_origin_list_init_at(struct capnp_pointer_builder at,
                                                                     uint32_t count) {
    return (struct log_origin_list_builder){capnp_init_struct_list(at, LOG_ORIGIN_DATA_WORDS, LOG_ORIGIN_POINTERS, count)};
}
static inline struct log_origin_list_builder log_origin_list_edit_at(struct capnp_pointer_builder at) {
    return (struct log_origin_list_builder){capnp_edit_struct_list(at, LOG_ORIGIN_DATA_WORDS, LOG_ORIGIN_POINTERS, nullptr)};
}
static inline uint32_t log_origin_list_builder_count(struct log_origin_list_builder list) {
    return list.list.count;
}
static inline struct log_origin_builder log_origin_list_edit(struct log_origin_list_builder list,
                                                             uint32_t index) {
    return (struct log_origin_builder){capnp_list_edit_struct(list.list, index)};
}
static inline struct log_origin_list log_origin_list_read(struct log_origin_list_builder list) {
    return (struct log_origin_list){capnp_read_list(list.list)};
}

static inline struct capnp_text log_origin_get_name(struct log_origin origin) {
    return capnp_text_at(capnp_get_pointer(origin.s, 0));
}
static inline bool log_origin_has_name(struct log_origin origin) {
    return capnp_has(origin.s, 0);
}
static inline void log_origin_set_name(struct log_origin_builder origin, struct capnp_text value) {
    capnp_set_text(capnp_edit_pointer(origin.s, 0), value);
}
static inline char *log_origin_init_name(struct log_origin_builder origin, uint32_t len) {
    return capnp_init_text(capnp_edit_pointer(origin.s, 0), len);
}
static inline void log_origin_clear_name(struct log_origin_builder origin) {
    capnp_clear(capnp_edit_pointer(origin.s, 0));
}
static inline uint64_t log_origin_get_holder(struct log_origin origin) {
    return capnp_get_u64(origin.s, 0);
}
static inline void log_origin_set_holder(struct log_origin_builder origin, uint64_t value) {
    capnp_put_u64(origin.s, 0, value);
}

constexpr uint64_t LOG_RECORD_ID = 0x9e92a8f6ae9423c7;
constexpr uint16_t LOG_RECORD_DATA_WORDS = 5;
constexpr uint16_t LOG_RECORD_POINTERS = 10;

static inline struct log_record log_record_at(struct capnp_pointer at) {
    return (struct log_record){capnp_struct_at(at)};
}
static inline struct log_record log_record_root(struct capnp_message *message) {
    return log_record_at(capnp_root(message));
}
static inline struct log_record_builder log_record_init_at(struct capnp_pointer_builder at) {
    return (struct log_record_builder){capnp_init_struct(at, LOG_RECORD_DATA_WORDS, LOG_RECORD_POINTERS)};
}
static inline struct log_record_builder log_record_edit_at(struct capnp_pointer_builder at) {
    return (struct log_record_builder){capnp_edit_struct(at, LOG_RECORD_DATA_WORDS, LOG_RECORD_POINTERS, nullptr)};
}
static inline struct log_record_builder log_record_init_root(struct capnp_builder *builder) {
    return log_record_init_at(capnp_init_root(builder));
}
static inline struct log_record log_record_read(struct log_record_builder record) {
    return (struct log_record){capnp_read_struct(record.s)};
}
static inline struct log_record_list log_record_list_at(struct capnp_pointer at) {
    return (struct log_record_list){capnp_list_at(at, CAPNP_STRUCTS)};
}
static inline uint32_t log_record_list_count(struct log_record_list list) {
    return list.list.count;
}
static inline struct log_record log_record_list_get(struct log_record_list list, uint32_t index) {
    return (struct log_record){capnp_list_struct(list.list, index)};
}
static inline struct log_record_list_builder log_record_list_init_at(struct capnp_pointer_builder at,
                                                                     uint32_t count) {
    return (struct log_record_list_builder){capnp_init_struct_list(at, LOG_RECORD_DATA_WORDS, LOG_RECORD_POINTERS, count)};
}
static inline struct log_record_list_builder log_record_list_edit_at(struct capnp_pointer_builder at) {
    return (struct log_record_list_builder){capnp_edit_struct_list(at, LOG_RECORD_DATA_WORDS, LOG_RECORD_POINTERS, nullptr)};
}
static inline uint32_t log_record_list_builder_count(struct log_record_list_builder list) {
    return list.list.count;
}
static inline struct log_record_builder log_record_list_edit(struct log_record_list_builder list,
                                                             uint32_t index) {
    return (struct log_record_builder){capnp_list_edit_struct(list.list, index)};
}
static inline struct log_record_list log_record_list_read(struct log_record_list_builder list) {
    return (struct log_record_list){capnp_read_list(list.list)};
}

static inline uint64_t log_record_get_sequence(struct log_record record) {
    return capnp_get_u64(record.s, 0);
}
static inline void log_record_set_sequence(struct log_record_builder record, uint64_t value) {
    capnp_put_u64(record.s, 0, value);
}
static inline enum log_level log_record_get_level(struct log_record record) {
    return (enum log_level)(capnp_get_u16(record.s, 8) ^ LOG_LEVEL_INFO);
}
static inline void log_record_set_level(struct log_record_builder record, enum log_level value) {
    capnp_put_u16(record.s, 8, value ^ LOG_LEVEL_INFO);
}
static inline bool log_record_get_urgent(struct log_record record) {
    return capnp_get_bool(record.s, 80);
}
static inline void log_record_set_urgent(struct log_record_builder record, bool value) {
    capnp_put_bool(record.s, 80, value);
}
static inline int32_t log_record_get_offset(struct log_record record) {
    return (int32_t)(capnp_get_u32(record.s, 12) ^ 0xffffffff);
}
static inline void log_record_set_offset(struct log_record_builder record, int32_t value) {
    capnp_put_u32(record.s, 12, (uint32_t)value ^ 0xffffffff);
}
static inline struct capnp_text log_record_get_text(struct log_record record) {
    return capnp_text_or(capnp_get_pointer(record.s, 0), CAPNP_TEXT("(none)"));
}
static inline bool log_record_has_text(struct log_record record) {
    return capnp_has(record.s, 0);
}
static inline void log_record_set_text(struct log_record_builder record, struct capnp_text value) {
    capnp_set_text(capnp_edit_pointer(record.s, 0), value);
}
static inline char *log_record_init_text(struct log_record_builder record, uint32_t len) {
    return capnp_init_text(capnp_edit_pointer(record.s, 0), len);
}
static inline void log_record_clear_text(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 0));
}
static inline struct log_origin log_record_get_origin(struct log_record record) {
    return log_origin_at(capnp_get_pointer(record.s, 1));
}
static inline bool log_record_has_origin(struct log_record record) {
    return capnp_has(record.s, 1);
}
static inline struct log_origin_builder log_record_init_origin(struct log_record_builder record) {
    return log_origin_init_at(capnp_edit_pointer(record.s, 1));
}
static inline struct log_origin_builder log_record_edit_origin(struct log_record_builder record) {
    return log_origin_edit_at(capnp_edit_pointer(record.s, 1));
}
static inline void log_record_set_origin(struct log_record_builder record, struct log_origin value) {
    capnp_set_struct(capnp_edit_pointer(record.s, 1), value.s);
}
static inline void log_record_clear_origin(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 1));
}
static inline struct capnp_text_list log_record_get_tags(struct log_record record) {
    return capnp_text_list_at(capnp_get_pointer(record.s, 2));
}
static inline bool log_record_has_tags(struct log_record record) {
    return capnp_has(record.s, 2);
}
static inline struct capnp_text_list_builder log_record_init_tags(struct log_record_builder record,
                                                                  uint32_t count) {
    return capnp_text_list_init_at(capnp_edit_pointer(record.s, 2), count);
}
static inline struct capnp_text_list_builder log_record_edit_tags(struct log_record_builder record) {
    return capnp_text_list_edit_at(capnp_edit_pointer(record.s, 2));
}
static inline void log_record_set_tags(struct log_record_builder record, struct capnp_text_list value) {
    capnp_set_list(capnp_edit_pointer(record.s, 2), value.list);
}
static inline void log_record_clear_tags(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 2));
}
static inline struct capnp_u32_list log_record_get_lines(struct log_record record) {
    return capnp_u32_list_at(capnp_get_pointer(record.s, 3));
}
static inline bool log_record_has_lines(struct log_record record) {
    return capnp_has(record.s, 3);
}
static inline struct capnp_u32_list_builder log_record_init_lines(struct log_record_builder record,
                                                                  uint32_t count) {
    return capnp_u32_list_init_at(capnp_edit_pointer(record.s, 3), count);
}
static inline struct capnp_u32_list_builder log_record_edit_lines(struct log_record_builder record) {
    return capnp_u32_list_edit_at(capnp_edit_pointer(record.s, 3));
}
static inline void log_record_set_lines(struct log_record_builder record, struct capnp_u32_list value) {
    capnp_set_list(capnp_edit_pointer(record.s, 3), value.list);
}
static inline void log_record_clear_lines(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 3));
}
static inline struct log_record_list log_record_get_related(struct log_record record) {
    return log_record_list_at(capnp_get_pointer(record.s, 4));
}
static inline bool log_record_has_related(struct log_record record) {
    return capnp_has(record.s, 4);
}
static inline struct log_record_list_builder log_record_init_related(struct log_record_builder record,
                                                                     uint32_t count) {
    return log_record_list_init_at(capnp_edit_pointer(record.s, 4), count);
}
static inline struct log_record_list_builder log_record_edit_related(struct log_record_builder record) {
    return log_record_list_edit_at(capnp_edit_pointer(record.s, 4));
}
static inline void log_record_set_related(struct log_record_builder record, struct log_record_list value) {
    capnp_set_list(capnp_edit_pointer(record.s, 4), value.list);
}
static inline void log_record_clear_related(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 4));
}
static inline struct capnp_pointer log_record_get_details(struct log_record record) {
    return capnp_get_pointer(record.s, 5);
}
static inline bool log_record_has_details(struct log_record record) {
    return capnp_has(record.s, 5);
}
static inline struct capnp_pointer_builder log_record_edit_details(struct log_record_builder record) {
    return capnp_edit_pointer(record.s, 5);
}
static inline void log_record_set_details(struct log_record_builder record, struct capnp_pointer value) {
    capnp_set_pointer(capnp_edit_pointer(record.s, 5), value);
}
static inline void log_record_clear_details(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 5));
}
static inline struct capnp_pointer_list log_record_get_grid(struct log_record record) {
    return capnp_pointer_list_at(capnp_get_pointer(record.s, 6));
}
static inline bool log_record_has_grid(struct log_record record) {
    return capnp_has(record.s, 6);
}
static inline struct capnp_pointer_list_builder log_record_init_grid(struct log_record_builder record,
                                                                     uint32_t count) {
    return capnp_pointer_list_init_at(capnp_edit_pointer(record.s, 6), count);
}
static inline struct capnp_pointer_list_builder log_record_edit_grid(struct log_record_builder record) {
    return capnp_pointer_list_edit_at(capnp_edit_pointer(record.s, 6));
}
static inline void log_record_set_grid(struct log_record_builder record, struct capnp_pointer_list value) {
    capnp_set_list(capnp_edit_pointer(record.s, 6), value.list);
}
static inline void log_record_clear_grid(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 6));
}
static inline struct log_sink log_record_get_sink(struct log_record record) {
    return log_sink_at(capnp_get_pointer(record.s, 7));
}
static inline bool log_record_has_sink(struct log_record record) {
    return capnp_has(record.s, 7);
}
static inline void log_record_set_sink(struct log_record_builder record, struct log_sink value) {
    capnp_set_handle(capnp_edit_pointer(record.s, 7), value.handle);
}
static inline void log_record_give_sink(struct log_record_builder record, struct log_sink value) {
    capnp_give_handle(capnp_edit_pointer(record.s, 7), value.handle);
}
static inline void log_record_clear_sink(struct log_record_builder record) {
    capnp_clear(capnp_edit_pointer(record.s, 7));
}

static inline struct log_record_where log_record_get_where(struct log_record record) {
    return (struct log_record_where){record.s};
}
static inline struct log_record_where_builder log_record_edit_where(struct log_record_builder record) {
    return (struct log_record_where_builder){record.s};
}

enum log_record_which : uint16_t {
    LOG_RECORD_PLAIN = 0,
    LOG_RECORD_COUNT = 1,
    LOG_RECORD_CRASH = 2,
};
static inline enum log_record_which log_record_which(struct log_record record) {
    return (enum log_record_which)capnp_get_u16(record.s, 20);
}
static inline void log_record_set_plain(struct log_record_builder record) {
    capnp_put_u16(record.s, 20, LOG_RECORD_PLAIN);
}
static inline uint16_t log_record_get_count(struct log_record record) {
    return capnp_get_u16(record.s, 22);
}
static inline void log_record_set_count(struct log_record_builder record, uint16_t value) {
    capnp_put_u16(record.s, 20, LOG_RECORD_COUNT);
    capnp_put_u16(record.s, 22, value);
}
static inline struct log_record_crash log_record_get_crash(struct log_record record) {
    return (struct log_record_crash){record.s};
}
static inline struct log_record_crash_builder log_record_init_crash(struct log_record_builder record) {
    capnp_put_u16(record.s, 20, LOG_RECORD_CRASH);
    capnp_put_u64(record.s, 24, 0);
    capnp_clear(capnp_edit_pointer(record.s, 9));
    return (struct log_record_crash_builder){record.s};
}
static inline struct log_record_crash_builder log_record_edit_crash(struct log_record_builder record) {
    capnp_put_u16(record.s, 20, LOG_RECORD_CRASH);
    return (struct log_record_crash_builder){record.s};
}
static inline double log_record_get_ratio(struct log_record record) {
    return capnp_f64(capnp_get_u64(record.s, 32) ^ 0x3fe0000000000000);
}
static inline void log_record_set_ratio(struct log_record_builder record, double value) {
    capnp_put_u64(record.s, 32, capnp_f64_bits(value) ^ 0x3fe0000000000000);
}

static inline struct log_record_where log_record_where_read(struct log_record_where_builder where) {
    return (struct log_record_where){capnp_read_struct(where.s)};
}

static inline struct capnp_text log_record_where_get_file(struct log_record_where where) {
    return capnp_text_at(capnp_get_pointer(where.s, 8));
}
static inline bool log_record_where_has_file(struct log_record_where where) {
    return capnp_has(where.s, 8);
}
static inline void log_record_where_set_file(struct log_record_where_builder where, struct capnp_text value) {
    capnp_set_text(capnp_edit_pointer(where.s, 8), value);
}
static inline char *log_record_where_init_file(struct log_record_where_builder where, uint32_t len) {
    return capnp_init_text(capnp_edit_pointer(where.s, 8), len);
}
static inline void log_record_where_clear_file(struct log_record_where_builder where) {
    capnp_clear(capnp_edit_pointer(where.s, 8));
}
static inline uint32_t log_record_where_get_line(struct log_record_where where) {
    return capnp_get_u32(where.s, 16);
}
static inline void log_record_where_set_line(struct log_record_where_builder where, uint32_t value) {
    capnp_put_u32(where.s, 16, value);
}

static inline struct log_record_crash log_record_crash_read(struct log_record_crash_builder crash) {
    return (struct log_record_crash){capnp_read_struct(crash.s)};
}

static inline uint64_t log_record_crash_get_address(struct log_record_crash crash) {
    return capnp_get_u64(crash.s, 24);
}
static inline void log_record_crash_set_address(struct log_record_crash_builder crash, uint64_t value) {
    capnp_put_u64(crash.s, 24, value);
}
static inline struct capnp_text log_record_crash_get_reason(struct log_record_crash crash) {
    return capnp_text_at(capnp_get_pointer(crash.s, 9));
}
static inline bool log_record_crash_has_reason(struct log_record_crash crash) {
    return capnp_has(crash.s, 9);
}
static inline void log_record_crash_set_reason(struct log_record_crash_builder crash,
                                               struct capnp_text value) {
    capnp_set_text(capnp_edit_pointer(crash.s, 9), value);
}
static inline char *log_record_crash_init_reason(struct log_record_crash_builder crash, uint32_t len) {
    return capnp_init_text(capnp_edit_pointer(crash.s, 9), len);
}
static inline void log_record_crash_clear_reason(struct log_record_crash_builder crash) {
    capnp_clear(capnp_edit_pointer(crash.s, 9));
}

// Of Key and Value.
constexpr uint64_t LOG_PAIR_ID = 0xec32aa28e4300ac1;
constexpr uint16_t LOG_PAIR_DATA_WORDS = 0;
constexpr uint16_t LOG_PAIR_POINTERS = 2;

static inline struct log_pair log_pair_at(struct capnp_pointer at) {
    return (struct log_pair){capnp_struct_at(at)};
}
static inline struct log_pair log_pair_root(struct capnp_message *message) {
    return log_pair_at(capnp_root(message));
}
static inline struct log_pair_builder log_pair_init_at(struct capnp_pointer_builder at) {
    return (struct log_pair_builder){capnp_init_struct(at, LOG_PAIR_DATA_WORDS, LOG_PAIR_POINTERS)};
}
static inline struct log_pair_builder log_pair_edit_at(struct capnp_pointer_builder at) {
    return (struct log_pair_builder){capnp_edit_struct(at, LOG_PAIR_DATA_WORDS, LOG_PAIR_POINTERS, nullptr)};
}
static inline struct log_pair_builder log_pair_init_root(struct capnp_builder *builder) {
    return log_pair_init_at(capnp_init_root(builder));
}
static inline struct log_pair log_pair_read(struct log_pair_builder pair) {
    return (struct log_pair){capnp_read_struct(pair.s)};
}
static inline struct log_pair_list log_pair_list_at(struct capnp_pointer at) {
    return (struct log_pair_list){capnp_list_at(at, CAPNP_STRUCTS)};
}
static inline uint32_t log_pair_list_count(struct log_pair_list list) {
    return list.list.count;
}
static inline struct log_pair log_pair_list_get(struct log_pair_list list, uint32_t index) {
    return (struct log_pair){capnp_list_struct(list.list, index)};
}
static inline struct log_pair_list_builder log_pair_list_init_at(struct capnp_pointer_builder at,
                                                                 uint32_t count) {
    return (struct log_pair_list_builder){capnp_init_struct_list(at, LOG_PAIR_DATA_WORDS, LOG_PAIR_POINTERS, count)};
}
static inline struct log_pair_list_builder log_pair_list_edit_at(struct capnp_pointer_builder at) {
    return (struct log_pair_list_builder){capnp_edit_struct_list(at, LOG_PAIR_DATA_WORDS, LOG_PAIR_POINTERS, nullptr)};
}
static inline uint32_t log_pair_list_builder_count(struct log_pair_list_builder list) {
    return list.list.count;
}
static inline struct log_pair_builder log_pair_list_edit(struct log_pair_list_builder list, uint32_t index) {
    return (struct log_pair_builder){capnp_list_edit_struct(list.list, index)};
}
static inline struct log_pair_list log_pair_list_read(struct log_pair_list_builder list) {
    return (struct log_pair_list){capnp_read_list(list.list)};
}

static inline struct capnp_pointer log_pair_get_key(struct log_pair pair) {
    return capnp_get_pointer(pair.s, 0);
}
static inline bool log_pair_has_key(struct log_pair pair) {
    return capnp_has(pair.s, 0);
}
static inline struct capnp_pointer_builder log_pair_edit_key(struct log_pair_builder pair) {
    return capnp_edit_pointer(pair.s, 0);
}
static inline void log_pair_set_key(struct log_pair_builder pair, struct capnp_pointer value) {
    capnp_set_pointer(capnp_edit_pointer(pair.s, 0), value);
}
static inline void log_pair_clear_key(struct log_pair_builder pair) {
    capnp_clear(capnp_edit_pointer(pair.s, 0));
}
static inline struct capnp_pointer log_pair_get_value(struct log_pair pair) {
    return capnp_get_pointer(pair.s, 1);
}
static inline bool log_pair_has_value(struct log_pair pair) {
    return capnp_has(pair.s, 1);
}
static inline struct capnp_pointer_builder log_pair_edit_value(struct log_pair_builder pair) {
    return capnp_edit_pointer(pair.s, 1);
}
static inline void log_pair_set_value(struct log_pair_builder pair, struct capnp_pointer value) {
    capnp_set_pointer(capnp_edit_pointer(pair.s, 1), value);
}
static inline void log_pair_clear_value(struct log_pair_builder pair) {
    capnp_clear(capnp_edit_pointer(pair.s, 1));
}
