// Host tool: is this manifest good?
//
//   manifest_check FILE              says nothing and is 0, or says what is wrong and is 1
//   manifest_check --programs FILE   prints the program files that the boot package must hold
//   manifest_check --files FILE      prints the other files
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/manifest/manifest.h"

constexpr size_t FILE_MAX = 1 << 20;

static char *read_file(const char *path, size_t *len) {
    FILE *file = fopen(path, "rb");
    if (file == nullptr) {
        fprintf(stderr, "manifest_check: cannot read %s: %s\n", path, strerror(errno));
        return nullptr;
    }
    char *text = malloc(FILE_MAX);
    *len = text == nullptr ? 0 : fread(text, 1, FILE_MAX, file);
    bool whole = text != nullptr && feof(file) != 0;
    fclose(file);
    if (!whole) {
        fprintf(stderr, "manifest_check: cannot read %s whole (at most 1 MiB)\n", path);
        free(text);
        return nullptr;
    }
    return text;
}

int main(int argc, char **argv) {
    bool programs = argc == 3 && strcmp(argv[1], "--programs") == 0;
    bool files = argc == 3 && strcmp(argv[1], "--files") == 0;
    if (argc != 2 && !programs && !files) {
        fprintf(stderr, "usage: manifest_check [--programs|--files] FILE\n");
        return 2;
    }
    const char *path = argv[argc - 1];
    size_t len;
    char *text = read_file(path, &len);
    struct manifest *manifest = malloc(sizeof *manifest);
    if (text == nullptr || manifest == nullptr) {
        free(text);
        free(manifest);
        return 2;
    }
    struct manifest_error error;
    bool good = manifest_parse(text, len, manifest, &error);
    if (!good) {
        fprintf(stderr, "%s:%u: %s\n", path, error.line, error.text);
    }
    for (size_t i = 0; good && (programs || files); i++) {
        const char *name = programs ? manifest_program_file(manifest, i) : manifest_data_file(manifest, i);
        if (name == nullptr) {
            break;
        }
        puts(name);
    }
    free(manifest);
    free(text);
    return good ? 0 : 1;
}
