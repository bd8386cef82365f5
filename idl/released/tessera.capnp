@0xb5a1c7e04d2f9680;
# Annotations that contracts use; tools/capnpc-c knows them.

annotation repeatable @0xe3f40b9d6c1a5827 (method) :Void;
# Doing it twice is the same as doing it once. The client's stub calls again, within the same deadline, when the
# service died under the call: its endpoint outlives it, and its successor answers.

annotation oneWay @0x97b1e5a26d08c4f3 (method) :Void;
# May be sent without waiting for the results; then nobody is told when it is refused. (A method without results may be anyhow.)

annotation kernelObject @0xc96d30b1f27e4a58 (interface) :Void;
# An object of the kernel (idl/kernel.capnp), or a service that stands in for one. Its methods are called as the kernel's are: the
# label is the ordinal, and each parameter and each result is a word (docs/decisions/kernel-contracts.md).

annotation prefix @0xa64c92e7f1350bd8 (file, struct, interface, enum) :Text;
# What C names begin with instead of the type's own name.

annotation maxBytes @0xd82b6f430e9ac175 (param) :UInt32;
# A text or data that is longer is refused as an invalid argument, before the method is called. Only on a method's own parameters:
# what is inside a struct or a list the method looks at itself.

annotation maxCount @0x8f5e1d72c4b903aa (param) :UInt32;
# The same for a list, in elements.

annotation name @0xd1e0a5b79c24f683 (*) :Text;
# The part of a C name that comes from this declaration, instead of its name here.
