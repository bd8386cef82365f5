// Host tool: is this compiled manifest good? tools/manifest says where in its source a mistake is.
//
//   manifest_check FILE              says nothing and is 0, or says "WHERE: what is wrong" and is 1
//   manifest_check --programs FILE   prints the programs that the boot package must hold, and for each that is not only
//                                    included where it is asked for first: "NAME SOURCE:LINE"
//   manifest_check --files FILE      prints the other files in the same way
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/manifest/manifest.h"

constexpr size_t FILE_MAX = 1 << 20;

static void *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (file == nullptr) {
        fprintf(stderr, "manifest_check: cannot read %s: %s\n", path, strerror(errno));
        return nullptr;
    }
    void *bytes = malloc(FILE_MAX);
    *len = bytes == nullptr ? 0 : fread(bytes, 1, FILE_MAX, file);
    bool whole = bytes != nullptr && feof(file) != 0;
    fclose(file);
    if (!whole) {
        fprintf(stderr, "manifest_check: cannot read %s whole (at most 1 MiB)\n", path);
        free(bytes);
        return nullptr;
    }
    return bytes;
}

static void print_program(const struct manifest *manifest, const char *name) {
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_unit *unit = &manifest->units[i];
        if (strcmp(unit->program, name) == 0) {
            printf("%s %s:%u\n", name, unit->source, unit->line);
            return;
        }
    }
    puts(name);
}

static void print_file(const struct manifest *manifest, const char *name) {
    for (size_t i = 0; i < manifest->unit_count; i++) {
        const struct manifest_grant_list grants = manifest->units[i].grants;
        for (uint32_t j = 0; j < manifest_grant_list_count(grants); j++) {
            const struct manifest_grant grant = manifest_grant_list_get(grants, j);
            if (manifest_grant_which(grant) == MANIFEST_GRANT_FILE &&
                strcmp(manifest_grant_get_file(grant).bytes, name) == 0) {
                printf("%s %s:%u\n", name, manifest_source(manifest, manifest_grant_get_source(grant)),
                       manifest_grant_get_line(grant));
                return;
            }
        }
    }
}

int main(int argc, char **argv) {
    bool programs = argc == 3 && strcmp(argv[1], "--programs") == 0;
    bool files = argc == 3 && strcmp(argv[1], "--files") == 0;
    if (argc != 2 && !programs && !files) {
        fprintf(stderr, "usage: manifest_check [--programs|--files] FILE\n");
        return 2;
    }
    size_t len;
    void *bytes = read_file(argv[argc - 1], &len);
    struct manifest *manifest = malloc(sizeof *manifest);
    if (bytes == nullptr || manifest == nullptr) {
        free(bytes);
        free(manifest);
        return 2;
    }
    struct manifest_error error;
    bool good = manifest_open(bytes, len, manifest, &error);
    if (!good) {
        fprintf(stderr, "%s: %s\n", error.where, error.text);
    }
    const char *name;
    for (size_t i = 0; good && programs && (name = manifest_packed_program(manifest, i)) != nullptr; i++) {
        print_program(manifest, name);
    }
    for (size_t i = 0; good && files && (name = manifest_packed_file(manifest, i)) != nullptr; i++) {
        print_file(manifest, name);
    }
    free(manifest);
    free(bytes);
    return good ? 0 : 1;
}
