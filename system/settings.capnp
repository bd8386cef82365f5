@0xc9f41d7e2a5b8063;
# The settings of the shipped system: which keys there are, and who may set them (idl/config.capnp).

using Config = import "../idl/config.capnp";

const time :Config.Namespace = (
  name = "time",
  writers = ["shell"],
  keys = [
    (name = "zone", summary = "the zone that times are shown in, such as Europe/Berlin", open = [vendor, system, admin, session],
      text = (default = "UTC", maxBytes = 63)),
  ],
);

const shell :Config.Namespace = (
  name = "shell",
  writers = ["shell"],
  keys = [
    (name = "pager", summary = "whether long output waits after each screen", open = [admin, session], flag = (default = true)),
  ],
);

const settings :Config.Schema = (namespaces = [.time, .shell]);
