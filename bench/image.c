#include "bench/image.h"

#include "abi/gen/stubs.h"
#include "lib/tess/capset.h"
#include "lib/tess/panic.h"
#include "lib/tess/syscall.h"

struct package_entry image_find(handle_t boot_package, const char *name) {
    uint64_t len, committed, address;
    struct package package;
    struct package_entry found;
    if (!status_ok(tess_vmo_info(boot_package, &len, &committed)) ||
        !status_ok(tess_vspace_map(tess_self_vspace(), boot_package, 0, len, 0, PROT_READ, &address)) ||
        !package_open((const uint8_t *)address, len, &package) ||
        !package_find(&package, BOOT_ENTRY_PROGRAM, name, &found)) {
        tess_panic("%s is not in the boot package", name);
    }
    return found;
}
