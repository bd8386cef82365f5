@0x91c7d35e0fa2b864;
# The ABI suite alone on the machine: one boot runs every case (tests/abi).
#
# `reporter` is the second serial port (the only one, where there is no other). Nobody else is granted it, and the suite
# passes it to nobody, so no other program can write a verdict.

using Manifest = import "../idl/manifest.capnp";

const system :Manifest.System = (
  name = "abi",
  services = [(
    name = "abi_suite",
    memoryKib = 98304,
    stackKib = 256,
    restart = never,
    args = [(bootCommandLine = void)],
    grants = [
      (name = "reporter", serial = (port = spare, part = registers)),
      (name = "inspector", inspector = void),
      (name = "trace", trace = void),
      (name = "resource", resource = all),
      (name = "package", bootPackage = void),
      (name = "license", file = "license"),
    ],
  )],
);
