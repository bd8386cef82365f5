// Saving and loading the floating-point registers. The kernel is compiled without any: only this file names them.
    .option arch, +d
    .text

// void fpu_save(struct fpu_state *to), void fpu_load(const struct fpu_state *from): f0..f31, then fcsr.
    .globl fpu_save
    .type fpu_save, @function
fpu_save:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fsd f\n, (\n * 8)(a0)
    .endr
    frcsr t0
    sd t0, 256(a0)
    ret
    .size fpu_save, . - fpu_save

    .globl fpu_load
    .type fpu_load, @function
fpu_load:
    .irp n, 0,1,2,3,4,5,6,7,8,9,10,11,12,13,14,15,16,17,18,19,20,21,22,23,24,25,26,27,28,29,30,31
    fld f\n, (\n * 8)(a0)
    .endr
    ld t0, 256(a0)
    fscsr t0
    ret
    .size fpu_load, . - fpu_load

    .section .note.GNU-stack, "", @progbits
