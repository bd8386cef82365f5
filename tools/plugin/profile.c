// Counts how often each instruction of an emulated machine is executed between the markers (marker.h).
//
//   -plugin libprofile.so,out=FILE
//
// At each stop FILE is written anew, with a line for each instruction that was executed since the first start, windows only:
//
//   <virtual address> <the emulator's address> <times> <its bytes>
//
// all in hexadecimal but the times. Programs lie at the same virtual addresses, and two that run at the same time never
// at the same one of the emulator's: who reads this can tell them apart. One processor is counted.
#include "tools/plugin/qemu_plugin.h"

#include <stdio.h>
#include <stdlib.h>

#include "tools/plugin/marker.h"

enum { INSTRUCTION_BYTES = 16 };

int qemu_plugin_version = 1;

// One for each time that an instruction was translated.
struct cell {
    struct cell *next;
    uint64_t address, host_address, times;
    size_t size;
    uint8_t bytes[INSTRUCTION_BYTES];
};

static struct cell *cells;
static bool counting;
static const char *path;

static void write_all(void) {
    FILE *out = fopen(path, "w");
    if (out == nullptr) {
        perror(path);
        return;
    }
    for (const struct cell *cell = cells; cell != nullptr; cell = cell->next) {
        if (cell->times > 0) {
            fprintf(out, "%lx %lx %lu ", cell->address, cell->host_address, cell->times);
            for (size_t i = 0; i < cell->size; i++) {
                fprintf(out, "%02x", cell->bytes[i]);
            }
            fprintf(out, "\n");
        }
    }
    fclose(out);
}

static void on_instruction(unsigned, void *cell) {
    if (counting) {
        ((struct cell *)cell)->times++;
    }
}

static void on_marker(unsigned, void *operand) {
    switch (marker_kind((uint32_t)(uintptr_t)operand)) {
    case MARKER_START: counting = true; break;
    case MARKER_STOP:
        counting = false;
        write_all();
        break;
    case MARKER_POINT: break;
    }
}

static struct cell *cell_of(const struct qemu_plugin_insn *insn) {
    struct cell *cell = calloc(1, sizeof(*cell));
    if (cell == nullptr) {
        abort();
    }
    const size_t size = qemu_plugin_insn_size(insn);
    *cell = (struct cell){.next = cells,
                          .address = qemu_plugin_insn_vaddr(insn),
                          .host_address = (uint64_t)(uintptr_t)qemu_plugin_insn_haddr(insn),
                          .size = size < INSTRUCTION_BYTES ? size : INSTRUCTION_BYTES};
    memcpy(cell->bytes, qemu_plugin_insn_data(insn), cell->size);
    cells = cell;
    return cell;
}

static void on_translation(qemu_plugin_id_t, struct qemu_plugin_tb *block) {
    for (size_t i = 0; i < qemu_plugin_tb_n_insns(block); i++) {
        struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(block, i);
        const uint32_t operand = marker_operand(insn);
        if (operand != 0) {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_marker, QEMU_PLUGIN_CB_NO_REGS, (void *)(uintptr_t)operand);
        } else {
            qemu_plugin_register_vcpu_insn_exec_cb(insn, on_instruction, QEMU_PLUGIN_CB_NO_REGS, cell_of(insn));
        }
    }
}

int qemu_plugin_install(qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv) {
    for (int i = 0; i < argc; i++) {
        path = strncmp(argv[i], "out=", 4) == 0 ? strdup(argv[i] + 4) : path;
    }
    if (path == nullptr || !info->system_emulation || info->system.max_vcpus != 1) {
        fprintf(stderr, "profile: wants out=FILE and a machine of one processor\n");
        return 1;
    }
    qemu_plugin_register_vcpu_tb_trans_cb(id, on_translation);
    return 0;
}
