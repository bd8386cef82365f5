@0xc2e85f71a90d3b46;
# Many processes that use the kernel all at once (tests/stress). The command line says for how long, and from which seed.

using Manifest = import "../idl/manifest.capnp";

const system :Manifest.System = (
  name = "stress",
  services = [(
    name = "stress",
    memoryKib = 98304,
    stackKib = 256,
    band = interactive,
    restart = never,
    args = [(text = "everything"), (bootCommandLine = void)],
    grants = [
      (name = "reporter", serial = (port = spare, part = registers)),
      (name = "inspector", inspector = void),
      (name = "trace", trace = void),
      (name = "resource", resource = all),
    ],
  )],
);
