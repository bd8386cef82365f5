@0xe90953bc9e195eb5;
# A library of books: what generated C looks like. tidy.capnp.h and tidy.capnp.c are the generator's output, kept so that
# a change of it is seen.

using C = import "/tessera.capnp";
$C.prefix("library");

const maxShelves :UInt16 = 40;
# As many as the building has.

const motto :Text = "Return what you borrow.";

const nobody :Person = (name = "nobody", number = 7);

enum Language {
  # What a book is written in.
  latin @0;
  greek @1;
  other @2;  # Anything else.
}

struct Person {
  # Who borrows and returns.
  name @0 :Text;
  number @1 :UInt32;
}

struct Book {
  # One book, wherever it is.

  title @0 :Text = "(untitled)";

  pages @1 :UInt16;
  # Without the cover.

  language @2 :Language = greek;
  rare @3 :Bool;
  balance @4 :Int32 = -1;
  weight @5 :Float64 = 0.5;
  author @6 :Person = .nobody;
  subjects @7 :List(Text) = ["general"];
  chapters @8 :List(UInt32);
  related @9 :List(Book);
  grid @10 :List(List(UInt16));
  notes @11 :AnyPointer;
  keeper @12 :Shelf;
  cover @13 :Data;

  place :group {
    # Where it belongs.
    room @14 :Text;
    shelf @15 :UInt8 = 1;
  }

  union {
    # Where it is now.
    here @16 :Void;
    dueInDays @17 :UInt16;
    lent :group {
      to @18 :Person;
      since @19 :UInt64;
    }
  }
}

struct Pair(Key, Value) {
  # Anything and anything.
  key @0 :Key;
  value @1 :Value;
}

interface Shelf {
  # What holds books.

  put @0 (book :Book, first :Bool);
  # Adds a book at the end, or at the front.

  count @1 () -> (books :UInt32) $C.repeatable;
}

interface Library extends(Shelf) {
  # All shelves.

  find @0 (title :Text $C.maxBytes(200), language :Language = other, limit :UInt32 = 10)
      -> (books :List(Book), next :UInt64) $C.repeatable;
  # Books with this title, or with any.

  open @1 (number :UInt16) -> (shelf :Shelf, catalogue :Pair(Text, Book));
  # One shelf.

  follow @2 (titles :List(Text) $C.maxCount(16)) -> stream;
}
