#include "boot/uefi/volume.h"

#include "base/align.h"
#include "base/mem.h"
#include "boot/uefi/console.h"

constexpr uint64_t HIGHEST_PHYS = UINT32_MAX; // what the boot page tables reach
constexpr size_t PATH_CHARACTERS = 64;
constexpr uint64_t FILE_LIMIT_BYTES = UINT64_C(1) << 30;

static const struct efi_guid loaded_image_guid = {
    0x5b1b31a1, 0x9562, 0x11d2, {0x8e, 0x3f, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};
static const struct efi_guid file_system_guid = {
    0x964e5b22, 0x6459, 0x11d2, {0x8e, 0x39, 0x00, 0xa0, 0xc9, 0x69, 0x72, 0x3b}};

static struct efi_boot_services *boot;
static struct efi_file *root;

void volume_open(struct efi_boot_services *services, efi_handle_t image) {
    boot = services;
    void *interface = nullptr;
    efi_status_t status = boot->handle_protocol(image, &loaded_image_guid, &interface);
    if (status != EFI_SUCCESS) {
        console_fail("cannot tell which volume this program came from: %s", efi_status_text(status));
    }
    const struct efi_loaded_image *loaded = interface;
    status = boot->handle_protocol(loaded->device, &file_system_guid, &interface);
    if (status != EFI_SUCCESS) {
        console_fail("the boot volume has no file system: %s", efi_status_text(status));
    }
    struct efi_simple_file_system *file_system = interface;
    status = file_system->open_volume(file_system, &root);
    if (status != EFI_SUCCESS) {
        console_fail("cannot open the boot volume: %s", efi_status_text(status));
    }
}

uint64_t pages_allocate(enum efi_memory_type type, uint64_t page_count, const char *what) {
    uint64_t phys = HIGHEST_PHYS;
    efi_status_t status = boot->allocate_pages(EFI_ALLOCATE_MAX_ADDRESS, type, page_count, &phys);
    if (status != EFI_SUCCESS) {
        console_fail("no %llu KiB of memory below 4 GiB for %s: %s", page_count * 4ULL, what, efi_status_text(status));
    }
    memset((void *)phys, 0, page_count * EFI_PAGE_BYTES);
    return phys;
}

static efi_status_t open_file(const char *path, struct efi_file **out) {
    uint16_t name[PATH_CHARACTERS];
    size_t len = 0;
    for (; path[len] != '\0' && len < PATH_CHARACTERS - 1; len++) {
        name[len] = (uint8_t)path[len];
    }
    name[len] = 0;
    return root->open(root, out, name, EFI_FILE_MODE_READ, 0);
}

// Reads the open file to its end and closes it.
static struct loaded_file read_file(struct efi_file *file, const char *path) {
    struct loaded_file loaded = {};
    efi_status_t status = file->set_position(file, EFI_FILE_END);
    if (status == EFI_SUCCESS) {
        status = file->get_position(file, &loaded.len_bytes);
    }
    if (status == EFI_SUCCESS) {
        status = file->set_position(file, 0);
    }
    if (status != EFI_SUCCESS) {
        console_fail("cannot read %s: %s", path, efi_status_text(status));
    }
    if (loaded.len_bytes == 0 || loaded.len_bytes > FILE_LIMIT_BYTES) {
        console_fail("%s is %s", path, loaded.len_bytes == 0 ? "empty" : "larger than 1 GiB");
    }
    loaded.page_count = div_round_up(loaded.len_bytes, EFI_PAGE_BYTES);
    loaded.phys = pages_allocate(EFI_LOADER_DATA, loaded.page_count, path);
    uint64_t done = 0;
    while (done < loaded.len_bytes) {
        uint64_t piece = loaded.len_bytes - done;
        status = file->read(file, &piece, (uint8_t *)loaded.phys + done);
        if (status != EFI_SUCCESS) {
            console_fail("cannot read %s at byte %llu: %s", path, (unsigned long long)done, efi_status_text(status));
        }
        if (piece == 0) {
            console_fail("%s is cut short: byte %llu of %llu", path, (unsigned long long)done,
                         (unsigned long long)loaded.len_bytes);
        }
        done += piece;
    }
    file->close(file);
    return loaded;
}

struct loaded_file volume_read(const char *path) {
    struct efi_file *file = nullptr;
    efi_status_t status = open_file(path, &file);
    if (status != EFI_SUCCESS) {
        console_fail("cannot open %s: %s", path, efi_status_text(status));
    }
    return read_file(file, path);
}

bool volume_read_optional(const char *path, struct loaded_file *out) {
    struct efi_file *file = nullptr;
    efi_status_t status = open_file(path, &file);
    if (status == EFI_NOT_FOUND) {
        return false;
    }
    if (status != EFI_SUCCESS) {
        console_fail("cannot open %s: %s", path, efi_status_text(status));
    }
    *out = read_file(file, path);
    return true;
}

void loaded_file_free(struct loaded_file *file) {
    boot->free_pages(file->phys, file->page_count);
    *file = (struct loaded_file){};
}
