// Executes an instruction that does not exist.
#include "tests/programs/common.h"
#include "fault.h"

int main(int, char **) {
    arch_fault_illegal();
    return 0;
}
