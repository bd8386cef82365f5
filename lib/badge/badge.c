#include "lib/badge/badge.h"

#include "base/mem.h"

bool name_put(char field[NAME_BYTES], const char *name, size_t len) {
    if (len == 0 || len >= NAME_BYTES) {
        return false;
    }
    for (size_t i = 0; i < len; i++) {
        if (name[i] <= ' ' || name[i] > '~') {
            return false;
        }
    }
    memset(field, 0, NAME_BYTES);
    memcpy(field, name, len);
    return true;
}
