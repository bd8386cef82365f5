#include "boot/x86_64/seeds.h"

#include "base/str.h"

struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

static struct cpuid cpuid(uint32_t leaf) {
    struct cpuid r;
    __asm__ volatile("cpuid" : "=a"(r.eax), "=b"(r.ebx), "=c"(r.ecx), "=d"(r.edx) : "a"(leaf), "c"(0));
    return r;
}

// From the processor's own source where it has one, else from the jitter of its clock, which is worth less: *source is set to
// SEED_CLOCK then. Not 0.
static uint64_t random(uint32_t *source) {
    constexpr uint32_t ATTEMPTS = 10; // Intel's advice; more than one in a row fails only when it is broken
    const bool have = (cpuid(1).ecx & 1u << 30) != 0;
    for (uint32_t i = 0; have && i < ATTEMPTS; i++) {
        unsigned long long value;
        bool done;
        __asm__ volatile("rdrand %0" : "=r"(value), "=@ccc"(done));
        if (done && value != 0) {
            return value;
        }
    }
    // How long a serialising instruction takes varies: each round stirs the low bits of the clock in.
    uint64_t value = __builtin_ia32_rdtsc();
    *source = SEED_CLOCK;
    for (uint32_t i = 0; i < 64; i++) {
        (void)cpuid(0);
        value = (value ^ __builtin_ia32_rdtsc()) * 0x9e37'79b9'7f4a'7c15;
        value ^= value >> 29;
    }
    return value | 1;
}

void seeds_fill(struct boot_info *info) {
    const bool addresses = str_find_word(info->cmdline, "nokaslr") == nullptr;
    info->seed_source = SEED_PROCESSOR;
    info->image_seed = addresses ? random(&info->seed_source) : 0;
    info->area_seed = addresses ? random(&info->seed_source) : 0;
    info->guard_seed = random(&info->seed_source);
    info->init_seed[0] = random(&info->seed_source);
    info->init_seed[1] = random(&info->seed_source);
}
