// Divides by zero.
#include "tests/programs/common.h"
#include "fault.h"

int main(int argc, char **) {
    return (int)arch_fault_divide((uint64_t)argc / 100);
}
