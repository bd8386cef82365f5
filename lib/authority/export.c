#include "lib/authority/export.h"

#include "abi/gen/abi.h"
#include "abi/gen/decode.h"
#include "base/str.h"
#include "lib/badge/badge.h"

struct writer {
    fmt_sink_fn *sink;
    void *context;
};

[[gnu::format(printf, 2, 3)]] static void put(const struct writer *to, const char *format, ...) {
    va_list args;
    va_start(args, format);
    fmt_vprint(to->sink, to->context, format, args);
    va_end(args);
}

// A string of JSON or DOT. Both escape alike what is printable; names have nothing else, and if one had, it is not passed on.
static void put_string(const struct writer *to, const char *text) {
    put(to, "\"");
    for (; *text != '\0'; text++) {
        const char c = *text >= ' ' && *text <= '~' ? *text : '?';
        put(to, c == '"' || c == '\\' ? "\\%c" : "%c", c);
    }
    put(to, "\"");
}

static void put_member(const struct writer *to, const char *name, const char *text) {
    put(to, "\"%s\": ", name);
    put_string(to, text);
}

// Begins the next element of a list; each is a line.
static void put_next(const struct writer *to, bool *first) {
    put(to, *first ? "\n" : ",\n");
    *first = false;
}

// ---- JSON ----

static const char *origin_name(uint32_t origin) {
    static const char *const names[] = {"boot", "created", "copied", "granted", "request", "answer"};
    return origin < sizeof names / sizeof names[0] ? names[origin] : "unknown";
}

static void put_grant(const struct writer *to, const struct authority_grant *grant) {
    put(to, ", \"grant\": {");
    put_member(to, "name", grant->name);
    put(to, ", ");
    put_member(to, "source", grant->source);
    put(to, ", ");
    put_member(to, "file", grant->manifest_file);
    put(to, ", \"line\": %u}", grant->manifest_line);
}

static void put_handle(const struct writer *to, const struct authority *graph, const struct authority_handle *handle) {
    const struct inspect_handle *seen = &handle->seen;
    put(to, "{\"handle\": %u, \"type\": \"%s\", \"rights\": %u, \"badge\": %lu, \"interface\": %lu, \"object\": %lu, ", seen->handle,
        abi_object_name(seen->type), seen->rights, seen->badge, seen->interface_id, seen->object_koid);
    put(to, "\"origin\": \"%s\", \"granter\": %lu, \"method\": %u, \"timeNs\": %lu, \"use\": %u", origin_name(seen->origin),
        seen->granter_koid, seen->method, seen->granted_ns, seen->use);
    if (handle->parent != AUTHORITY_NONE) {
        put(to, ", \"parent\": [%lu, %u]", seen->parent_process_koid, seen->parent_handle);
    }
    if (handle->grant != AUTHORITY_NONE) {
        put_grant(to, &graph->grants.at[handle->grant]);
    }
    put(to, "}");
}

static void put_process(const struct writer *to, const struct authority *graph, const struct authority_process *process) {
    const struct authority_unit *unit = process->unit == AUTHORITY_NONE ? nullptr : &graph->units.at[process->unit];
    bool first = true;
    put(to, "{\"koid\": %lu, ", process->koid);
    put_member(to, "name", process->name);
    put(to, ", \"account\": %lu, \"vspace\": %lu, \"handlesMade\": [%lu, %lu], \"ended\": %s, \"supervisor\": %s, ", process->account_koid,
        process->vspace_koid, process->handles_made, process->handles_made_later, process->ended ? "true" : "false",
        unit != nullptr && unit->kind == AUTHORITY_SUPERVISOR ? "true" : "false");
    put_member(to, "file", unit != nullptr ? unit->manifest_file : "");
    put(to, ", \"line\": %u, \"handles\": [", unit != nullptr ? unit->manifest_line : 0);
    for (uint32_t i = process->first_handle; i < process->first_handle + process->handle_count; i++) {
        put_next(to, &first);
        put_handle(to, graph, &graph->handles.at[i]);
    }
    put(to, "]}");
}

// Interfaces of capabilities by their ids, 0 for any.
static void put_carried(const struct writer *to, const struct authority *graph, const struct authority_method *method, const char *name,
                        bool given) {
    const char *between = "";
    put(to, "\"%s\": [", name);
    for (uint32_t i = method->first_carried; i < method->first_carried + method->carried_count; i++) {
        if (graph->carried.at[i].is_given == given) {
            put(to, "%s%lu", between, graph->carried.at[i].interface_id);
            between = ", ";
        }
    }
    put(to, "], ");
}

static void put_interface(const struct writer *to, const struct authority *graph, const struct authority_interface *interface) {
    bool first = true;
    put(to, "{\"id\": %lu, \"extends\": %lu, ", interface->id, interface->extends_id);
    put_member(to, "name", interface->name);
    put(to, ", ");
    put_member(to, "object", interface->object_type != 0 ? abi_object_name(interface->object_type) : "");
    put(to, ", \"methods\": [");
    for (uint32_t i = 0; i < graph->methods.count; i++) {
        const struct authority_method *method = &graph->methods.at[i];
        if (method->interface_id == interface->id) {
            put_next(to, &first);
            put(to, "{\"ordinal\": %u, ", method->ordinal);
            put_carried(to, graph, method, "brings", false);
            put_carried(to, graph, method, "gives", true);
            put_member(to, "name", method->name);
            put(to, "}");
        }
    }
    put(to, "]}");
}

void authority_write_json(const struct authority *graph, fmt_sink_fn *sink, void *context) {
    const struct writer to = {sink, context};
    bool first = true;
    put(&to, "{\"timeNs\": %lu, \"unseen\": %u,\n\"processes\": [", graph->taken_ns, graph->unseen);
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        put_next(&to, &first);
        put_process(&to, graph, &graph->processes.at[i]);
    }
    put(&to, "],\n\"objects\": [");
    first = true;
    for (uint32_t i = 0; i < graph->objects.count; i++) {
        const struct inspect_object *object = &graph->objects.at[i];
        put_next(&to, &first);
        put(&to, "{\"koid\": %lu, \"type\": \"%s\", \"account\": %lu, \"state\": %u, \"numbers\": [%lu, %lu, %lu, %lu]}", object->koid,
            abi_object_name(object->type), object->account_koid, object->state, object->numbers[0], object->numbers[1],
            object->numbers[2], object->numbers[3]);
    }
    put(&to, "],\n\"accounts\": [");
    first = true;
    for (uint32_t i = 0; i < graph->accounts.count; i++) {
        put_next(&to, &first);
        put(&to, "{\"koid\": %lu, \"parent\": %lu}", graph->accounts.at[i].koid, graph->accounts.at[i].parent_koid);
    }
    put(&to, "],\n\"interfaces\": [");
    first = true;
    for (uint32_t i = 0; i < graph->interfaces.count; i++) {
        put_next(&to, &first);
        put_interface(&to, graph, &graph->interfaces.at[i]);
    }
    put(&to, "]}\n");
}

// ---- DOT ----

static bool is_shown(uint32_t type) {
    return type != OBJECT_PROCESS && type != OBJECT_THREAD && type != OBJECT_VSPACE && type != OBJECT_ACCOUNT && type != OBJECT_ENDPOINT;
}

// From whoever may send to whoever receives.
static void put_calls(const struct writer *to, const struct authority *graph, const struct authority_handle *handle) {
    const struct authority_interface *interface = authority_interface_by_id(graph, handle->seen.interface_id);
    const bool control = badge_controls(handle->seen.badge);
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct authority_handle *other = &graph->handles.at[i];
        if (other->seen.object_koid == handle->seen.object_koid && other->process != handle->process && authority_receives(graph, other)) {
            put(to, "  p%lu -> p%lu [label=", graph->processes.at[handle->process].koid, graph->processes.at[other->process].koid);
            put_string(to, interface != nullptr ? interface->name : "?");
            put(to, "%s];\n", control ? ", style=bold" : "");
        }
    }
}

void authority_write_dot(const struct authority *graph, fmt_sink_fn *sink, void *context) {
    const struct writer to = {sink, context};
    put(&to, "digraph authority {\n  rankdir=LR;\n  node [shape=box];\n");
    for (uint32_t i = 0; i < graph->processes.count; i++) {
        put(&to, "  p%lu [label=", graph->processes.at[i].koid);
        put_string(&to, graph->processes.at[i].name);
        put(&to, "];\n");
    }
    for (uint32_t i = 0; i < graph->objects.count; i++) {
        if (is_shown(graph->objects.at[i].type)) {
            put(&to, "  o%lu [shape=ellipse, label=\"%s\"];\n", graph->objects.at[i].koid, abi_object_name(graph->objects.at[i].type));
        }
    }
    for (uint32_t i = 0; i < graph->handles.count; i++) {
        const struct authority_handle *handle = &graph->handles.at[i];
        if (handle->seen.type == OBJECT_ENDPOINT && (handle->seen.rights & RIGHT_SEND_BIT) != 0) {
            put_calls(&to, graph, handle);
        } else if (is_shown(handle->seen.type) && handle->object != AUTHORITY_NONE) {
            put(&to, "  p%lu -> o%lu;\n", graph->processes.at[handle->process].koid, handle->seen.object_koid);
        }
    }
    put(&to, "}\n");
}

// ---- a certificate ----

void authority_write_certificate(const struct authority *graph, const struct authority_reach *reach, const bool *rogues, uint32_t process,
                                 const char *target, fmt_sink_fn *sink, void *context) {
    const struct writer to = {sink, context};
    const char *between = "";
    bool first = true;
    put(&to, "{\"process\": %lu, ", graph->processes.at[process].koid);
    put_member(&to, "cannotReach", target);
    put(&to, ", \"trusted\": [");
    for (uint32_t p = 0; p < reach->process_count; p++) {
        if (!rogues[p] && !graph->processes.at[p].ended && !authority_is_supervisor(graph, p)) {
            put(&to, "%s%lu", between, graph->processes.at[p].koid);
            between = ", ";
        }
    }
    put(&to, "],\n\"items\": [");
    for (uint32_t i = 0; i < reach->item_count; i++) {
        const struct authority_item *item = &reach->items[i];
        put_next(&to, &first);
        put(&to, "{\"object\": %lu, \"interface\": %lu, \"type\": \"%s\", \"rights\": %u, \"control\": %s}", item->object_koid,
            item->interface_id, abi_object_name(item->type), item->rights, item->control ? "true" : "false");
    }
    put(&to, "],\n\"atMost\": {");
    first = true;
    for (uint32_t p = 0; p < reach->process_count; p++) {
        bool first_item = true;
        put_next(&to, &first);
        put(&to, "\"%lu\": [", graph->processes.at[p].koid);
        for (uint32_t i = 0; i < reach->item_count; i++) {
            if (authority_may_hold(reach, p, i)) {
                put(&to, "%s%u", first_item ? "" : ", ", i);
                first_item = false;
            }
        }
        put(&to, "]");
    }
    put(&to, "}}\n");
}
