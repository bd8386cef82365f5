@0xb1cf8d7f9f30a625;
# What comes into a program: bytes that another one writes for it.

const readMaxBytes :UInt32 = 4000;  # At once.

interface Input @0xe85b06ae96465c19 {
  # What comes in, in order, each byte once. A program in a pipe finds it as `input`, and writes to its `console` as always.

  read @0 (most :UInt32) -> (bytes :Data);
  # Up to so many bytes, and no more than `readMaxBytes`; waits until there are some. None: there will never be more.
}
