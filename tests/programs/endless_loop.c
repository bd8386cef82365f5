// Never ends and never waits.
#include "tests/programs/common.h"
#include "raw.h"

int main(int, char **) {
    for (;;) {
        raw_relax();
    }
}
