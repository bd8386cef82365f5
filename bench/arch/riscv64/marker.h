// As x86_64/marker.h; the counting plugin knows these on x86-64 only, so here they are nothing.
#pragma once

#define MARKER_START(NUMBER) ((void)(NUMBER))
#define MARKER_STOP(NUMBER) ((void)(NUMBER))
#define MARKER_POINT(NUMBER) ((void)(NUMBER))
