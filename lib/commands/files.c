// files, cat, rm, tee: what a session keeps (files.h), until there is a file system; and the scripts of the boot package.
#include "lib/commands/files.h"

#include "abi/gen/stubs.h"
#include "lib/commands/output.h"
#include "lib/commands/shell.h"
#include "base/fmt.h"
#include "base/str.h"
#include "lib/badge/badge.h"
#include "lib/shell/filter_kind.h"
#include "lib/tess/capset.h"

#define FILE_NAME_RULE "a name has no blanks and no `/`, and 63 bytes at most"

constexpr unsigned WRITERS_MAX = 4;
constexpr size_t PIECE_BYTES = 512;

static char bytes_of_files[FILES_BYTES];
static struct shell_store files = {.bytes = bytes_of_files, .size = FILES_BYTES};

// A file being written lies in the store under a name that none can have, until it is finished.
static struct {
    bool used;
    char name[SHELL_STORE_NAME_MAX + 1];
} writers[WRITERS_MAX];

static struct shell_text text_of(const char *name) {
    return (struct shell_text){name, strlen(name)};
}

static bool is_name(const char *name) {
    const size_t len = strlen(name);
    bool good = len > 0 && len <= SHELL_STORE_NAME_MAX;
    for (size_t i = 0; good && i < len; i++) {
        good = (unsigned char)name[i] > ' ' && name[i] != 0x7f && name[i] != '/';
    }
    return good;
}

static struct shell_text writer_name(unsigned number, char name[2]) {
    name[0] = (char)(1 + number);
    name[1] = '\0';
    return text_of(name);
}

// ---- scripts of the boot package ----

// The shell's grants of this name are scripts; each is mapped at its first use, and then for good.
#define SCRIPT_PREFIX "script-"

constexpr size_t SCRIPTS_MAX = 8;

static struct {
    handle_t file;
    const char *bytes;
    size_t len;
} mapped[SCRIPTS_MAX];
static size_t mapped_count;

static bool map_script(handle_t file, struct shell_text *out) {
    uint64_t len_bytes, address;
    for (size_t i = 0; i < mapped_count; i++) {
        if (mapped[i].file.v == file.v) {
            *out = (struct shell_text){mapped[i].bytes, mapped[i].len};
            return true;
        }
    }
    if (mapped_count == SCRIPTS_MAX || !status_ok(tess_vmo_info(file, &len_bytes, nullptr)) ||
        !status_ok(tess_vspace_map(tess_self_vspace(), file, 0, len_bytes, 0, PROT_READ, &address))) {
        return false;
    }
    const char *bytes = (const char *)(uintptr_t)address;
    mapped[mapped_count].file = file;
    mapped[mapped_count].bytes = bytes;
    mapped[mapped_count].len = strnlen(bytes, len_bytes); // there are zeros behind the file's end
    *out = (struct shell_text){bytes, mapped[mapped_count++].len};
    return true;
}

// The name of the script that a grant is, or null.
static const char *script_name(const struct bootstrap_cap *cap) {
    return str_starts_with(cap->name, SCRIPT_PREFIX) ? cap->name + strlen(SCRIPT_PREFIX) : nullptr;
}

static bool find_script(const char *name, struct shell_text *out) {
    char grant[NAME_BYTES];
    handle_t file;
    return fmt_snprintf(grant, sizeof(grant), SCRIPT_PREFIX "%s", name) < sizeof(grant) && status_ok(tess_cap(grant, 0, &file)) &&
           map_script(file, out);
}

// ---- reading ----

static bool find(const char *name, struct shell_text *out) {
    return is_name(name) && (store_find(&files, text_of(name), out) || find_script(name, out));
}

bool file_exists(const char *name) {
    struct shell_text text;
    return find(name, &text);
}

size_t file_read(const char *name, size_t at, char *bytes, size_t most) {
    struct shell_text text;
    if (!find(name, &text) || at >= text.len) {
        return 0;
    }
    const size_t len = text.len - at < most ? text.len - at : most;
    memcpy(bytes, text.bytes + at, len);
    return len;
}

const char *file_text(const char *name, size_t *len) {
    struct shell_text text;
    if (!find(name, &text)) {
        return nullptr;
    }
    *len = text.len;
    return text.bytes;
}

const char *file_begin(const char *name, bool append, unsigned *number) {
    char own[2];
    struct shell_text before = {"", 0};
    unsigned i = 0;
    if (!is_name(name)) {
        return FILE_NAME_RULE;
    }
    while (i < WRITERS_MAX && writers[i].used) {
        i++;
    }
    if (i == WRITERS_MAX) {
        return "too many files are being written; `jobs` lists who may";
    }
    if (append) {
        (void)store_find(&files, text_of(name), &before); // there may be none yet
    }
    if (!store_put(&files, writer_name(i, own), before)) {
        return FILES_FULL;
    }
    writers[i].used = true;
    (void)str_copy(writers[i].name, sizeof(writers[i].name), name); // it has been measured
    *number = i;
    return nullptr;
}

bool file_write(unsigned number, const char *bytes, size_t len) {
    char own[2];
    return store_append(&files, writer_name(number, own), (struct shell_text){bytes, len});
}

bool file_finish(unsigned number) {
    char own[2];
    const bool named = store_rename(&files, writer_name(number, own), text_of(writers[number].name));
    if (!named) {
        file_drop(number);
    }
    writers[number].used = false;
    return named;
}

void file_drop(unsigned number) {
    char own[2];
    writers[number].used = false;
    (void)store_remove(&files, writer_name(number, own)); // it is there
}

bool file_remove(const char *name) {
    return is_name(name) && store_remove(&files, text_of(name));
}

void each_file(void (*function)(void *context, const char *name), void *context) {
    struct shell_text name, text;
    for (size_t i = 0; store_at(&files, i, &name, &text); i++) {
        char copy[SHELL_STORE_NAME_MAX + 1];
        if (str_copy_bytes(copy, sizeof(copy), name.bytes, name.len) && is_name(copy)) {
            function(context, copy);
        }
    }
    for (uint32_t i = 0; i < tess_bootstrap->cap_count; i++) {
        const char *script = script_name(&bootstrap_caps(tess_bootstrap)[i]);
        if (script != nullptr && !store_find(&files, text_of(script), &text)) {
            function(context, script);
        }
    }
}

// ---- commands ----

static void print_file(void *context, const char *name) {
    size_t len = 0;
    char number[SHELL_NUMBER_BYTES];
    (void)context;
    (void)file_text(name, &len);
    table_cell(&shell.table, "%s", name);
    table_cell(&shell.table, "%s", shell_size(number, len));
}

int command_files(const struct arguments *arguments) {
    (void)arguments;
    table_begin(&shell.table, "FILE >SIZE", out_sink, nullptr);
    each_file(print_file, nullptr);
    table_end(&shell.table);
    return COMMAND_OK;
}

int no_file(const char *command, const char *name) {
    char shown[64];
    shell_printable(shown, sizeof(shown), name, strlen(name));
    return fail("%s: there is no file `%s`; `files` lists them\n", command, shown);
}

int command_cat(const struct arguments *arguments) {
    for (size_t i = 1; i < arguments->count; i++) {
        char piece[PIECE_BYTES];
        size_t at = 0, len;
        if (!file_exists(arguments->words[i])) {
            return no_file("cat", arguments->words[i]);
        }
        while ((len = file_read(arguments->words[i], at, piece, sizeof(piece))) > 0 && !out_is_closed()) {
            out_sink(nullptr, piece, len);
            at += len;
        }
    }
    return COMMAND_OK;
}

int command_rm(const struct arguments *arguments) {
    for (size_t i = 1; i < arguments->count; i++) {
        const char *name = arguments->words[i];
        if (!file_remove(name)) {
            return file_exists(name) ? fail("rm: `%s` belongs to the system\n", name) : no_file("rm", name);
        }
    }
    return COMMAND_OK;
}

// ---- cat and tee in a pipe ----

static bool cat_begin(struct filter *filter, size_t count, const char *const *words) {
    (void)words;
    return count == 1 || filter_wrong(filter, "cat: it shows files, or passes on what comes in; not both");
}

static bool pass_on(struct filter *filter, const char *bytes, size_t len) {
    return filter_put(filter, bytes, len);
}

static int cat_end(struct filter *filter) {
    (void)filter;
    return COMMAND_OK;
}

const struct filter_type filter_cat = {.begin = cat_begin, .bytes = pass_on, .end = cat_end};

static bool tee_begin(struct filter *filter, size_t count, const char *const *words) {
    const bool append = count == 3 && str_equal(words[1], "-a");
    if (count != 2 && !append) {
        return filter_wrong(filter, "usage: tee [-a] FILE");
    }
    const char *wrong = file_begin(words[count - 1], append, &filter->number);
    return wrong == nullptr || filter_wrong(filter, "tee: `%s` cannot be written: %s", words[count - 1], wrong);
}

static bool tee_bytes(struct filter *filter, const char *bytes, size_t len) {
    return file_write(filter->number, bytes, len) ? filter_put(filter, bytes, len)
                                                  : filter_wrong(filter, "tee: " FILES_FULL);
}

static int tee_end(struct filter *filter) {
    if (filter->error[0] != '\0' || filter->abandoned) {
        file_drop(filter->number);
        return COMMAND_FAILED;
    }
    return file_finish(filter->number) ? COMMAND_OK : COMMAND_FAILED;
}

const struct filter_type filter_tee = {.begin = tee_begin, .bytes = tee_bytes, .end = tee_end};
