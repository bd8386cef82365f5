#define _DEFAULT_SOURCE

#include "kernel/arch/host/pages.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>

void *host_pages_map(size_t len_bytes) {
    void *pages =
        mmap(nullptr, len_bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (pages == MAP_FAILED) {
        perror("host_pages_map: mmap");
        exit(1);
    }
    return pages;
}

void host_pages_unmap(void *pages, size_t len_bytes) {
    munmap(pages, len_bytes);
}
