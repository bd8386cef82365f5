// The manifest in a boot package: whatever it says, it is refused with a reason, or every part of it can be used.
#include <stdlib.h>
#include <string.h>

#include "lib/capnp/canonical.h"
#include "lib/manifest/manifest.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

constexpr uint32_t OUT_WORDS = 1 << 14;

static void insist(bool holds) {
    if (!holds) {
        abort();
    }
}

static size_t grant_use(struct manifest_grant grant) {
    char text[56];
    manifest_grant_text(grant, text, sizeof text);
    return strlen(text) + strlen(manifest_grant_get_name(grant).bytes);
}

// What init does with a unit.
static size_t unit_use(const struct manifest *manifest, const struct manifest_unit *unit) {
    size_t used = strlen(unit->name) + strlen(unit->program) + strlen(unit->source);
    for (uint32_t i = 0; i < capnp_text_list_count(unit->provides); i++) {
        insist(manifest_provider(manifest, manifest_word(unit->provides, i)) == unit);
    }
    for (uint32_t i = 0; i < manifest_resolve_list_count(unit->resolves); i++) {
        insist(manifest_provider(manifest, manifest_resolve_get_name(manifest_resolve_list_get(unit->resolves, i)).bytes) != nullptr);
    }
    for (uint32_t i = 0; i < manifest_argument_list_count(unit->args); i++) {
        used += strlen(manifest_argument_word(unit, i));
    }
    for (uint32_t i = 0; i < manifest_grant_list_count(unit->grants); i++) {
        const struct manifest_grant grant = manifest_grant_list_get(unit->grants, i);
        used += grant_use(grant);
        insist(manifest_grant_which(grant) != MANIFEST_GRANT_SERVICE ||
               manifest_provider(manifest, manifest_grant_get_service(grant).bytes) != nullptr);
    }
    return used;
}

static void use(const uint64_t *words, size_t count) {
    static struct manifest manifest;
    struct manifest_error error;
    if (!manifest_open(words, count * sizeof *words, &manifest, &error)) {
        insist(error.text[0] != '\0' && memchr(error.text, '\0', sizeof error.text) != nullptr);
        insist(memchr(error.where, '\0', sizeof error.where) != nullptr);
        return;
    }
    size_t used = strlen(manifest.name);
    for (size_t i = 0; i < manifest.unit_count; i++) {
        used += unit_use(&manifest, &manifest.units[i]);
    }
    for (size_t i = 0; manifest_packed_program(&manifest, i) != nullptr; i++) {
        used += strlen(manifest_packed_program(&manifest, i));
    }
    for (size_t i = 0; manifest_packed_file(&manifest, i) != nullptr; i++) {
        used += strlen(manifest_packed_file(&manifest, i));
    }
    insist(used > 0 && status_ok(capnp_status(&manifest.message)));
}

// As it is; and in canonical form, which few changes of a manifest leave it in.
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len) {
    static uint64_t canonical[OUT_WORDS];
    const uint32_t words = (uint32_t)(len / CAPNP_WORD_BYTES);
    struct capnp_message message;
    uint32_t count = 0;
    uint64_t *copy = malloc(words == 0 ? 1 : words * CAPNP_WORD_BYTES);
    memcpy(copy, data, words * CAPNP_WORD_BYTES);
    use(copy, words);
    if (words != 0) {
        capnp_message_init(&message, copy, words);
        if (status_ok(capnp_canonicalise(capnp_struct_at(capnp_root(&message)), canonical, OUT_WORDS, &count))) {
            uint64_t *exact = malloc(count * CAPNP_WORD_BYTES);
            memcpy(exact, canonical, count * CAPNP_WORD_BYTES);
            use(exact, count);
            free(exact);
        }
    }
    free(copy);
    return 0;
}
