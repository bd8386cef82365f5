// Host tool: what can be known of a system from its compiled manifest, before it is booted. The rules and the words are those of the
// shell's commands (docs/concepts/authority.md). Proofs take for granted that no program runs but the one that is asked about.
//
//   manifest_ask FILE who-can SERVICE.METHOD            who holds what that takes, or may resolve it
//   manifest_ask FILE prove NAME --cannot-reach TARGET  and on whose contracts that relies; the status is 1 when it cannot be proved
//   manifest_ask FILE prove -a --cannot-reach TARGET    of every service
//   manifest_ask FILE graph                             all of it, as `authority --json`
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "idl/interfaces.h"
#include "lib/authority/contracts.h"
#include "lib/authority/export.h"
#include "lib/authority/planned.h"
#include "lib/authority/reach.h"
#include "lib/authority/who.h"
#include "lib/manifest/manifest.h"

constexpr size_t FILE_MAX = 1 << 20;

static void sink(void *, const char *bytes, size_t len) {
    (void)fwrite(bytes, 1, len, stdout); // looked at once, at the end
}

static int wrong(const char *what, const char *which) {
    fprintf(stderr, "manifest_ask: %s `%s`\n", what, which);
    return 2;
}

static int no_memory(void) {
    fprintf(stderr, "manifest_ask: out of memory\n");
    return 2;
}

// ---- who-can ----

// Whether what the name is resolved to, with control or not, has one of the methods.
static bool resolves(const struct authority *graph, const struct authority_call *call, const struct manifest *manifest,
                     struct manifest_resolve resolve) {
    const char *name = manifest_resolve_get_name(resolve).bytes;
    const struct manifest_unit *provider = manifest_provider(manifest, name);
    const uint64_t id = idl_interface_by_name(name);
    bool has = false;
    for (uint32_t i = 0; i < call->method_count; i++) {
        const struct authority_interface *of = authority_interface_by_id(graph, call->methods[i]->interface_id);
        has = has || of->id == id || (manifest_resolve_get_control(resolve) && of->extends_id == id);
    }
    return has && provider != nullptr && (call->process == AUTHORITY_NONE || strcmp(graph->processes.at[call->process].name, provider->name) == 0);
}

static uint32_t print_resolvers(const struct authority *graph, const struct authority_call *call, const struct manifest *manifest) {
    uint32_t count = 0;
    for (size_t unit = 0; unit < manifest->unit_count; unit++) {
        const struct manifest_resolve_list list = manifest->units[unit].resolves;
        for (uint32_t i = 0; i < manifest_resolve_list_count(list); i++) {
            const struct manifest_resolve resolve = manifest_resolve_list_get(list, i);
            if (resolves(graph, call, manifest, resolve)) {
                printf("%s - may resolve it: %s:%u, %s\n", manifest->units[unit].name,
                       manifest_source(manifest, manifest_resolve_get_source(resolve)), manifest_resolve_get_line(resolve),
                       manifest_resolve_get_name(resolve).bytes);
                count++;
            }
        }
    }
    return count;
}

static void print_holder(const struct authority *graph, uint32_t index) {
    const struct authority_handle *handle = &graph->handles.at[index];
    const struct authority_grant *grant = handle->grant == AUTHORITY_NONE ? nullptr : &graph->grants.at[handle->grant];
    char name[AUTHORITY_NAME_BYTES];
    printf("%s %s", graph->processes.at[handle->process].name, authority_handle_name(graph, index, name));
    if (grant != nullptr) {
        printf(" granted: %s:%u, %s\n", grant->manifest_file, grant->manifest_line, grant->source);
    } else {
        puts(" its own");
    }
}

static int who_can(const struct authority *graph, const struct manifest *manifest, const char *word) {
    struct authority_call call;
    switch (authority_call_named(graph, word, &call)) {
    case AUTHORITY_CALL_FOUND: break;
    case AUTHORITY_CALL_MALFORMED: return wrong("this is no SERVICE.METHOD:", word);
    case AUTHORITY_CALL_NO_SUBJECT: return wrong("this is a method of no interface, service or type of object:", word);
    case AUTHORITY_CALL_NO_METHOD: return wrong("there is no method", word);
    }
    uint32_t count = print_resolvers(graph, &call, manifest);
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        if (authority_can_call(graph, &call, i)) {
            print_holder(graph, i);
            count++;
        }
    }
    if (count == 0) {
        puts("Nobody can");
    }
    return 0;
}

// ---- prove ----

static int prove_all(const struct authority *graph, const char *word, const struct authority_target *target) {
    struct authority_reach reach;
    uint32_t proved = 0, asked = 0;
    if (!authority_reach(graph, nullptr, &reach)) {
        return no_memory();
    }
    for (uint32_t process = 0; process < graph->processes.count; process++) {
        if (!authority_is_supervisor(graph, process)) {
            const bool may = authority_reaches(graph, &reach, process, target) != AUTHORITY_NONE;
            printf(may ? "%s may come to hold %s\n" : "%s cannot reach %s\n", graph->processes.at[process].name, word);
            asked++;
            proved += !may;
        }
    }
    authority_reach_free(&reach);
    printf("Proved of %u of %u processes\n", proved, asked);
    return proved == asked ? 0 : 1;
}

static int prove_one(const struct authority *graph, uint32_t process, const char *word, const struct authority_target *target) {
    const char *name = graph->processes.at[process].name;
    bool *rogues = calloc(graph->processes.count, sizeof *rogues);
    struct authority_reach reach;
    bool is_proved;
    if (rogues == nullptr || !authority_prove(graph, process, target, rogues, &is_proved, &reach)) {
        free(rogues);
        return no_memory();
    }
    printf(is_proved ? "Proved: %s cannot reach %s\n" : "Cannot prove that %s cannot reach %s\n", name, word);
    uint32_t trusted = 0;
    for (uint32_t i = 0; is_proved && i < graph->processes.count; i++) {
        if (!rogues[i] && !authority_is_supervisor(graph, i)) {
            printf("%s%s", trusted++ == 0 ? "As long as they keep to their contracts: " : ", ", graph->processes.at[i].name);
        }
    }
    if (is_proved) {
        puts(trusted == 0 ? "Whatever any service or program does" : "");
    }
    authority_reach_free(&reach);
    free(rogues);
    return is_proved ? 0 : 1;
}

static int prove(const struct authority *graph, const char *name, const char *word) {
    struct authority_target target;
    const bool all = strcmp(name, "-a") == 0;
    const uint32_t process = all ? AUTHORITY_NONE : authority_process_by_name(graph, name);
    if (!all && process == AUTHORITY_NONE) {
        return wrong("the manifest has no service or program", name);
    }
    if (!authority_target_called(graph, word, &target)) {
        return wrong("this is no interface, service or type of object:", word);
    }
    if (authority_target_is_anybodys(&target)) {
        return wrong("every process can make for itself a", word);
    }
    return all ? prove_all(graph, word, &target) : prove_one(graph, process, word, &target);
}

// ---- the file ----

static int answer(const struct authority *graph, const struct manifest *manifest, int count, char **words) {
    if (count == 1 && strcmp(words[0], "graph") == 0) {
        authority_write_json(graph, sink, nullptr);
        return 0;
    }
    if (count == 2 && strcmp(words[0], "who-can") == 0) {
        return who_can(graph, manifest, words[1]);
    }
    if (count == 4 && strcmp(words[0], "prove") == 0 && strcmp(words[2], "--cannot-reach") == 0) {
        return prove(graph, words[1], words[3]);
    }
    fprintf(stderr, "usage: manifest_ask FILE who-can SERVICE.METHOD | prove NAME|-a --cannot-reach TARGET | graph\n");
    return 2;
}

// What runs, for this question.
static bool plan(const struct manifest *manifest, int count, char **words, struct authority *graph) {
    const bool is_proof = count > 1 && strcmp(words[0], "prove") == 0;
    const enum authority_programs programs = !is_proof ? AUTHORITY_EVERY_PROGRAM
                                             : strcmp(words[1], "-a") == 0 ? AUTHORITY_NO_PROGRAM : AUTHORITY_THIS_PROGRAM;
    return authority_plan(manifest, programs, is_proof ? words[1] : "", graph) && authority_add_contracts(graph);
}

static bool read_file(const char *path, void *bytes, size_t *len) {
    FILE *file = fopen(path, "rb");
    *len = file == nullptr ? 0 : fread(bytes, 1, FILE_MAX, file);
    const bool whole = file != nullptr && feof(file) != 0;
    if (file != nullptr) {
        fclose(file);
    }
    return whole;
}

int main(int argc, char **argv) {
    struct authority graph = {};
    struct manifest_error error;
    struct manifest *manifest = malloc(sizeof *manifest);
    void *bytes = malloc(FILE_MAX);
    size_t len;
    int status = 2;
    if (argc < 2 || manifest == nullptr || bytes == nullptr || !read_file(argv[1], bytes, &len)) {
        fprintf(stderr, "manifest_ask: cannot read %s (at most 1 MiB)\n", argc < 2 ? "a manifest: none is named" : argv[1]);
    } else if (!manifest_open(bytes, len, manifest, &error)) {
        fprintf(stderr, "manifest_ask: %s: %s\n", error.where, error.text);
    } else if (!plan(manifest, argc - 2, argv + 2, &graph)) {
        status = no_memory();
    } else {
        authority_link(&graph);
        status = answer(&graph, manifest, argc - 2, argv + 2);
    }
    authority_free(&graph);
    free(manifest);
    free(bytes);
    return fflush(stdout) == 0 && ferror(stdout) == 0 ? status : 2;
}
