#include "base/suggest.h"

#include "base/str.h"

constexpr size_t LEN_MAX = 31;

static unsigned min(unsigned a, unsigned b) {
    return a < b ? a : b;
}

// Optimal string alignment, by rows.
unsigned edit_distance(const char *a, const char *b) {
    unsigned rows[3][LEN_MAX + 1];
    size_t a_len = strnlen(a, LEN_MAX);
    size_t b_len = strnlen(b, LEN_MAX);
    for (unsigned j = 0; j <= b_len; j++) {
        rows[0][j] = j;
    }
    for (unsigned i = 1; i <= a_len; i++) {
        unsigned *row = rows[i % 3];
        const unsigned *above = rows[(i - 1) % 3];
        row[0] = i;
        for (size_t j = 1; j <= b_len; j++) {
            unsigned replaced = above[j - 1] + (char_lower(a[i - 1]) != char_lower(b[j - 1]));
            row[j] = min(min(above[j], row[j - 1]) + 1, replaced);
            if (i > 1 && j > 1 && char_lower(a[i - 1]) == char_lower(b[j - 2]) && char_lower(a[i - 2]) == char_lower(b[j - 1])) {
                row[j] = min(row[j], rows[(i - 2) % 3][j - 2] + 1);
            }
        }
    }
    return rows[a_len % 3][b_len];
}

void suggestion_add(struct suggestion *suggestion, const char *candidate) {
    unsigned distance = edit_distance(suggestion->word, candidate);
    size_t len = strlen(suggestion->word);
    // Near means at most one mistake in three letters; or the beginning of the word.
    bool near = distance <= (len + 1) / 3 || (len >= 2 && str_starts_with(candidate, suggestion->word));
    if (near && (suggestion->nearest == nullptr || distance < suggestion->distance)) {
        suggestion->nearest = candidate;
        suggestion->distance = distance;
    }
}
