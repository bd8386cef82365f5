// Executes an instruction that does not exist.
#include "tests/programs/common.h"
#include "tests/arch/x86_64/fault.h"

int main(int, char **) {
    arch_fault_illegal();
    return 0;
}
