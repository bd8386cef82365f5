// The program of `process_lifecycle`: runs and is done.
#include "lib/tess/main.h"

int main(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return 0;
}
