@0xd0f4a6b93c81e257;
# The manual: pages that `man` shows, in one file of the boot package. tools/manual makes it, lib/manual reads it in place.

struct Manual {
  # The root of the file, which is a message of one segment.
  pages @0 :List(ManualPage);
}

struct ManualPage {
  # One page, as it is shown on a terminal.
  name @0 :Text;                # Without blanks; no two pages of a section share one.
  section @1 :ManualSection;
  summary @2 :Text;             # One line.
  text @3 :Text;                # Lines of at most 80 columns, each with its end.
  parts @4 :List(ManualPart);   # In the order of their beginnings.
}

struct ManualPart {
  # Something in a page that has a name of its own, such as a method. Parts may lie in each other. Places are byte offsets in
  # the page's text.
  name @0 :Text;
  summary @1 :Text;
  begin @2 :UInt32;
  end @3 :UInt32;
  comment @4 :UInt32;           # Where its description begins, behind its heading and declaration.
}

enum ManualSection {
  # What a page is about.
  contracts @0;  # An interface family: what services can be asked for.
  concepts @1;   # How something works.
  objects @2;    # A type of kernel object.
  howto @3;      # Steps to an end.
}
