@0xbdbf45850fd12593;
# How a schema's things are called in C (docs/decisions/capnp-c.md, Names).

annotation prefix @0xb2c4f60e1a9d3758 (file) :Text;
# What the names of this file's types begin with, instead of the file's own name; "": nothing.

annotation name @0xd1e0a5b79c24f683 (*) :Text;
# The part of a C name that comes from this declaration, instead of its name here.
