#include "lib/supervise/reason.h"

#include "base/fmt.h"
#include "lib/tess/panic.h"

constexpr uint32_t ACCESS_WRITE = 2, ACCESS_EXECUTE = 4, ACCESS_MAPPED = 8;
constexpr uint64_t GUARD_REACH = 64 * 1024; // a large frame may step over the guard page itself

static const char *access_name(uint64_t access) {
    if ((access & ACCESS_EXECUTE) != 0) {
        return "execution";
    }
    return (access & ACCESS_WRITE) != 0 ? "write" : "read";
}

// "NAME+0xOFFSET" or the bare address.
static void place(uint64_t address, const struct reason_image *image, char *to, size_t size) {
    if (address >= image->base && address < image->end) {
        fmt_snprintf(to, size, "%s+%#lx", image->name, address - image->base);
    } else {
        fmt_snprintf(to, size, "%#lx", address);
    }
}

static bool overflowed(const struct exit_record *record, const struct reason_image *image) {
    uint64_t address = record->fault_address;
    return image->stack_low != 0 && address < image->stack_low && image->stack_low - address <= GUARD_REACH &&
           record->sp < image->stack_high && record->sp + GUARD_REACH >= image->stack_low;
}

static void page_fault_text(const struct exit_record *record, const struct reason_image *image, char *to,
                            size_t size) {
    char target[64];
    place(record->fault_address, image, target, sizeof target);
    const char *what = "page fault";
    if (overflowed(record, image)) {
        what = "stack overflow";
    } else if ((record->fault_access & ACCESS_MAPPED) != 0) {
        what = "protection fault";
    }
    fmt_snprintf(to, size, "%s: %s of %s", what, access_name(record->fault_access), target);
}

static void fault_text(const struct exit_record *record, const struct reason_image *image, char *to,
                       size_t size) {
    switch (record->fault_kind) {
    case FAULT_PAGE: page_fault_text(record, image, to, size); return;
    case FAULT_NO_MEMORY:
        fmt_snprintf(to, size, "out of memory: its account cannot pay for the page at %#lx",
                     record->fault_address);
        return;
    case FAULT_ILLEGAL: fmt_snprintf(to, size, "illegal instruction"); return;
    case FAULT_DIVIDE: fmt_snprintf(to, size, "division by zero or overflow of a division"); return;
    case FAULT_BREAKPOINT: fmt_snprintf(to, size, "breakpoint without a debugger"); return;
    case FAULT_ALIGNMENT: fmt_snprintf(to, size, "misaligned access"); return;
    case FAULT_FLOATING_POINT: fmt_snprintf(to, size, "floating-point exception"); return;
    case FAULT_PROTECTION:
        fmt_snprintf(to, size, "privileged instruction or bad address (general protection)");
        return;
    case FAULT_ABSENT: fmt_snprintf(to, size, "memory whose pager did not supply it"); return;
    case FAULT_OVERFLOW: fmt_snprintf(to, size, "arithmetic overflow trap"); return;
    default: fmt_snprintf(to, size, "exception %lu", record->vector); return;
    }
}

void reason_text(const struct exit_record *record, const struct reason_image *image, char *to, size_t size) {
    switch (record->kind) {
    case EXIT_NORMAL:
        fmt_snprintf(to, size, "exit code %ld%s", (int64_t)record->code,
                     record->code == TESS_EXIT_STACK ? ": a stack frame was overwritten" : "");
        return;
    case EXIT_KILLED: fmt_snprintf(to, size, "killed"); return;
    case EXIT_FAULT: break;
    default: fmt_snprintf(to, size, "it has not ended"); return;
    }
    char what[128], where[64];
    fault_text(record, image, what, sizeof what);
    place(record->ip, image, where, sizeof where);
    fmt_snprintf(to, size, "%s at %s (thread %lu)", what, where, record->thread_koid);
}

void reason_registers(const struct exit_record *record, const char *const names[16], char *to, size_t size) {
    size_t used = fmt_snprintf(to, size, "ip %#lx sp %#lx flags %#lx", record->ip, record->sp, record->flags);
    for (size_t i = 0; i < 16 && used < size; i++) {
        if (names[i] != nullptr) {
            used += fmt_snprintf(to + used, size - used, " %s %#lx", names[i], record->gpr[i]);
        }
    }
}
