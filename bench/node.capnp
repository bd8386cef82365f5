@0xb02f9d5e7c61a384;
# What the same program answers to the rows of dependent calls: typed_2, typed_3, ring_pipeline_3.

interface Node @0xb8d61f04a97c3e52 {
  # One of a row that has no end.

  next @0 () -> (next :Node);
  # The next one, made for whoever asks.

  read @1 (value :UInt64) -> (value :UInt64);
  # The number, and how far this one is from the first.
}
