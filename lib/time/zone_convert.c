// Host tool, for the test: conversions of zones.
//
//   zone_convert ZONES < QUESTIONS
//
// "at ZONE SECONDS" is answered "OFFSET DST ABBREVIATION", "civil ZONE SECONDS", whose local time is as though the zone were UTC,
// "MATCH FIRST SECOND", and "names" all names.
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/time/zones.h"

constexpr size_t FILE_MAX = 4 << 20;

static void answer(const struct zones *zones, const char *what, const char *name, int64_t seconds) {
    struct zone zone;
    int64_t first, second;
    if (!zones_find(zones, (struct capnp_text){name, strlen(name)}, &zone)) {
        printf("no zone\n");
    } else if (strcmp(what, "at") == 0) {
        const struct zone_offset offset = zone_at(&zone, seconds);
        printf("%d %d %s\n", offset.seconds, offset.is_dst, offset.abbreviation);
    } else {
        const enum zone_match match = zone_instants(&zone, civil_from_seconds(seconds), &first, &second);
        printf("%d %" PRId64 " %" PRId64 "\n", match, first, second);
    }
}

int main(int argc, char **argv) {
    static struct zones zones;
    char line[256], what[16], name[64];
    int64_t seconds;
    FILE *file = argc == 2 ? fopen(argv[1], "rb") : nullptr;
    void *bytes = malloc(FILE_MAX);
    if (file == nullptr || bytes == nullptr || !zones_open(bytes, fread(bytes, 1, FILE_MAX, file), &zones)) {
        fprintf(stderr, "zone_convert: no zones\n");
        return 1;
    }
    while (fgets(line, sizeof(line), stdin) != nullptr) {
        if (sscanf(line, "%15s %63s %" SCNd64, what, name, &seconds) == 3) {
            answer(&zones, what, name, seconds);
        } else {
            for (uint32_t i = 0; i < zones.count; i++) {
                printf("%s ", zones_name(&zones, i).bytes);
            }
            printf("\n");
        }
    }
    fclose(file);
    free(bytes);
    return 0;
}
