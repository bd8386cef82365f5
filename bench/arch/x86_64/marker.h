// Tells the emulator's counting plugin (tools/plugin/count.c) where what is measured begins and ends. Each is an
// instruction that does nothing, on any machine.
#pragma once

// NUMBER is a constant from 0 to 255 that comes back in the plugin's output.
#define MARKER(KIND, NUMBER) __asm__ volatile("nopl 0x54450000 + (%c0 << 8) + %c1(%%rax)" : : "i"(KIND), "i"(NUMBER) : "memory")

#define MARKER_START(NUMBER) MARKER(1, NUMBER)
#define MARKER_STOP(NUMBER) MARKER(2, NUMBER)
#define MARKER_POINT(NUMBER) MARKER(3, NUMBER)
