// Never ends and never waits.
#include "tests/programs/common.h"
#include "tests/arch/x86_64/raw.h"

int main(int, char **) {
    for (;;) {
        raw_relax();
    }
}
