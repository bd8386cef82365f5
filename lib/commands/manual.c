// man, apropos: the manual that the system carries (lib/manual), and what the commands say of themselves.
#include "base/suggest.h"
#include "lib/manual/manual.h"

#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "lib/commands/shell.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/tess/capset.h"

#define COMMANDS "commands"

constexpr size_t NAME_COLUMNS = 18;
constexpr size_t PATH_BYTES = 2 * (MANUAL_NAME_MAX + 1);
constexpr size_t LINE_BYTES_MAX = 256; // of a page, as far as it is shown

// Where the file is mapped: at its first use, and then for good. Without one there are still the commands.
static struct {
    const void *words;
    size_t len_bytes;
} file;

static void open_file(void) {
    handle_t vmo;
    uint64_t len_bytes, committed_bytes, address;
    if (file.words == nullptr && status_ok(tess_cap("manual", 0, &vmo)) &&
        status_ok(tess_vmo_info(vmo, &len_bytes, &committed_bytes)) &&
        status_ok(tess_vspace_map(tess_self_vspace(), vmo, 0, len_bytes, 0, PROT_READ, &address))) {
        file.words = (const void *)(uintptr_t)address;
        file.len_bytes = (size_t)len_bytes;
    }
}

// ---- output ----

// NAME  SUMMARY
static void print_row(const char *name, const char *summary) {
    out("%-*s  ", (int)NAME_COLUMNS, name);
    const size_t len = strlen(name);
    out_wrapped((len > NAME_COLUMNS ? len : NAME_COLUMNS) + 2, NAME_COLUMNS + 2, summary);
}

// Lines as they are, shifted to the right. What a terminal would take for something else is not passed on.
static void print_text(const char *text, size_t len, size_t indent) {
    while (len > 0) {
        const char *end = memchr(text, '\n', len);
        const size_t line_bytes = end != nullptr ? (size_t)(end - text) : len;
        char line[LINE_BYTES_MAX];
        shell_printable(line, sizeof(line), text, line_bytes);
        out("%*s%s\n", line[0] != '\0' ? (int)indent : 0, "", line);
        text += line_bytes + (end != nullptr ? 1 : 0);
        len -= line_bytes + (end != nullptr ? 1 : 0);
    }
}

// ---- sections ----

static const struct {
    enum manual_section section;
    const char *about;
} sections[] = {
    {MANUAL_SECTION_CONTRACTS, "what services can be asked for, and how"},
    {MANUAL_SECTION_CONCEPTS, "how things work"},
    {MANUAL_SECTION_OBJECTS, "the types of kernel objects"},
    {MANUAL_SECTION_HOWTO, "steps to an end"},
};
constexpr size_t SECTION_COUNT = sizeof(sections) / sizeof(sections[0]);

static bool section_called(const char *name, enum manual_section *out) {
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        if (str_equal(manual_section_name(sections[i].section), name)) {
            *out = sections[i].section;
            return true;
        }
    }
    return false;
}

static void list_sections(void) {
    print_row(COMMANDS, "what can be typed at the prompt");
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        print_row(manual_section_name(sections[i].section), sections[i].about);
    }
    out("`man SECTION` lists its pages, `man PAGE` shows one, `apropos WORD` finds them.\n");
}

static void list_commands(void) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        print_row(command->name, command->summary);
    }
}

static void list_pages(enum manual_section section) {
    struct manual_walk walk;
    struct manual_entry entry;
    manual_walk_begin(&walk, file.words, file.len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        if (entry.is_page && entry.section == section) {
            print_row(entry.name.bytes, entry.summary.bytes);
        }
    }
}

// ---- pages ----

static void show_command(const struct command *command) {
    out("%s - %s\n\n  %s %s\n", command->name, command->summary, command->name, command->usage);
    if (command->details != nullptr) {
        out("\n");
        out_details(command->details, 2);
    }
}

// "keys.Key": the one of several parts of a name.
static const char *path_to(const struct manual_entry *entry, char out[PATH_BYTES]) {
    fmt_snprintf(out, PATH_BYTES, "%s.%s", entry->page.bytes, entry->name.bytes);
    return out;
}

// How many parts of pages the name fits as well as this one; `list` prints them.
static size_t count_namesakes(const struct manual_entry *of, const char *name, bool list) {
    const enum manual_fit fit = manual_fit(of, name);
    struct manual_walk walk;
    struct manual_entry entry;
    size_t count = 0;
    manual_walk_begin(&walk, file.words, file.len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        char path[PATH_BYTES];
        if (!of->is_page && !entry.is_page && entry.section == of->section && manual_fit(&entry, name) == fit) {
            count++;
            if (list) {
                print_row(path_to(&entry, path), entry.summary.bytes);
            }
        }
    }
    return count;
}

// The entry that the name fits best; or those, if there are several.
static void show_entry(const struct manual_entry *entry, const char *name) {
    if (count_namesakes(entry, name, false) > 1) {
        out("There are several `%s`; `man` with the longer name shows one:\n", name);
        (void)count_namesakes(entry, name, true);
    } else {
        print_text(entry->text, entry->text_bytes, 0);
    }
}

// Says in which other sections something is called so, too.
static void show_namesakes(const char *name, bool shown_command, enum manual_section shown_section) {
    struct manual_entry entry;
    bool found = false;
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        const enum manual_section section = sections[i].section;
        if ((shown_command || section != shown_section) && manual_find(file.words, file.len_bytes, &section, name, &entry)) {
            out("%s`man %s %s`", found ? ", " : "There is also ", manual_section_name(section), entry.name.bytes);
            found = true;
        }
    }
    if (found) {
        out(".\n\n");
    }
}

static int suggest_page(const char *name) {
    struct suggestion suggestion = suggestion_of(name);
    struct manual_walk walk;
    struct manual_entry entry;
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        suggestion_add(&suggestion, command->name);
    }
    manual_walk_begin(&walk, file.words, file.len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        suggestion_add(&suggestion, entry.name.bytes); // which stays where it is
    }
    if (suggestion.nearest != nullptr) {
        return fail("man: there is no page `%s`; did you mean `%s`?\n", name, suggestion.nearest);
    }
    return fail("man: there is no page `%s`; `apropos WORD` finds pages\n", name);
}

// A page of any section: of a command if there is one.
static int show(const char *name) {
    const struct command *command = command_find(name, strlen(name));
    struct manual_entry entry;
    if (command != nullptr) {
        show_namesakes(name, true, MANUAL_SECTION_CONTRACTS);
        show_command(command);
    } else if (manual_find(file.words, file.len_bytes, nullptr, name, &entry)) {
        show_namesakes(name, false, entry.section);
        show_entry(&entry, name);
    } else {
        return suggest_page(name);
    }
    return COMMAND_OK;
}

static int show_in(const char *section_name, const char *name) {
    enum manual_section section;
    struct manual_entry entry;
    const struct command *command = command_find(name, strlen(name));
    const bool of_commands = str_equal(section_name, COMMANDS);
    if (!of_commands && !section_called(section_name, &section)) {
        return fail("man: there is no section `%s`; `man` lists them\n", section_name);
    } else if (of_commands && command != nullptr) {
        show_command(command);
    } else if (!of_commands && manual_find(file.words, file.len_bytes, &section, name, &entry)) {
        show_entry(&entry, name);
    } else {
        return fail("man: the section `%s` has no page `%s`; `man %s` lists what it has\n", section_name, name, section_name);
    }
    return COMMAND_OK;
}

int command_man(const struct arguments *arguments) {
    enum manual_section section;
    open_file();
    if (file.words == nullptr) {
        out("This shell has no manual but of its commands: it was not granted `manual`.\n");
    }
    if (arguments->count == 1) {
        list_sections();
    } else if (arguments->count == 3) {
        return show_in(arguments->words[1], arguments->words[2]);
    } else if (str_equal(arguments->words[1], COMMANDS)) {
        list_commands();
    } else if (section_called(arguments->words[1], &section)) {
        list_pages(section);
    } else {
        return show(arguments->words[1]);
    }
    return COMMAND_OK;
}

// ---- apropos ----

// One that no file has.
constexpr enum manual_section SECTION_COMMANDS = (enum manual_section)UINT16_MAX;

static void search_commands(struct manual_results *results, const char *const *words, size_t count) {
    const struct command *command;
    for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
        const char *details = command->details != nullptr ? command->details : "";
        const struct manual_entry entry = {
            .section = SECTION_COMMANDS,
            .name = capnp_text(command->name),
            .summary = capnp_text(command->summary),
            .text = details,
            .own_bytes = strlen(details),
        };
        manual_results_add(results, &entry, manual_match(&entry, words, count));
    }
}

static void search_file(struct manual_results *results, const char *const *words, size_t count) {
    struct manual_walk walk;
    struct manual_entry entry;
    manual_walk_begin(&walk, file.words, file.len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        manual_results_add(results, &entry, manual_match(&entry, words, count));
    }
}

static void print_result(const struct manual_entry *entry) {
    const char *section = entry->section == SECTION_COMMANDS ? COMMANDS : manual_section_name(entry->section);
    char path[PATH_BYTES], head[PATH_BYTES + 32];
    const bool several = entry->section != SECTION_COMMANDS && count_namesakes(entry, entry->name.bytes, false) > 1;
    fmt_snprintf(head, sizeof(head), "%s (%s) - ", several ? path_to(entry, path) : entry->name.bytes, section != nullptr ? section : "?");
    out("%s", head);
    out_wrapped(strlen(head), 4, entry->summary.bytes);
}

int command_apropos(const struct arguments *arguments) {
    static struct manual_results results;
    const char *const *words = arguments->words + 1;
    const size_t count = arguments->count - 1;
    open_file();
    results.count = results.left_out = 0;
    search_commands(&results, words, count);
    search_file(&results, words, count);
    for (size_t i = 0; i < results.count; i++) {
        print_result(&results.best[i].entry);
    }
    if (results.left_out > 0) {
        out("And %zu more; another word behind it makes them fewer.\n", results.left_out);
    }
    if (results.count == 0) {
        return fail("apropos: no page has %s; `man` lists the sections\n", count > 1 ? "all of these words" : "this word");
    }
    return COMMAND_OK;
}

// ---- what others show of it ----

static bool find_declaration(const char *path, struct manual_entry *out) {
    const enum manual_section contracts = MANUAL_SECTION_CONTRACTS;
    open_file();
    return manual_find(file.words, file.len_bytes, &contracts, path, out) && !out->is_page;
}

void manual_summary(const char *path, size_t indent) {
    struct manual_entry entry;
    if (find_declaration(path, &entry)) {
        out("%*s", (int)indent, "");
        out_wrapped(indent, indent, entry.summary.bytes);
    }
}

void manual_comment(const char *path) {
    struct manual_entry entry;
    if (find_declaration(path, &entry) && entry.comment_bytes < entry.own_bytes) {
        print_text(entry.text + entry.comment_bytes, entry.own_bytes - entry.comment_bytes, 0);
    }
}

// ---- completion ----

void each_manual_name(const char *prefix, size_t prefix_bytes, void (*function)(void *context, const char *name), void *context) {
    struct manual_walk walk;
    struct manual_entry entry;
    // Methods are offered once their interface is there: all of them would be too many to choose from.
    const char *dot = memchr(prefix, '.', prefix_bytes);
    const bool deep = dot != nullptr;
    const bool deeper = deep && memchr(dot + 1, '.', prefix_bytes - (size_t)(dot + 1 - prefix)) != nullptr;
    function(context, COMMANDS);
    for (size_t i = 0; i < SECTION_COUNT; i++) {
        function(context, manual_section_name(sections[i].section));
    }
    open_file();
    manual_walk_begin(&walk, file.words, file.len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        char path[PATH_BYTES];
        if (deep || strchr(entry.name.bytes, '.') == nullptr) {
            function(context, entry.name.bytes);
        }
        if (deep && !entry.is_page && (strchr(entry.name.bytes, '.') == nullptr || deeper)) {
            function(context, path_to(&entry, path));
        }
    }
}

bool each_page_of(const char *section, size_t section_bytes, void (*function)(void *context, const char *name), void *context) {
    char name[MANUAL_NAME_MAX + 1];
    enum manual_section wanted;
    struct manual_walk walk;
    struct manual_entry entry;
    const struct command *command;
    const bool whole = str_copy_bytes(name, sizeof(name), section, section_bytes);
    if (whole && str_equal(name, COMMANDS)) {
        for (size_t i = 0; (command = command_at(i)) != nullptr; i++) {
            function(context, command->name);
        }
        return true;
    }
    if (!whole || !section_called(name, &wanted)) {
        return false;
    }
    open_file();
    manual_walk_begin(&walk, file.words, file.len_bytes);
    while (manual_walk_next(&walk, &entry)) {
        if (entry.section == wanted && (entry.is_page || strchr(entry.name.bytes, '.') == nullptr)) {
            function(context, entry.name.bytes);
        }
    }
    return true;
}
