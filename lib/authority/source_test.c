#include "base/test.h"

#include <string.h>

#include "lib/authority/source.h"

static const char TEXT[] = "@0x1;\n"                                                   // 1
                           "const other :Manifest.Service = (name = \"other\", grants = [(name = \"log\")]);\n"
                           "\n"
                           "const one :Manifest.Service = ( # (not this)\n"             // 4
                           "  name = \"one\",\n"
                           "  memoryKib = 512, # enough (for now)\n"
                           "  args = [(text = \"grants = [(name = \\\"log\\\")]\")],\n"
                           "  provides = [\"a\", \"b\"],\n"
                           "  grants = [\n"
                           "    (name = \"log\", service = \"log\", control = true),\n" // 10
                           "    (name = \"a\", control = true, service = \"a\"), # why\n"
                           "    (name = \"b\", serial = (port = console, part = registers)), (name = \"c\", trace = void),\n"
                           "    (name = \"long\",\n"
                           "     service = \"long\"),\n"
                           "    .shared\n"
                           "  ],\n"
                           "  resolve = [(name = \"log\"), (name = \"x\")]\n"
                           ");\n"
                           "const two :Manifest.Service = (name = \"two\", grants = [(name = \"x\", trace = void), (name = \"y\", inspector = void)]);\n";

static struct {
    char text[2048];
    size_t len;
} written;

static void sink(void *, const char *bytes, size_t len) {
    REQUIRE(written.len + len < sizeof written.text);
    memcpy(written.text + written.len, bytes, len);
    written.text[written.len += len] = '\0';
}

static const char *diff_of(const struct source *source) {
    written.len = 0;
    written.text[0] = '\0';
    source_write_diff(source, "s.capnp", sink, nullptr);
    return written.text;
}

static struct source whole(void) {
    return (struct source){.text = TEXT, .len = sizeof TEXT - 1};
}

TEST(an_entry_is_found_around_a_line_of_its_grants) {
    struct source source = whole();
    struct source_span entry, own;
    REQUIRE(source_entry(&source, 4, &own));
    REQUIRE(source_entry_around(&source, 11, "one", &entry));
    CHECK(entry.from == own.from && entry.to == own.to);
    REQUIRE(source_entry_around(&source, 2, "other", &entry)); // all of it is this line
    CHECK(strncmp(TEXT + entry.from, "(name = \"other\"", 15) == 0);
    CHECK(!source_entry_around(&source, 2, "one", &entry));
    CHECK(!source_entry_around(&source, 11, "a", &entry)); // that is a grant
    CHECK(!source_entry_around(&source, 99, "one", &entry));
    static const char broken[] = "const a :T = (name = \"a\", grants = [(name = \"b\")]";
    source = (struct source){.text = broken, .len = sizeof broken - 1};
    CHECK(!source_entry_around(&source, 1, "a", &entry));
    static const char nested[] = "(((((((((((((((((name = \"a\", grants = [])))))))))))))))))";
    source = (struct source){.text = nested, .len = sizeof nested - 1};
    CHECK(!source_entry_around(&source, 1, "a", &entry)); // deeper than anybody writes
    static const char list[] = "const programs :List(Program) = [\n  (name = \"a\", grants = [(name = \"x\")]),\n  (name = \"b\", grants = [(name = \"x\")]),\n];\n";
    source = (struct source){.text = list, .len = sizeof list - 1};
    REQUIRE(source_entry_around(&source, 3, "b", &entry));
    CHECK(strncmp(list + entry.from, "(name = \"b\"", 11) == 0);
    CHECK(!source_entry_around(&source, 2, "b", &entry));
}

TEST(names_go_one_by_one) {
    struct source source = whole();
    struct source_span entry;
    REQUIRE(source_entry(&source, 4, &entry));
    CHECK(!source_drop_name(&source, entry, "a")); // it is granted, not resolved
    CHECK(source_drop_name(&source, entry, "log"));
    CHECK_STR_EQ(diff_of(&source), "--- a/s.capnp\n"
                                   "+++ b/s.capnp\n"
                                   "@@ -14,6 +14,6 @@\n"
                                   "      service = \"long\"),\n"
                                   "     .shared\n"
                                   "   ],\n"
                                   "-  resolve = [(name = \"log\"), (name = \"x\")]\n"
                                   "+  resolve = [(name = \"x\")]\n"
                                   " );\n"
                                   " const two :Manifest.Service = (name = \"two\", grants = [(name = \"x\", trace = void), (name = \"y\", inspector = void)]);\n");
}

TEST(an_entry_ends_where_its_parenthesis_does) {
    struct source source = whole();
    struct source_span entry;
    REQUIRE(source_entry(&source, 4, &entry));
    CHECK(strncmp(TEXT + entry.from, "( # (not this)", 14) == 0);
    CHECK(strncmp(TEXT + entry.to - 1, ");\nconst two", 12) == 0);
    REQUIRE(source_entry(&source, 19, &entry));
    CHECK(strncmp(TEXT + entry.from, "(name = \"two\"", 13) == 0 && entry.to == sizeof TEXT - 3);
    CHECK(!source_entry(&source, 20, &entry));
    CHECK(!source_entry(&source, 99, &entry));
}

TEST(nothing_changed_is_no_difference) {
    struct source source = whole();
    CHECK_STR_EQ(diff_of(&source), "");
}

TEST(what_is_taken_out_is_the_difference) {
    struct source source = whole();
    struct source_span entry;
    REQUIRE(source_entry(&source, 4, &entry));
    CHECK(source_drop_grant(&source, entry, "b"));
    CHECK(source_drop_control(&source, entry, "log"));
    CHECK(source_drop_control(&source, entry, "a"));
    CHECK(source_drop_grant(&source, entry, "long"));
    CHECK(source_set_number(&source, entry, "memoryKib", 128));
    CHECK(source_drop_field(&source, entry, "resolve"));
    CHECK_STR_EQ(diff_of(&source), "--- a/s.capnp\n"
                                "+++ b/s.capnp\n"
                                "@@ -3,17 +3,14 @@\n"
                                " \n"
                                " const one :Manifest.Service = ( # (not this)\n"
                                "   name = \"one\",\n"
                                "-  memoryKib = 512, # enough (for now)\n"
                                "+  memoryKib = 128, # enough (for now)\n"
                                "   args = [(text = \"grants = [(name = \\\"log\\\")]\")],\n"
                                "   provides = [\"a\", \"b\"],\n"
                                "   grants = [\n"
                                "-    (name = \"log\", service = \"log\", control = true),\n"
                                "-    (name = \"a\", control = true, service = \"a\"), # why\n"
                                "-    (name = \"b\", serial = (port = console, part = registers)), (name = \"c\", trace = void),\n"
                                "-    (name = \"long\",\n"
                                "-     service = \"long\"),\n"
                                "+    (name = \"log\", service = \"log\"),\n"
                                "+    (name = \"a\", service = \"a\"), # why\n"
                                "+    (name = \"c\", trace = void),\n"
                                "     .shared\n"
                                "   ],\n"
                                "-  resolve = [(name = \"log\"), (name = \"x\")]\n"
                                " );\n"
                                " const two :Manifest.Service = (name = \"two\", grants = [(name = \"x\", trace = void), (name = \"y\", inspector = void)]);\n");
}

TEST(the_last_element_takes_the_comma_before_it) {
    struct source source = whole();
    struct source_span entry;
    REQUIRE(source_entry(&source, 19, &entry));
    CHECK(source_drop_grant(&source, entry, "y"));
    CHECK(strstr(diff_of(&source), "+const two :Manifest.Service = (name = \"two\", grants = [(name = \"x\", trace = void)]);\n") != nullptr);
    CHECK(source_drop_grant(&source, entry, "x"));
    CHECK(strstr(diff_of(&source), "grants = []);\n") != nullptr);
}

TEST(what_is_not_written_there_is_not_found) {
    struct source source = whole();
    struct source_span entry;
    REQUIRE(source_entry(&source, 4, &entry));
    CHECK(!source_drop_grant(&source, entry, "x"));    // of another entry; here it is only resolved
    CHECK(!source_drop_grant(&source, entry, "shared"));
    CHECK(!source_drop_control(&source, entry, "b"));  // it has none
    CHECK(!source_drop_field(&source, entry, "budget"));
    CHECK(!source_set_number(&source, entry, "stackKib", 1));
    CHECK_EQ(source.count, 0);
}

TEST(text_that_ends_early_ends_the_search) {
    for (size_t len = 0; len < sizeof TEXT; len++) {
        struct source source = {.text = TEXT, .len = len};
        struct source_span entry;
        if (source_entry(&source, 4, &entry)) {
            CHECK(entry.to <= len);
            (void)source_drop_grant(&source, entry, "long");
            (void)diff_of(&source);
        }
        entry = (struct source_span){0, len}; // as if it were one
        (void)source_drop_grant(&source, entry, "long");
        (void)source_drop_field(&source, entry, "resolve");
        (void)diff_of(&source);
    }
}
