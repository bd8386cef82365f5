#include "lib/time/zones.h"

#include "base/mem.h"
#include "lib/capnp/canonical.h"
#include "lib/capnp/frame.h"

bool zones_open(const void *bytes, size_t len_bytes, struct zones *out) {
    size_t used;
    *out = (struct zones){};
    if (!status_ok(capnp_frame_open(bytes, len_bytes, &out->segment, 1, &out->message, &used)) ||
        !status_ok(capnp_check_canonical(out->segment.words, out->segment.count))) {
        return false;
    }
    out->message.traversal_words = UINT64_MAX; // canonical: nothing in it can be read twice (lib/manifest)
    out->files = time_zone_files_root(&out->message);
    out->count = time_zone_name_list_count(time_zone_files_get_names(out->files));
    return status_ok(capnp_status(&out->message));
}

struct capnp_text zones_name(const struct zones *zones, uint32_t index) {
    return time_zone_name_get_name(time_zone_name_list_get(time_zone_files_get_names(zones->files), index));
}

static int compare(struct capnp_text a, struct capnp_text b) {
    const int order = memcmp(a.bytes, b.bytes, a.len < b.len ? a.len : b.len);
    return order != 0 ? order : a.len < b.len ? -1 : a.len > b.len;
}

uint32_t zones_first(const struct zones *zones, struct capnp_text prefix) {
    uint32_t low = 0, high = zones->count;
    while (low < high) {
        const uint32_t middle = low + (high - low) / 2;
        if (compare(zones_name(zones, middle), prefix) < 0) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

bool zones_find(const struct zones *zones, struct capnp_text name, struct zone *out) {
    const uint32_t index = zones_first(zones, name);
    if (index < zones->count && compare(zones_name(zones, index), name) == 0) {
        const struct capnp_data_list files = time_zone_files_get_files(zones->files);
        const uint16_t file = time_zone_name_get_file(time_zone_name_list_get(time_zone_files_get_names(zones->files), index));
        if (file >= capnp_data_list_count(files)) {
            return false;
        }
        const struct capnp_data data = capnp_data_list_get(files, file);
        return zone_open(data.bytes, data.len, out);
    }
    *out = zone_utc;
    return name.len == 3 && memcmp(name.bytes, "UTC", 3) == 0;
}
