#include "lib/denial/denial.h"

bool denial_file(struct logger *logger, const struct denial *denial) {
    struct denial_record record;
    denial_record(denial, 1, &record);
    return logger_file(logger, &record.record);
}
