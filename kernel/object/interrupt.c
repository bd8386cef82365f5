#include "kernel/object/interrupt.h"

#include "abi/gen/methods.h"
#include "base/container.h"
#include "kernel/object/handle.h"
#include "kernel/object/notification.h"
#include "kernel/object/thread.h"
#include "kernel/plat/plat.h"

SLAB_CACHE(interrupt_cache, struct interrupt);

enum mint_flags : uint32_t {
    FLAG_LEVEL = 1,
    FLAG_ACTIVE_LOW = 2,
    FLAG_AS_FIRMWARE_SAYS = 4,
    FLAG_MESSAGE = 8,
};

static struct spinlock taken_lock = SPINLOCK(LOCK_MACHINE);
static bool taken[LINE_COUNT + MESSAGE_COUNT] GUARDED_BY(taken_lock);
static uint32_t next_message GUARDED_BY(taken_lock);

static struct interrupt *interrupt_of(struct object *object) {
    return CONTAINER_OF(object, struct interrupt, object);
}

// Of the lines for messages the one that was tried longest ago: a device may still send to one that it had before.
static bool take_line(struct line_wiring *wiring, bool message) {
    bool free = false;
    spin_lock(&taken_lock);
    for (uint32_t tries = message ? MESSAGE_COUNT : 1; tries > 0 && !free; tries--) {
        if (message) {
            wiring->gsi = LINE_COUNT + next_message++ % MESSAGE_COUNT;
        }
        free = !taken[wiring->gsi];
        taken[wiring->gsi] = true;
    }
    spin_unlock(&taken_lock);
    return free;
}

static void give_line_back(uint32_t gsi) {
    spin_lock(&taken_lock);
    taken[gsi] = false;
    spin_unlock(&taken_lock);
}

// ---- The line fires ----

static void interrupt_fired(void *context) {
    struct interrupt *interrupt = context;
    struct notification *notification = nullptr;
    uint64_t bits = 0;
    spin_lock(&interrupt->lock);
    if (interrupt->state == INTERRUPT_ARMED) {
        interrupt->state = INTERRUPT_FIRED;
        notification = interrupt->notification;
        bits = interrupt->bits;
        object_get(&notification->object);
    } else if (interrupt->state == INTERRUPT_FIRED) {
        interrupt->again = true; // a message: nothing masks those
    }
    spin_unlock(&interrupt->lock);
    if (notification != nullptr) {
        notification_signal(notification, bits);
        object_put(&notification->object);
    }
}

// ---- Creation and destruction ----

status_t method_resource_mint_interrupt(struct invocation *, uint64_t line, uint64_t flags, struct account *account,
                                        struct interrupt **out) {
    const bool message = flags == FLAG_MESSAGE;
    if ((flags > FLAG_AS_FIRMWARE_SAYS && !message) || line > (message ? UINT16_MAX : UINT32_MAX)) {
        return STATUS_BAD_ARGUMENT;
    }
    struct line_wiring wiring = {.gsi = LINE_COUNT};
    if (!message) {
        wiring = plat_line_wiring((uint32_t)line);
    }
    if (flags != FLAG_AS_FIRMWARE_SAYS) {
        wiring.level = (flags & FLAG_LEVEL) != 0;
        wiring.active_low = (flags & FLAG_ACTIVE_LOW) != 0;
    }
    if (!line_exists(wiring.gsi)) {
        return STATUS_UNSUPPORTED;
    }
    struct object *object;
    if (!take_line(&wiring, message)) {
        return STATUS_IN_USE;
    }
    status_t status = object_create(OBJECT_INTERRUPT, account, &object);
    if (!status_ok(status)) {
        give_line_back(wiring.gsi);
        return status;
    }
    struct interrupt *interrupt = interrupt_of(object);
    spin_init(&interrupt->lock, LOCK_INTERRUPT);
    interrupt->gsi = wiring.gsi;
    line_attach(wiring.gsi, wiring.level, wiring.active_low, interrupt_fired, interrupt);
    *out = interrupt;
    return STATUS_OK;
}

// Changes the binding and gives back the reference to the old one. Takes over that to `notification`.
static void rebind(struct interrupt *interrupt, struct notification *notification, uint64_t bits) {
    spin_lock(&interrupt->lock);
    struct notification *old = interrupt->notification;
    interrupt->notification = notification;
    interrupt->bits = bits;
    interrupt->state = notification != nullptr ? INTERRUPT_ARMED : INTERRUPT_UNBOUND;
    interrupt->again = false;
    spin_unlock(&interrupt->lock);
    if (old != nullptr) {
        object_put(&old->object);
    }
}

bool interrupt_destroy_step(struct object *object) {
    struct interrupt *interrupt = interrupt_of(object);
    line_detach(interrupt->gsi);
    rebind(interrupt, nullptr, 0);
    give_line_back(interrupt->gsi);
    return true;
}

// ---- Methods ----

status_t method_interrupt_bind(struct invocation *invocation) {
    struct interrupt *interrupt = interrupt_of(invocation->object);
    uint64_t handle = invocation->words[0], bits = invocation->words[1];
    if (handle == 0) {
        line_mask(interrupt->gsi);
        rebind(interrupt, nullptr, 0);
        return STATUS_OK;
    }
    struct object *object;
    TRY(handle_hold(invocation->caller->process, handle, OBJECT_NOTIFICATION, RIGHT_SIGNAL, &object));
    if (bits == 0) {
        object_put(object);
        return STATUS_BAD_ARGUMENT;
    }
    rebind(interrupt, CONTAINER_OF(object, struct notification, object), bits);
    line_unmask(interrupt->gsi);
    return STATUS_OK;
}

status_t method_interrupt_acknowledge(struct invocation *invocation) {
    struct interrupt *interrupt = interrupt_of(invocation->object);
    spin_lock(&interrupt->lock);
    const bool fired = interrupt->state == INTERRUPT_FIRED, again = interrupt->again;
    if (fired) {
        interrupt->state = INTERRUPT_ARMED;
        interrupt->again = false;
    }
    spin_unlock(&interrupt->lock);
    if (!fired) {
        return STATUS_BAD_STATE;
    }
    if (again) {
        interrupt_fired(interrupt);
    }
    line_unmask(interrupt->gsi);
    return STATUS_OK;
}

status_t method_interrupt_message(struct invocation *invocation) {
    const struct interrupt *interrupt = interrupt_of(invocation->object);
    uint64_t *words = invocation->words;
    return line_message(interrupt->gsi, &words[0], &words[1]) ? STATUS_OK : STATUS_BAD_STATE;
}
