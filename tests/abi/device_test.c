// Ports, interrupt lines and the resource they are minted from; the inspector.
#include "machine.h"
#include "tests/abi/child.h"
#include "tests/abi/peer.h"
#include "tests/abi/suite.h"

CASE(ports_are_minted_once_and_given_back) {
    handle_t ports, again, notification;
    uint64_t value = 0;
    if (!MACHINE_HAS_PORTS) {
        REFUSED(RESOURCE_MINT_IOPORT, UNSUPPORTED,
                tess_resource_mint_ioport(suite.resource, SPARE_PORT, 8, suite.account, &ports));
        return;
    }
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_resource_mint_ioport(suite.resource, SPARE_PORT, 8, suite.account, &ports));
    REFUSED(RESOURCE_MINT_IOPORT, IN_USE,
            tess_resource_mint_ioport(suite.resource, SPARE_PORT + 7, 1, suite.account, &again));
    REFUSED(RESOURCE_MINT_IOPORT, IN_USE,
            tess_resource_mint_ioport(suite.resource, SPARE_PORT - 1, 2, suite.account, &again));
    // The kernel's own: interrupt controllers, and the DMA controllers that could write anywhere.
    static const uint16_t kernels[] = {0x00, 0x20, 0x21, 0xa0, 0xa1, 0x80, 0xc0};
    for (size_t i = 0; i < sizeof kernels / sizeof kernels[0]; i++) {
        REFUSED(RESOURCE_MINT_IOPORT, IN_USE,
                tess_resource_mint_ioport(suite.resource, kernels[i], 1, suite.account, &again));
    }
    static const struct {
        uint64_t base, count;
    } bad[] = {{SPARE_PORT, 0}, {0x1'0000, 1},   {0xffff, 2},
               {0, UINT64_MAX}, {UINT64_MAX, 2}, {1ull << 32, 8}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(RESOURCE_MINT_IOPORT, BAD_ARGUMENT,
                tess_resource_mint_ioport(suite.resource, bad[i].base, bad[i].count, suite.account, &again));
    }
    REFUSED(RESOURCE_MINT_IOPORT, BAD_HANDLE,
            tess_resource_mint_ioport(suite.resource, 0x500, 1, (handle_t){0}, &again));
    REFUSED(RESOURCE_MINT_IOPORT, WRONG_TYPE,
            tess_resource_mint_ioport(suite.resource, 0x500, 1, notification, &again));
    // Reading and writing stays inside the range.
    EXPECT_OK(tess_ioport_read(ports, 0, 1, &value));
    EXPECT_OK(tess_ioport_read(ports, 4, 4, &value));
    EXPECT_OK(tess_ioport_write(ports, 7, 1, 0));
    EXPECT_OK(tess_ioport_write_bytes(ports, 0, 0, 0, 0, 0, 0, 0, 0));
    EXPECT_OK(tess_ioport_write_bytes(ports, 0, 48, 0, 0, 0, 0, 0, 0));
    static const struct {
        uint64_t offset, width;
    } outside[] = {{8, 1}, {7, 2},          {5, 4},          {0, 0},         {0, 3},
                   {0, 8}, {UINT64_MAX, 1}, {1ull << 16, 1}, {0, UINT64_MAX}};
    for (size_t i = 0; i < sizeof outside / sizeof outside[0]; i++) {
        REFUSED(IOPORT_READ, BAD_ARGUMENT,
                tess_ioport_read(ports, outside[i].offset, outside[i].width, &value));
        REFUSED(IOPORT_WRITE, BAD_ARGUMENT, tess_ioport_write(ports, outside[i].offset, outside[i].width, 0));
    }
    REFUSED(IOPORT_WRITE_BYTES, BAD_ARGUMENT, tess_ioport_write_bytes(ports, 8, 1, 0, 0, 0, 0, 0, 0));
    REFUSED(IOPORT_WRITE_BYTES, BAD_ARGUMENT, tess_ioport_write_bytes(ports, 0, 49, 0, 0, 0, 0, 0, 0));
    REFUSED(IOPORT_WRITE_BYTES, BAD_ARGUMENT,
            tess_ioport_write_bytes(ports, 0, UINT64_MAX, 0, 0, 0, 0, 0, 0));
    suite_close(ports);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE_OK(tess_resource_mint_ioport(suite.resource, SPARE_PORT, 8, suite.account, &again));
    suite_close(again);
    suite_close(notification);
}

CASE(interrupt_lines_are_minted_once_and_given_back) {
    handle_t line, again, notification;
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    handle_t no_signal = suite_copy(notification, RIGHTS_ALL_BITS & ~RIGHT_SIGNAL_BIT);
    handle_t no_create = suite_copy(suite.account, RIGHTS_ALL_BITS & ~RIGHT_CREATE_BIT);
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, SPARE_LINE, 4, suite.account, &line));
    REFUSED(RESOURCE_MINT_INTERRUPT, IN_USE,
            tess_resource_mint_interrupt(suite.resource, SPARE_LINE, 4, suite.account, &again));
    REFUSED(RESOURCE_MINT_INTERRUPT, BAD_ARGUMENT,
            tess_resource_mint_interrupt(suite.resource, 7, 5, suite.account, &again));
    REFUSED(RESOURCE_MINT_INTERRUPT, BAD_ARGUMENT,
            tess_resource_mint_interrupt(suite.resource, 1ull << 40, 4, suite.account, &again));
    REFUSED(RESOURCE_MINT_INTERRUPT, UNSUPPORTED,
            tess_resource_mint_interrupt(suite.resource, 4000, 4, suite.account, &again));
    REFUSED(RESOURCE_MINT_INTERRUPT, BAD_HANDLE,
            tess_resource_mint_interrupt(suite.resource, 7, 4, (handle_t){0}, &again));
    REFUSED(RESOURCE_MINT_INTERRUPT, WRONG_TYPE,
            tess_resource_mint_interrupt(suite.resource, 7, 4, notification, &again));
    REFUSED(RESOURCE_MINT_INTERRUPT, NO_RIGHT,
            tess_resource_mint_interrupt(suite.resource, 7, 4, no_create, &again));
    REFUSED(INTERRUPT_ACKNOWLEDGE, BAD_STATE, tess_interrupt_acknowledge(line));
    REFUSED(INTERRUPT_BIND, BAD_HANDLE, tess_interrupt_bind(line, (handle_t){0x1234'5678}, 1));
    REFUSED(INTERRUPT_BIND, WRONG_TYPE, tess_interrupt_bind(line, suite.account, 1));
    REFUSED(INTERRUPT_BIND, NO_RIGHT, tess_interrupt_bind(line, no_signal, 1));
    REFUSED(INTERRUPT_BIND, BAD_ARGUMENT, tess_interrupt_bind(line, notification, 0));
    EXPECT_OK(tess_interrupt_bind(line, notification, 1));
    EXPECT_STATUS(BAD_STATE, tess_interrupt_acknowledge(line)); // it has not fired
    EXPECT_OK(tess_interrupt_bind(line, (handle_t){0}, 0));
    EXPECT_OK(tess_interrupt_bind(line, notification, 2));
    suite_close(line); // bound: the line is masked, the notification let go
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, SPARE_LINE, 4, suite.account, &again));
    suite_close(again);
    suite_close(no_create);
    suite_close(no_signal);
    suite_close(notification);
}

CASE(messages_are_minted_as_long_as_there_are_any) {
    constexpr uint32_t MESSAGES = 31, FLAG_MESSAGE = 8;
    handle_t line, message[MESSAGES], again, notification;
    uint64_t address[2] = {}, data[2] = {};
    REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, SPARE_LINE, 4, suite.account, &line));
    REFUSED(INTERRUPT_MESSAGE, BAD_STATE, tess_interrupt_message(line, &address[0], &data[0]));
    suite_close(line);
    REFUSED(RESOURCE_MINT_INTERRUPT, BAD_ARGUMENT,
            tess_resource_mint_interrupt(suite.resource, 0x1'0000, FLAG_MESSAGE, suite.account, &again));
    REFUSED(RESOURCE_MINT_INTERRUPT, BAD_ARGUMENT,
            tess_resource_mint_interrupt(suite.resource, 0, FLAG_MESSAGE | 1, suite.account, &again));
    if (!MACHINE_HAS_MESSAGES) {
        REFUSED(RESOURCE_MINT_INTERRUPT, UNSUPPORTED,
                tess_resource_mint_interrupt(suite.resource, 0, FLAG_MESSAGE, suite.account, &again));
        return;
    }
    for (uint32_t i = 0; i < MESSAGES; i++) {
        REQUIRE_OK(tess_resource_mint_interrupt(suite.resource, 0, FLAG_MESSAGE, suite.account, &message[i]));
    }
    REFUSED(RESOURCE_MINT_INTERRUPT, IN_USE,
            tess_resource_mint_interrupt(suite.resource, 0, FLAG_MESSAGE, suite.account, &again));
    EXPECT_OK(tess_interrupt_message(message[0], &address[0], &data[0]));
    EXPECT_OK(tess_interrupt_message(message[1], &address[1], &data[1]));
    EXPECT(address[0] != address[1] || data[0] != data[1]);
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    EXPECT_OK(tess_interrupt_bind(message[0], notification, 1));
    EXPECT_STATUS(BAD_STATE, tess_interrupt_acknowledge(message[0]));
    suite_close(notification);
    for (uint32_t i = 0; i < MESSAGES; i++) {
        suite_close(message[i]);
    }
}

CASE(device_memory_is_minted_once_and_given_back) {
    handle_t device, again, notification;
    uint64_t address = 0, done = 0;
    uint32_t buffer[2] = {};
    handle_t no_create = suite_copy(suite.account, RIGHTS_ALL_BITS & ~RIGHT_CREATE_BIT);
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    REQUIRE_OK(tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, suite.account, &device));
    REFUSED(VMO_CLONE, BAD_STATE, tess_vmo_clone(device, 0, PAGE_BYTES, suite.account, &again));
    REFUSED(RESOURCE_MINT_VMO, IN_USE,
            tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, suite.account, &again));
    REFUSED(RESOURCE_MINT_VMO, IN_USE,
            tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE - PAGE_BYTES, 2 * PAGE_BYTES, suite.account,
                                   &again));
    REFUSED(RESOURCE_MINT_VMO, IN_USE,
            tess_resource_mint_vmo(suite.resource, MACHINE_KERNEL_DEVICE, PAGE_BYTES, suite.account, &again));
    REFUSED(RESOURCE_MINT_VMO, NOT_ALLOWED,
            tess_resource_mint_vmo(suite.resource, MACHINE_MEMORY, PAGE_BYTES, suite.account, &again));
    static const struct {
        uint64_t base, len;
    } bad[] = {{MACHINE_SPARE_DEVICE + 8, PAGE_BYTES}, {MACHINE_SPARE_DEVICE, 8},           {MACHINE_SPARE_DEVICE, 0},
               {1ull << 60, PAGE_BYTES},               {-PAGE_BYTES, 2 * PAGE_BYTES},       {PAGE_BYTES, -PAGE_BYTES}};
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        REFUSED(RESOURCE_MINT_VMO, BAD_ARGUMENT,
                tess_resource_mint_vmo(suite.resource, bad[i].base, bad[i].len, suite.account, &again));
    }
    REFUSED(RESOURCE_MINT_VMO, BAD_HANDLE,
            tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, (handle_t){0}, &again));
    REFUSED(RESOURCE_MINT_VMO, WRONG_TYPE,
            tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, notification, &again));
    REFUSED(RESOURCE_MINT_VMO, NO_RIGHT,
            tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, no_create, &again));
    // It is reached by mapping alone, and never executed.
    REFUSED(VMO_READ, UNSUPPORTED, tess_vmo_read(device, 0, (uint64_t)buffer, sizeof buffer, &done));
    REFUSED(VMO_WRITE, UNSUPPORTED, tess_vmo_write(device, 0, (uint64_t)buffer, sizeof buffer, &done));
    EXPECT_STATUS(NO_RIGHT, tess_vspace_map(suite.vspace, device, 0, PAGE_BYTES, 0, PROT_READ | PROT_EXECUTE, &address));
    REQUIRE_OK(tess_vspace_map(suite.vspace, device, 0, PAGE_BYTES, 0, PROT_READ | PROT_WRITE, &address));
    EXPECT(*(volatile uint32_t *)address != 0);
    EXPECT_OK(tess_vspace_unmap(suite.vspace, address, PAGE_BYTES));
    suite_close(device);
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    REQUIRE_OK(tess_resource_mint_vmo(suite.resource, MACHINE_SPARE_DEVICE, PAGE_BYTES, suite.account, &again));
    suite_close(again);
    suite_close(no_create);
    suite_close(notification);
}

// Ports that reset the machine do what resource.power does: 0xcf8 to 0xcff has the chipset's among those for PCI
// configuration.
CASE(ports_that_reset_need_the_right_to) {
    handle_t ports;
    if (MACHINE_HAS_PORTS) {
        const handle_t powerless = suite_copy(suite.resource, RIGHTS_ALL_BITS & ~RIGHT_POWER_BIT);
        REFUSED(RESOURCE_MINT_IOPORT, NO_RIGHT, tess_resource_mint_ioport(powerless, 0x60, 5, suite.account, &ports));
        REFUSED(RESOURCE_MINT_IOPORT, NO_RIGHT, tess_resource_mint_ioport(powerless, 0xcf8, 8, suite.account, &ports));
        EXPECT_OK(tess_resource_mint_ioport(powerless, 0x60, 1, suite.account, &ports));
        suite_close(ports);
        suite_close(powerless);
    }
}

CASE(power_takes_two_actions_only) {
    REFUSED(RESOURCE_POWER, BAD_ARGUMENT, tess_resource_power(suite.resource, 2));
    REFUSED(RESOURCE_POWER, BAD_ARGUMENT, tess_resource_power(suite.resource, UINT64_MAX));
}

CASE(inspector_shows_processes_and_handles) {
    struct child child;
    uint64_t koid = 0, own_koid = 0, count = 0, after = 0;
    bool saw_child = false, saw_suite = false;
    REQUIRE(child_create(&child, suite.account));
    REQUIRE(child_grant(&child, suite.account, RIGHT_INSPECT_BIT));
    EXPECT_OK(tess_process_info(child.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                nullptr));
    EXPECT_OK(tess_process_info(suite.process, &own_koid, nullptr, nullptr, nullptr, nullptr, nullptr,
                                nullptr, nullptr));
    do {
        REQUIRE_OK(tess_inspector_processes(suite.inspector, after, &count));
        const struct inspect_process *list = (const void *)suite_page();
        for (uint64_t i = 0; i < count; i++) {
            EXPECT(list[i].koid > after);
            after = list[i].koid;
            saw_child |=
                after == koid && __builtin_memcmp(list[i].name, "child", 6) == 0 && list[i].handles == 1;
            saw_suite |= after == own_koid && list[i].threads >= 1 && list[i].account_used_bytes > 0;
        }
    } while (count > 0);
    EXPECT(saw_child);
    EXPECT(saw_suite);
    uint64_t next = 99;
    REQUIRE_OK(tess_inspector_handles(suite.inspector, koid, 0, &count, &next));
    EXPECT_EQ(count, 1);
    EXPECT_EQ(next, 0);
    const struct inspect_handle *handle = (const void *)suite_page();
    EXPECT_EQ(handle->handle, child.page->handle[0].v);
    EXPECT_EQ(handle->type, OBJECT_ACCOUNT);
    EXPECT_EQ(handle->rights, RIGHT_INSPECT_BIT);
    EXPECT_EQ(handle->origin, ORIGIN_GRANTED);
    EXPECT_EQ(handle->parent_process_koid, own_koid);
    EXPECT_EQ(handle->parent_handle, suite.account.v);
    EXPECT_EQ(handle->granter_koid, own_koid);
    REFUSED(INSPECTOR_HANDLES, NOT_FOUND,
            tess_inspector_handles(suite.inspector, UINT64_MAX, 0, &count, nullptr));
    REFUSED(INSPECTOR_HANDLES, NOT_FOUND, tess_inspector_handles(suite.inspector, 0, 0, &count, nullptr));
    child_destroy(&child);
}

static const struct inspect_object *object_of(handle_t handle) {
    uint64_t koid = 0, index = 0, count = 0;
    EXPECT_OK(tess_process_info(suite.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                                nullptr));
    do {
        if (!suite_check_status(tess_inspector_objects(suite.inspector, koid, index, &count, &index),
                                STATUS_OK, "objects", __FILE__, __LINE__)) {
            return nullptr;
        }
        const struct inspect_object *list = (const void *)suite_page();
        for (uint64_t i = 0; i < count; i++) {
            if (list[i].handle == handle.v) {
                return &list[i];
            }
        }
    } while (index != 0);
    return nullptr;
}

// False, and a failure of the case, when there is none.
static bool process_of(uint64_t koid, struct inspect_process *out) {
    uint64_t count = 0;
    if (!suite_check_status(tess_inspector_processes(suite.inspector, koid - 1, &count), STATUS_OK, "processes", __FILE__, __LINE__)) {
        return false;
    }
    *out = *(const struct inspect_process *)(const void *)suite_page();
    return suite_check(count > 0 && out->koid == koid, "the process is listed", __FILE__, __LINE__);
}

CASE(inspector_counts_what_came_to_a_table) {
    struct child child;
    struct inspect_process before, after;
    uint64_t koid = 0;
    handle_t second;
    REQUIRE(child_create(&child, suite.account));
    EXPECT_OK(tess_process_info(child.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    REQUIRE(process_of(koid, &before));
    EXPECT_EQ(before.handles_made, 0);
    REQUIRE(child_grant(&child, suite.account, RIGHT_INSPECT_BIT));
    REQUIRE(process_of(koid, &after));
    EXPECT_EQ(after.handles_made, 1);
    EXPECT_EQ(after.handles, 1);
    // What is taken away again did come.
    EXPECT_OK(tess_process_handle_revoke(child.process, child.page->handle[0].v, 1));
    REQUIRE(child_grant(&child, suite.account, RIGHT_INSPECT_BIT));
    REQUIRE(process_of(koid, &after));
    EXPECT_EQ(after.handles_made, 2);
    EXPECT_EQ(after.handles, 1);
    EXPECT_OK(tess_process_info(suite.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    REQUIRE(process_of(koid, &before));
    REQUIRE_OK(tess_account_create_notification(suite.account, &second));
    suite_close(second);
    REQUIRE(process_of(koid, &after));
    EXPECT_EQ(after.handles_made, before.handles_made + 1);
    EXPECT_EQ(after.handles, before.handles);
    child_destroy(&child);
}

CASE(inspector_says_whose_an_address_space_is) {
    struct child child;
    struct inspect_process process;
    uint64_t koid = 0;
    REQUIRE(child_create(&child, suite.account));
    EXPECT_OK(tess_process_info(child.process, &koid, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr));
    REQUIRE(process_of(koid, &process));
    const struct inspect_object *space = object_of(child.vspace);
    REQUIRE(space != nullptr);
    EXPECT_EQ(space->type, OBJECT_VSPACE);
    EXPECT_EQ(process.vspace_koid, space->koid);
    EXPECT_OK(tess_process_exit(child.process, 0));
    REQUIRE(child_await_exit(&child, 1000));
    REQUIRE(process_of(koid, &process));
    EXPECT_EQ(process.vspace_koid, 0);
    child_destroy(&child);
}

CASE(inspector_adds_up) {
    struct inspect_system system;
    REQUIRE(suite_settled(&system));
    EXPECT_EQ(system.used_bytes + system.free_bytes, system.ram_bytes);
    EXPECT(system.slab_bytes + system.page_table_bytes + system.user_bytes <= system.used_bytes);
    EXPECT(system.live_objects[OBJECT_PROCESS] >= 2);
    EXPECT(system.handles > 4);
    EXPECT(system.uptime_ns <= suite_now_ns());
    EXPECT_EQ(system.live_objects[OBJECT_NONE], 0);
}

static void asks_without_a_page(struct peer *self) {
    uint64_t count;
    self->result[0] = tess_inspector_system(suite.inspector).code;
    self->result[1] = tess_inspector_processes(suite.inspector, 0, &count).code;
    self->result[2] = tess_inspector_handles(suite.inspector, self->arg[0], 0, &count, nullptr).code;
    self->result[3] = tess_process_exit_record(self->handle[0]).code;
    self->arg[1] = tess_inspector_objects(suite.inspector, self->arg[0], 0, &count, nullptr).code;
    self->arg[2] = tess_inspector_accounts(suite.inspector, 0, &count).code;
}

CASE(what_comes_in_the_message_page_needs_one) {
    static struct peer peer;
    struct child child;
    REQUIRE(child_create(&child, suite.account));
    EXPECT_OK(tess_process_info(suite.process, &peer.arg[0], nullptr, nullptr, nullptr, nullptr, nullptr,
                                nullptr, nullptr));
    EXPECT_OK(tess_process_exit(child.process, 0));
    REQUIRE(child_await_exit(&child, 1000));
    peer.handle[0] = child.process;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, asks_without_a_page));
    REQUIRE(peer_join(&peer));
    static const enum op ops[] = {OP_INSPECTOR_SYSTEM, OP_INSPECTOR_PROCESSES, OP_INSPECTOR_HANDLES,
                                  OP_PROCESS_EXIT_RECORD};
    for (size_t i = 0; i < 4; i++) {
        suite_check_refused(ops[i], (status_t){(uint32_t)peer.result[i]}, STATUS_TOO_LARGE, "without a page",
                            __FILE__, (int)i);
    }
    suite_check_refused(OP_INSPECTOR_OBJECTS, (status_t){(uint32_t)peer.arg[1]}, STATUS_TOO_LARGE,
                        "without a page", __FILE__, __LINE__);
    suite_check_refused(OP_INSPECTOR_ACCOUNTS, (status_t){(uint32_t)peer.arg[2]}, STATUS_TOO_LARGE,
                        "without a page", __FILE__, __LINE__);
    child_destroy(&child);
}

static void waits_to_be_served(struct peer *self) {
    struct tess_message message = {.info = 1};
    self->status = tess_call(self->handle[0], &message, DEADLINE_NEVER);
}

CASE(inspector_shows_what_state_objects_are_in) {
    static struct peer peer;
    handle_t vmo, endpoint, notification, account;
    uint64_t count, koid = 0, done;
    static const uint8_t byte = 1;
    REQUIRE_OK(tess_account_create_account(suite.account, 64 * 1024, &account));
    REQUIRE_OK(tess_account_create_vmo(account, 3 * PAGE_BYTES, &vmo));
    REQUIRE_OK(tess_vmo_write(vmo, 0, (uint64_t)(uintptr_t)&byte, 1, &done));
    REQUIRE_OK(tess_account_create_endpoint(suite.account, 0, &endpoint));
    REQUIRE_OK(tess_account_create_notification(suite.account, &notification));
    EXPECT_OK(tess_signal(notification, 0x50));
    peer.handle[0] = endpoint;
    REQUIRE(peer_start(&peer, 0, PEER_WITHOUT_PAGE, waits_to_be_served));
    REQUIRE(peer_await_blocked(&peer));
    const struct inspect_object *object;
    REQUIRE((object = object_of(vmo)) != nullptr);
    EXPECT_EQ(object->type, OBJECT_VMO);
    EXPECT_EQ(object->numbers[0], 3 * PAGE_BYTES);
    EXPECT_EQ(object->numbers[1], PAGE_BYTES);
    const uint64_t account_koid = object->account_koid;
    REQUIRE((object = object_of(endpoint)) != nullptr);
    EXPECT_EQ(object->state, 1);
    EXPECT_EQ(object->numbers[0], 1);
    EXPECT_EQ(object->numbers[1], 0);
    EXPECT_EQ(object->numbers[3], 1);
    const uint64_t endpoint_koid = object->koid;
    REQUIRE((object = object_of(notification)) != nullptr);
    EXPECT_EQ(object->numbers[0], 0x50);
    EXPECT_EQ(object->state, 0);
    REQUIRE((object = object_of(peer.thread)) != nullptr);
    EXPECT_EQ(object->state, THREAD_STATE_SENDING);
    EXPECT_EQ(object->numbers[0], endpoint_koid);
    REQUIRE((object = object_of(suite.process)) != nullptr);
    EXPECT(object->numbers[0] >= 2);
    REQUIRE((object = object_of(account)) != nullptr);
    EXPECT_EQ(object->koid, account_koid);
    EXPECT_EQ(object->numbers[0], 64 * 1024);
    EXPECT(object->numbers[1] > PAGE_BYTES);
    // The tree of accounts: each parent before its children, up to the root.
    bool saw_root = false, saw_it = false;
    do {
        REQUIRE_OK(tess_inspector_accounts(suite.inspector, koid, &count));
        const struct inspect_account *list = (const void *)suite_page();
        for (uint64_t i = 0; i < count; i++) {
            EXPECT(list[i].koid > koid);
            EXPECT(list[i].parent_koid < list[i].koid);
            EXPECT(list[i].used_bytes <= list[i].limit_bytes);
            koid = list[i].koid;
            saw_root |= list[i].parent_koid == 0;
            if (koid == account_koid) {
                saw_it = true;
                EXPECT_EQ(list[i].limit_bytes, 64 * 1024);
                EXPECT_EQ(list[i].reserved_bytes, 64 * 1024);
                EXPECT_EQ(list[i].objects[OBJECT_VMO], 1);
                EXPECT_EQ(list[i].objects[OBJECT_ENDPOINT], 0);
            }
        }
    } while (count > 0);
    EXPECT(saw_root);
    EXPECT(saw_it);
    REFUSED(INSPECTOR_OBJECTS, NOT_FOUND,
            tess_inspector_objects(suite.inspector, UINT64_MAX, 0, &count, nullptr));
    suite_close(endpoint); // which wakes the peer
    REQUIRE(peer_join(&peer));
    EXPECT_STATUS(OBJECT_DEAD, peer.status);
    suite_close(notification);
    suite_close(vmo);
    suite_close(account);
}
