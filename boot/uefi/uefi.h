// The part of the UEFI Specification 2.10 that the loader uses, declared anew. Section numbers are that
// document's. This file is only compiled for x86_64-unknown-windows, whose calling convention is UEFI's.
//
// Tables are declared up to the last function used. Functions never called are untyped pointers that
// keep the others in their places.
#pragma once

#include <stddef.h>
#include <stdint.h>

typedef uint64_t efi_status_t; // appendix D; the top bit marks errors
typedef void *efi_handle_t;
typedef void efi_unused_fn(void);

constexpr efi_status_t EFI_SUCCESS = 0;
constexpr efi_status_t EFI_ERROR_BIT = UINT64_C(1) << 63;
constexpr efi_status_t EFI_LOAD_ERROR = EFI_ERROR_BIT | 1;
constexpr efi_status_t EFI_INVALID_PARAMETER = EFI_ERROR_BIT | 2;
constexpr efi_status_t EFI_BUFFER_TOO_SMALL = EFI_ERROR_BIT | 5;
constexpr efi_status_t EFI_DEVICE_ERROR = EFI_ERROR_BIT | 7;
constexpr efi_status_t EFI_OUT_OF_RESOURCES = EFI_ERROR_BIT | 9;
constexpr efi_status_t EFI_VOLUME_CORRUPTED = EFI_ERROR_BIT | 10;
constexpr efi_status_t EFI_NOT_FOUND = EFI_ERROR_BIT | 14;

struct efi_guid {
    uint32_t a;
    uint16_t b;
    uint16_t c;
    uint8_t d[8];
};

struct efi_table_header {
    uint64_t signature;
    uint32_t revision;
    uint32_t header_bytes;
    uint32_t crc32;
    uint32_t reserved;
};

// 12.3, 12.4: consoles.
struct efi_key {
    uint16_t scan_code;
    uint16_t character;
};

struct efi_text_input {
    efi_unused_fn *reset;
    efi_status_t (*read_key_stroke)(struct efi_text_input *self, struct efi_key *key);
};

struct efi_text_output {
    efi_unused_fn *reset;
    efi_status_t (*output_string)(struct efi_text_output *self, const uint16_t *text);
};

// 7.2: memory.
enum efi_allocate_type : uint32_t {
    EFI_ALLOCATE_ANY_PAGES,
    EFI_ALLOCATE_MAX_ADDRESS,
    EFI_ALLOCATE_ADDRESS,
};

enum efi_memory_type : uint32_t {
    EFI_RESERVED_MEMORY,
    EFI_LOADER_CODE,
    EFI_LOADER_DATA,
    EFI_BOOT_SERVICES_CODE,
    EFI_BOOT_SERVICES_DATA,
    EFI_RUNTIME_SERVICES_CODE,
    EFI_RUNTIME_SERVICES_DATA,
    EFI_CONVENTIONAL_MEMORY,
    EFI_UNUSABLE_MEMORY,
    EFI_ACPI_RECLAIM_MEMORY,
    EFI_ACPI_NVS_MEMORY,
};

// Firmware may use a larger descriptor: step by the size that get_memory_map reports.
struct efi_memory_descriptor {
    uint32_t type;
    uint32_t padding;
    uint64_t physical_start;
    uint64_t virtual_start;
    uint64_t page_count;
    uint64_t attribute;
};

constexpr uint64_t EFI_PAGE_BYTES = 4096;

// 4.4: boot services.
struct efi_boot_services {
    struct efi_table_header header;
    efi_unused_fn *raise_tpl;
    efi_unused_fn *restore_tpl;
    efi_status_t (*allocate_pages)(enum efi_allocate_type how, enum efi_memory_type type, uint64_t page_count,
                                   uint64_t *physical);
    efi_status_t (*free_pages)(uint64_t physical, uint64_t page_count);
    efi_status_t (*get_memory_map)(uint64_t *map_bytes, void *map, uint64_t *key, uint64_t *descriptor_bytes,
                                   uint32_t *descriptor_version);
    efi_unused_fn *allocate_pool;
    efi_unused_fn *free_pool;
    efi_unused_fn *create_event;
    efi_unused_fn *set_timer;
    efi_unused_fn *wait_for_event;
    efi_unused_fn *signal_event;
    efi_unused_fn *close_event;
    efi_unused_fn *check_event;
    efi_unused_fn *install_protocol_interface;
    efi_unused_fn *reinstall_protocol_interface;
    efi_unused_fn *uninstall_protocol_interface;
    efi_status_t (*handle_protocol)(efi_handle_t handle, const struct efi_guid *protocol, void **interface);
    void *reserved;
    efi_unused_fn *register_protocol_notify;
    efi_unused_fn *locate_handle;
    efi_unused_fn *locate_device_path;
    efi_unused_fn *install_configuration_table;
    efi_unused_fn *load_image;
    efi_unused_fn *start_image;
    efi_unused_fn *exit;
    efi_unused_fn *unload_image;
    efi_status_t (*exit_boot_services)(efi_handle_t image, uint64_t map_key);
    efi_unused_fn *get_next_monotonic_count;
    efi_status_t (*stall)(uint64_t microseconds);
    efi_status_t (*set_watchdog_timer)(uint64_t seconds, uint64_t code, uint64_t data_bytes, const uint16_t *data);
};

// 4.5: runtime services.
enum efi_reset_type : uint32_t {
    EFI_RESET_COLD,
    EFI_RESET_WARM,
    EFI_RESET_SHUTDOWN,
};

struct efi_runtime_services {
    struct efi_table_header header;
    efi_unused_fn *get_time;
    efi_unused_fn *set_time;
    efi_unused_fn *get_wakeup_time;
    efi_unused_fn *set_wakeup_time;
    efi_unused_fn *set_virtual_address_map;
    efi_unused_fn *convert_pointer;
    efi_unused_fn *get_variable;
    efi_unused_fn *get_next_variable_name;
    efi_unused_fn *set_variable;
    efi_unused_fn *get_next_high_monotonic_count;
    void (*reset_system)(enum efi_reset_type type, efi_status_t status, uint64_t data_bytes, const void *data);
};

// 4.6: configuration tables.
struct efi_configuration_table {
    struct efi_guid guid;
    void *table;
};

// 4.3: the system table.
struct efi_system_table {
    struct efi_table_header header;
    const uint16_t *firmware_vendor;
    uint32_t firmware_revision;
    efi_handle_t console_in_handle;
    struct efi_text_input *console_in;
    efi_handle_t console_out_handle;
    struct efi_text_output *console_out;
    efi_handle_t standard_error_handle;
    struct efi_text_output *standard_error;
    struct efi_runtime_services *runtime_services;
    struct efi_boot_services *boot_services;
    uint64_t configuration_table_count;
    struct efi_configuration_table *configuration_tables;
};

// 9.1: what the firmware knows about a loaded program.
struct efi_loaded_image {
    uint32_t revision;
    efi_handle_t parent;
    struct efi_system_table *system_table;
    efi_handle_t device;
};

// 13.4, 13.5: the volume and its files.
struct efi_file {
    uint64_t revision;
    efi_status_t (*open)(struct efi_file *self, struct efi_file **out, const uint16_t *name, uint64_t mode,
                         uint64_t attributes);
    efi_status_t (*close)(struct efi_file *self);
    efi_unused_fn *delete;
    efi_status_t (*read)(struct efi_file *self, uint64_t *len_bytes, void *buffer);
    efi_unused_fn *write;
    efi_status_t (*get_position)(struct efi_file *self, uint64_t *position);
    efi_status_t (*set_position)(struct efi_file *self, uint64_t position);
};

constexpr uint64_t EFI_FILE_MODE_READ = 1;
constexpr uint64_t EFI_FILE_END = UINT64_MAX; // a position: the end of the file

struct efi_simple_file_system {
    uint64_t revision;
    efi_status_t (*open_volume)(struct efi_simple_file_system *self, struct efi_file **root);
};
