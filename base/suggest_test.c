#include "base/suggest.h"

#include "base/test.h"

TEST(suggestions) {
    CHECK_EQ(edit_distance("", ""), 0);
    CHECK_EQ(edit_distance("abc", "abc"), 0);
    CHECK_EQ(edit_distance("abc", "aBC"), 0);
    CHECK_EQ(edit_distance("abc", "acb"), 1);
    CHECK_EQ(edit_distance("abc", ""), 3);
    CHECK_EQ(edit_distance("kitten", "sitting"), 3);
    static const char *const commands[] = {"help", "services", "service", "logs", "mem", "poweroff"};
    static const struct {
        const char *typed, *nearest;
    } cases[] = {{"hlep", "help"}, {"servces", "services"}, {"log", "logs"}, {"lgos", "logs"}, {"memm", "mem"},
                 {"power", "poweroff"}, {"xyzzy", nullptr}, {"a", nullptr}, {"serv", "service"}};
    for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
        struct suggestion suggestion = suggestion_of(cases[i].typed);
        for (size_t c = 0; c < sizeof(commands) / sizeof(commands[0]); c++) {
            suggestion_add(&suggestion, commands[c]);
        }
        CHECK_STR_EQ(suggestion.nearest, cases[i].nearest);
    }
}
