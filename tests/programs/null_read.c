// Reads through a null pointer.
#include "tests/programs/common.h"

int main(int, char **) {
    return *(volatile int *)8;
}
