// Prints without end.
#include "tests/programs/common.h"

int main(int argc, char **argv) {
    const uint64_t count = argument(argc, argv, 1, 0);
    for (uint64_t i = 0; count == 0 || i < count; i++) {
        SAY("console_flood: line %lu\n", i);
    }
    return 0;
}
