#include "base/mem.h"
#include "base/str.h"
#include "lib/manual/manual.h"

// What a word is worth where it is found. What is called so comes before what is only about it.
constexpr unsigned SCORE_NAME = 1000;
constexpr unsigned SCORE_IN_NAME = 200;
constexpr unsigned SCORE_IN_SUMMARY = 50;
constexpr unsigned SCORE_IN_TEXT = 1;
constexpr unsigned TEXT_MOST = 40; // times that count

static bool begins(const char *text, const char *word, size_t len) {
    for (size_t i = 0; i < len; i++) {
        if (char_lower(text[i]) != char_lower(word[i])) {
            return false;
        }
    }
    return true;
}

static unsigned count_in(const char *text, size_t text_bytes, const char *word, size_t len, bool anywhere, unsigned most) {
    unsigned found = 0;
    for (size_t at = 0; at + len <= text_bytes && found < most; at++) {
        if ((anywhere || at == 0 || !char_is_alnum(text[at - 1])) && begins(text + at, word, len)) {
            found++;
        }
    }
    return found;
}

static unsigned match_word(const struct manual_entry *entry, const char *word) {
    const size_t len = strlen(word);
    const struct capnp_text name = entry->name, summary = entry->summary;
    if (len == 0) {
        return 0;
    }
    unsigned score = SCORE_IN_TEXT * count_in(entry->text, entry->own_bytes, word, len, false, TEXT_MOST);
    if (count_in(summary.bytes, summary.len, word, len, false, 1) > 0) {
        score += SCORE_IN_SUMMARY;
    }
    if (name.len == len && begins(name.bytes, word, len)) {
        score += SCORE_NAME;
    } else if (count_in(name.bytes, name.len, word, len, true, 1) > 0) {
        score += SCORE_IN_NAME;
    }
    return score;
}

unsigned manual_match(const struct manual_entry *entry, const char *const *words, size_t count) {
    unsigned sum = 0;
    for (size_t i = 0; i < count; i++) {
        const unsigned score = match_word(entry, words[i]);
        if (score == 0) {
            return 0;
        }
        sum += score;
    }
    return sum;
}

void manual_results_add(struct manual_results *results, const struct manual_entry *entry, unsigned score) {
    size_t at = results->count;
    if (score == 0) {
        return;
    }
    while (at > 0 && results->best[at - 1].score < score) {
        at--;
    }
    if (results->count == MANUAL_RESULTS_MAX) {
        results->left_out++;
        if (at == MANUAL_RESULTS_MAX) {
            return;
        }
        results->count--;
    }
    memmove(&results->best[at + 1], &results->best[at], (results->count - at) * sizeof(results->best[0]));
    results->best[at].entry = *entry;
    results->best[at].score = score;
    results->count++;
}
