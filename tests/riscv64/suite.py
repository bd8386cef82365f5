"""Suite "riscv64": the port to riscv64 (tools/build --arch riscv64) passes the same suites.

All of the ABI suite, with Sv48 and with Sv39 page tables, and of the end-to-end suite what does not depend on a PC.
`tools/test --arch riscv64 SUITE` runs any of them alone.
"""

from testing import runner

TARGETS = ("kernel.elf", "boot.pkg", "system/abi.pkg", "system/test.pkg", "system/sick.pkg")
END_TO_END = ("boots_directly", "reset_is_seen", "services_and_one", "caps_say_where_from", "kill", "misbehaves", "services_leave_crash_records")
ANOTHER_PROCESSOR = ("divide_zero",)  # what it does there is no fault here


def cases(ctx):
    ctx.arch = "riscv64"
    ctx.use_build(ctx.debug)
    ctx.run(["tools/build", "--arch", ctx.arch, "--quiet", *TARGETS], timeout=600, status=0)
    suites = runner.suites(ctx.root)
    end_to_end = [(name, function) for name, function in suites["e2e"](ctx)
                  if name.startswith(END_TO_END) and not name.endswith(ANOTHER_PROCESSOR)]
    return suites["abi"](ctx) + end_to_end
