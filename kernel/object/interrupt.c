#include "kernel/object/interrupt.h"

#include "abi/gen/methods.h"
#include "base/container.h"
#include "kernel/bootinfo.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/thread.h"

SLAB_CACHE(interrupt_cache, struct interrupt);

enum mint_flags : uint32_t {
    FLAG_LEVEL = 1,
    FLAG_ACTIVE_LOW = 2,
    FLAG_AS_FIRMWARE_SAYS = 4,
    FLAG_MESSAGE = 8,
};

struct spinlock interrupt_lock = SPINLOCK(LOCK_INTERRUPT);
static struct interrupt *lines[LINE_COUNT + MESSAGE_COUNT] GUARDED_BY(interrupt_lock); // null: nobody has it
static uint32_t next_message GUARDED_BY(interrupt_lock);
uint64_t interrupt_spurious_count;

static struct interrupt *interrupt_of(struct object *object) {
    return CONTAINER_OF(object, struct interrupt, object);
}

// ---- The line fires ----

// What it means: whom to signal, with a reference, which is the caller's to give back; null: nobody.
static struct notification *fire(struct interrupt *interrupt, uint64_t *bits) REQUIRES(interrupt_lock) {
    if (interrupt->state != INTERRUPT_ARMED) {
        interrupt->again = interrupt->state == INTERRUPT_FIRED; // a message: nothing masks those
        return nullptr;
    }
    interrupt->state = INTERRUPT_FIRED;
    *bits = interrupt->bits;
    object_get(&interrupt->notification->object);
    return interrupt->notification;
}

static void tell(struct notification *notification, uint64_t bits) {
    if (notification != nullptr) {
        notification_signal(notification, bits);
        object_put(&notification->object);
    }
}

void interrupt_fired(uint32_t gsi) {
    struct notification *notification = nullptr;
    uint64_t bits = 0;
    spin_lock(&interrupt_lock);
    struct interrupt *interrupt = lines[gsi];
    if (interrupt != nullptr) {
        line_set(&interrupt->line, false); // before line_done: a level line would fire again at once
        notification = fire(interrupt, &bits);
    } else {
        __atomic_fetch_add(&interrupt_spurious_count, 1, __ATOMIC_RELAXED);
    }
    line_done(gsi);
    spin_unlock(&interrupt_lock);
    tell(notification, bits);
}

// ---- Creation and destruction ----

// How a line is wired that programs know by this number: as the firmware says, else as an ISA line or a PCI one is.
static struct line_wiring wiring_of(uint32_t line) {
    for (uint32_t i = 0; i < boot_machine->line_count; i++) {
        const struct boot_line *said = &boot_machine->lines[i];
        if (said->line == line) {
            return (struct line_wiring){
                .gsi = said->controller_line, .level = said->level != 0, .active_low = said->active_low != 0};
        }
    }
    const bool pci = line >= boot_machine->isa_lines;
    return (struct line_wiring){.gsi = line, .level = pci, .active_low = pci};
}

// Of the lines for messages the one that was tried longest ago: a device may still send to one that it had before.
static bool take_line(struct interrupt *interrupt, bool message) {
    bool free = false;
    spin_lock(&interrupt_lock);
    for (uint32_t tries = message ? MESSAGE_COUNT : 1; tries > 0 && !free; tries--) {
        if (message) {
            interrupt->line.gsi = LINE_COUNT + next_message++ % MESSAGE_COUNT;
        }
        free = lines[interrupt->line.gsi] == nullptr;
    }
    if (free) {
        lines[interrupt->line.gsi] = interrupt;
        line_connect(&interrupt->line, true);
    }
    spin_unlock(&interrupt_lock);
    return free;
}

status_t method_resource_mint_interrupt(struct invocation *, uint64_t line, uint64_t flags, struct account *account,
                                        struct interrupt **out) {
    const bool message = flags == FLAG_MESSAGE;
    if ((flags > FLAG_AS_FIRMWARE_SAYS && !message) || line > (message ? UINT16_MAX : UINT32_MAX)) {
        return STATUS_BAD_ARGUMENT;
    }
    struct line_wiring wiring = message ? (struct line_wiring){.gsi = LINE_COUNT, .requester = (uint16_t)line} : wiring_of((uint32_t)line);
    if (flags != FLAG_AS_FIRMWARE_SAYS) {
        wiring.level = (flags & FLAG_LEVEL) != 0;
        wiring.active_low = (flags & FLAG_ACTIVE_LOW) != 0;
    }
    if (!line_exists(wiring.gsi)) {
        return STATUS_UNSUPPORTED;
    }
    struct object *object;
    TRY(object_create(OBJECT_INTERRUPT, account, &object));
    interrupt_of(object)->line = wiring;
    if (!take_line(interrupt_of(object), message)) {
        object_put(object);
        return STATUS_IN_USE;
    }
    *out = interrupt_of(object);
    return STATUS_OK;
}

// Changes the binding and gives back the reference to the old one. Takes over that to `notification`.
static void rebind(struct interrupt *interrupt, struct notification *notification, uint64_t bits) {
    spin_lock(&interrupt_lock);
    struct notification *old = interrupt->notification;
    interrupt->notification = notification;
    interrupt->bits = bits;
    interrupt->state = notification != nullptr ? INTERRUPT_ARMED : INTERRUPT_UNBOUND;
    interrupt->again = false;
    line_set(&interrupt->line, notification != nullptr);
    spin_unlock(&interrupt_lock);
    if (old != nullptr) {
        object_put(&old->object);
    }
}

bool interrupt_destroy_step(struct object *object) {
    struct interrupt *interrupt = interrupt_of(object);
    spin_lock(&interrupt_lock);
    const bool has_line = lines[interrupt->line.gsi] == interrupt; // else another has it
    spin_unlock(&interrupt_lock);
    if (has_line) {
        rebind(interrupt, nullptr, 0);
        spin_lock(&interrupt_lock);
        line_connect(&interrupt->line, false);
        lines[interrupt->line.gsi] = nullptr;
        spin_unlock(&interrupt_lock);
    }
    return true;
}

// ---- Methods ----

status_t method_interrupt_bind(struct invocation *, struct interrupt *interrupt, struct notification *notification,
                               uint64_t bits) {
    if (notification != nullptr) {
        if (bits == 0) {
            return STATUS_BAD_ARGUMENT;
        }
        object_get(&notification->object);
    }
    rebind(interrupt, notification, bits);
    return STATUS_OK;
}

status_t method_interrupt_acknowledge(struct invocation *, struct interrupt *interrupt) {
    struct notification *notification = nullptr;
    uint64_t bits = 0;
    spin_lock(&interrupt_lock);
    const bool fired = interrupt->state == INTERRUPT_FIRED;
    if (fired) {
        interrupt->state = INTERRUPT_ARMED;
        if (interrupt->again) {
            notification = fire(interrupt, &bits);
        }
        interrupt->again = false;
        line_set(&interrupt->line, true);
    }
    spin_unlock(&interrupt_lock);
    tell(notification, bits);
    return fired ? STATUS_OK : STATUS_BAD_STATE;
}

status_t method_interrupt_message(struct invocation *, struct interrupt *interrupt, struct interrupt_message_out *out) {
    return line_message(interrupt->line.gsi, &out->address, &out->data) ? STATUS_OK : STATUS_BAD_STATE;
}
