// Host tool: is this compiled schema good? tools/manifest says where in its source a mistake is.
//
//   settings_check FILE   says nothing and is 0, or says "WHERE: what is wrong" and is 1
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/config/settings.h"

constexpr size_t FILE_MAX = 1 << 20;

int main(int argc, char **argv) {
    static struct settings settings;
    struct settings_error error;
    if (argc != 2) {
        fprintf(stderr, "usage: settings_check FILE\n");
        return 2;
    }
    FILE *file = fopen(argv[1], "rb");
    void *bytes = malloc(FILE_MAX);
    if (file == nullptr || bytes == nullptr) {
        fprintf(stderr, "settings_check: cannot read %s: %s\n", argv[1], strerror(errno));
        return 2;
    }
    const size_t len = fread(bytes, 1, FILE_MAX, file);
    fclose(file);
    const bool good = settings_open(bytes, len, &settings, &error);
    if (!good) {
        fprintf(stderr, "%s: %s\n", error.where, error.text);
    }
    free(bytes);
    return good ? 0 : 1;
}
