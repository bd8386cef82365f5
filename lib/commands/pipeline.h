// Carries out a pipeline: commands, filters and programs beside each other.
#pragma once

#include "lib/shell/interpreter.h"

// Returns the exit status of the last of them. May block for as long as they do; Ctrl-C ends it.
int pipeline_run(struct interpreter *interpreter, const struct shell_pipeline *pipeline);
