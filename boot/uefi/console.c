#include "boot/uefi/console.h"

#include "base/fmt.h"

constexpr uint64_t KEY_POLL_US = 50'000;
constexpr uint64_t KEY_WAIT_US = 30'000'000;
constexpr size_t LINE_CHARACTERS = 200;

static struct efi_system_table *system;

struct line {
    uint16_t characters[LINE_CHARACTERS + 3];
    size_t used;
};

void console_init(struct efi_system_table *system_table) {
    system = system_table;
}

static void append(void *context, const char *bytes, size_t len) {
    struct line *line = context;
    for (size_t i = 0; i < len && line->used < LINE_CHARACTERS; i++) {
        line->characters[line->used++] = (uint8_t)bytes[i];
    }
}

static void finish(struct line *line) {
    line->characters[line->used++] = '\r';
    line->characters[line->used++] = '\n';
    line->characters[line->used] = 0;
    system->console_out->output_string(system->console_out, line->characters);
}

void console_line(const char *format, ...) {
    struct line line = {};
    va_list args;
    va_start(args, format);
    fmt_vprint(append, &line, format, args);
    va_end(args);
    finish(&line);
}

void console_fail(const char *format, ...) {
    struct line line = {};
    va_list args;
    fmt_print(append, &line, "tessera boot: ");
    va_start(args, format);
    fmt_vprint(append, &line, format, args);
    va_end(args);
    finish(&line);
    console_line("tessera boot: press a key to switch off (in half a minute it happens by itself)");
    struct efi_key key;
    struct efi_text_input *keyboard = system->console_in;
    for (uint64_t waited = 0; waited < KEY_WAIT_US; waited += KEY_POLL_US) {
        if (keyboard != nullptr && keyboard->read_key_stroke(keyboard, &key) == EFI_SUCCESS) {
            break;
        }
        system->boot_services->stall(KEY_POLL_US);
    }
    system->runtime_services->reset_system(EFI_RESET_SHUTDOWN, EFI_LOAD_ERROR, 0, nullptr);
    for (;;) {
        __asm__ volatile("hlt");
    }
}

const char *efi_status_text(efi_status_t status) {
    switch (status) {
    case EFI_SUCCESS: return "success";
    case EFI_LOAD_ERROR: return "load error";
    case EFI_INVALID_PARAMETER: return "invalid parameter";
    case EFI_BUFFER_TOO_SMALL: return "buffer too small";
    case EFI_DEVICE_ERROR: return "device error";
    case EFI_OUT_OF_RESOURCES: return "out of memory";
    case EFI_VOLUME_CORRUPTED: return "the volume is damaged";
    case EFI_NOT_FOUND: return "not found";
    default: return "firmware error";
    }
}
