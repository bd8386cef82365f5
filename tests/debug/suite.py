"""Suite "debug": the debug build (tools/build --debug), whose kernel checks itself, passes the same suites.

All of the ABI suite, and of the end-to-end suite what says that the system starts, works and says why it stops.
`tools/test --debug SUITE` runs any other suite on it.
"""

from testing import runner

TARGETS = ("kernel.elf", "boot.pkg", "system/abi.pkg", "system/test.pkg")
END_TO_END = ("boots_directly", "services_and_one", "caps_say_where_from", "kill", "panic_explains_itself", "misbehaves: stack_smash",
              "misbehaves: process_flood", "misbehaves: kernel_pointers")


def cases(ctx):
    ctx.use_build(debug=True)
    ctx.run(["tools/build", "--arch", ctx.arch, "--debug", "--quiet", *TARGETS], timeout=600, status=0)
    suites = runner.suites(ctx.root)
    end_to_end = [(name, function) for name, function in suites["e2e"](ctx) if name.startswith(END_TO_END)]
    return suites["abi"](ctx) + end_to_end
