#include "kernel/plat/pic.h"

#include "io.h"

enum {
    FIRST_COMMAND = 0x20,
    FIRST_DATA = 0x21,
    SECOND_COMMAND = 0xa0,
    SECOND_DATA = 0xa1,
    ICW1_INIT_ICW4 = 0x11,
    ICW3_FIRST = 0x04,  // the second hangs at line 2 ...
    ICW3_SECOND = 0x02, // ... and knows it
    ICW4_8086 = 0x01,
    MASK_ALL = 0xff,
};

void pic_disable(void) {
    // Intel 8259A data sheet: four initialisation words, then the mask.
    port_write8(FIRST_COMMAND, ICW1_INIT_ICW4);
    port_write8(SECOND_COMMAND, ICW1_INIT_ICW4);
    port_write8(FIRST_DATA, PIC_VECTOR_BASE);
    port_write8(SECOND_DATA, PIC_VECTOR_BASE + 8);
    port_write8(FIRST_DATA, ICW3_FIRST);
    port_write8(SECOND_DATA, ICW3_SECOND);
    port_write8(FIRST_DATA, ICW4_8086);
    port_write8(SECOND_DATA, ICW4_8086);
    port_write8(FIRST_DATA, MASK_ALL);
    port_write8(SECOND_DATA, MASK_ALL);
}
