// Executes a privileged instruction: privileged [NUMBER], see arch_fault_privileged.
#include "tests/programs/common.h"
#include "fault.h"

int main(int argc, char **argv) {
    arch_fault_privileged((uint32_t)argument(argc, argv, 1, 0));
    return 0;
}
