// The commands, in one table for each area of what they are for. (table_AREA.c)
#pragma once

#include <stddef.h>

struct command;

struct command_area {
    const char *title;
    size_t count;
    const struct command *commands;
};

extern const struct command_area area_authority, area_language, area_people, area_programs, area_system, area_text;
