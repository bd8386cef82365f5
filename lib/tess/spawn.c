#include "lib/tess/spawn.h"

#include <stdarg.h>

#include "abi/gen/decode.h"
#include "abi/gen/stubs.h"
#include "abi/message.h"
#include "base/align.h"
#include "base/fmt.h"
#include "base/mem.h"
#include "base/str.h"
#include "lib/elf/elf.h"
#include "lib/tess/capset.h"
#include "lib/tess/handle.h"
#include "lib/tess/heap.h"
#include "lib/tess/random.h"
#include "lib/tess/spawn_layout.h"
#include "lib/tess/thread.h"
#include "tess_arch.h"

constexpr uint64_t WRITE_MAX = 64 * 1024; // of one vmo.write

// One private VMO holds, page by page: the bootstrap block, the writable segments, the stack, the message page.
struct build {
    const struct spawn_request *request;
    const uint8_t *image;
    struct elf_plan plan;
    uint64_t bias;
    uint64_t bootstrap_bytes;              // exact
    uint64_t segment_at[ELF_MAX_SEGMENTS]; // offset in the private VMO of each writable segment's first page
    uint64_t stack_at;                     // offset of the stack's lowest page
    uint64_t stack_bytes;
    uint64_t private_bytes;
    uint64_t tls_base;
    handle_t process, vspace, memory, memory_readable;
    uint32_t own_process, own_vspace, own_account; // numbers in the new process
    char *why;
    size_t why_bytes;
};

[[gnu::format(printf, 3, 4)]] static status_t fail(struct build *build, status_t status, const char *format,
                                                   ...) {
    va_list args;
    va_start(args, format);
    fmt_vsnprintf(build->why, build->why_bytes, format, args);
    va_end(args);
    return status;
}

static status_t step(struct build *build, status_t status, const char *what) {
    if (status_ok(status)) {
        return status;
    }
    return fail(build, status, "%s: %s: %s", build->request->name, what,
                status_is(status, STATUS_NO_MEMORY) ? "its account cannot pay for it"
                                                    : abi_status_text(status.code));
}

static uint64_t page_floor(uint64_t address) {
    return align_down(address, PAGE_BYTES);
}

// Pages of a segment, from the one that its first byte lies in.
static uint64_t segment_span(const struct elf_segment *segment) {
    return align_up(segment->address + segment->memory_bytes, PAGE_BYTES) - page_floor(segment->address);
}

static size_t args_bytes(const struct spawn_request *request) {
    size_t bytes = 0;
    for (uint32_t i = 0; i < request->argc; i++) {
        bytes += strlen(request->argv[i]) + 1;
    }
    return bytes;
}

static bool file_is_new(const char *file, const char *before) {
    return file != nullptr && file != before;
}

// Names of files stand there once as long as they do not change: most grants are written in one file.
static size_t files_bytes(const struct spawn_request *request) {
    size_t bytes = file_is_new(request->file, nullptr) ? strlen(request->file) + 1 : 0;
    const char *before = request->file;
    for (uint32_t i = 0; i < request->grant_count; before = request->grants[i++].file) {
        bytes += file_is_new(request->grants[i].file, before) ? strlen(request->grants[i].file) + 1 : 0;
    }
    return bytes;
}

static status_t plan_memory(struct build *build) {
    const struct spawn_request *request = build->request;
    if (request->grant_count > BOOTSTRAP_MAX_CAPS) {
        return fail(build, STATUS_BAD_ARGUMENT, "%s: more than %u capabilities", request->name,
                    BOOTSTRAP_MAX_CAPS);
    }
    build->bootstrap_bytes =
        sizeof(struct bootstrap) + request->grant_count * sizeof(struct bootstrap_cap) + args_bytes(request) +
        files_bytes(request);
    if (build->bootstrap_bytes > BOOTSTRAP_MAX_BYTES) {
        return fail(build, STATUS_BAD_ARGUMENT, "%s: arguments longer than %u bytes", request->name,
                    BOOTSTRAP_MAX_BYTES);
    }
    build->stack_bytes =
        request->stack_bytes == 0 ? SPAWN_STACK_DEFAULT : align_up(request->stack_bytes, PAGE_BYTES);
    if (build->stack_bytes > SPAWN_STACK_MAX) {
        return fail(build, STATUS_BAD_ARGUMENT, "%s: a stack of more than %u KiB", request->name,
                    (unsigned)(SPAWN_STACK_MAX / 1024));
    }
    build->bias = build->plan.position_independent ? IMAGE_BASE - build->plan.low : 0;
    if (!build->plan.position_independent && build->plan.low < IMAGE_BASE) {
        return fail(build, STATUS_BAD_ARGUMENT, "%s: bad ELF file: it is linked at an address below %#lx",
                    request->name, IMAGE_BASE);
    }
    uint64_t at = align_up(build->bootstrap_bytes, PAGE_BYTES);
    for (uint32_t i = 0; i < build->plan.segment_count; i++) {
        if ((build->plan.segments[i].protection & PROT_WRITE) != 0) {
            build->segment_at[i] = at;
            at += segment_span(&build->plan.segments[i]);
        }
    }
    build->stack_at = at;
    build->private_bytes = at + build->stack_bytes + MESSAGE_PAGE_BYTES;
    uint64_t tls_align = build->plan.tls_align > 64 ? build->plan.tls_align : 64;
    build->tls_base = align_down(STACK_TOP - sizeof(struct tess_thread_block), tls_align);
    return STATUS_OK;
}

// Lowest address that the thread-local image takes; the stack begins below.
static uint64_t tls_image_at(const struct build *build) {
    uint64_t align = build->plan.tls_align > 1 ? build->plan.tls_align : 1;
    return build->tls_base - align_up(build->plan.tls_memory_bytes, align);
}

static status_t write_memory(const struct build *build, uint64_t offset, const uint8_t *bytes, uint64_t len) {
    while (len > 0) {
        uint64_t piece = len < WRITE_MAX ? len : WRITE_MAX;
        TRY(tess_vmo_write(build->memory, offset, (uint64_t)bytes, piece, nullptr));
        offset += piece;
        bytes += piece;
        len -= piece;
    }
    return STATUS_OK;
}

static status_t map(const struct build *build, handle_t vmo, uint64_t offset, uint64_t len, uint64_t address,
                    uint32_t protection) {
    return tess_vspace_map(build->vspace, vmo, offset, len, address, protection, nullptr);
}

// A writable segment, of which RELRO may take pages away. What is only to be read is mapped through a
// handle that cannot do more, so that the program cannot give itself the right back.
static status_t map_writable(const struct build *build, const struct elf_segment *segment, uint64_t at) {
    uint64_t first = page_floor(segment->address), end = first + segment_span(segment);
    uint64_t relro = build->plan.relro_address, relro_end = relro + build->plan.relro_bytes;
    if (build->plan.relro_bytes == 0 || relro < first || relro_end > end) {
        relro = relro_end = first;
    }
    const struct {
        uint64_t from, to;
        handle_t vmo;
        uint32_t protection;
    } parts[] = {
        {first, relro, build->memory, PROT_READ | PROT_WRITE},
        {relro, relro_end, build->memory_readable, PROT_READ},
        {relro_end, end, build->memory, PROT_READ | PROT_WRITE},
    };
    for (uint32_t i = 0; i < 3; i++) {
        if (parts[i].to > parts[i].from) {
            TRY(map(build, parts[i].vmo, at + (parts[i].from - first), parts[i].to - parts[i].from,
                    build->bias + parts[i].from, parts[i].protection));
        }
    }
    return STATUS_OK;
}

static status_t map_image(const struct build *build) {
    for (uint32_t i = 0; i < build->plan.segment_count; i++) {
        const struct elf_segment *segment = &build->plan.segments[i];
        if ((segment->protection & PROT_WRITE) != 0) {
            TRY(map_writable(build, segment, build->segment_at[i]));
        } else {
            TRY(map(build, build->request->image,
                    build->request->image_offset + page_floor(segment->file_offset), segment_span(segment),
                    build->bias + page_floor(segment->address), segment->protection));
        }
    }
    TRY(map(build, build->memory_readable, 0, align_up(build->bootstrap_bytes, PAGE_BYTES), BOOTSTRAP_AT,
            PROT_READ));
    return map(build, build->memory, build->stack_at, build->stack_bytes + MESSAGE_PAGE_BYTES,
               STACK_TOP - build->stack_bytes, PROT_READ | PROT_WRITE);
}

// One capability of the caller's into the new process.
static status_t give(const struct build *build, handle_t handle, uint32_t rights, uint32_t *foreign) {
    uint64_t number = 0;
    TRY(tess_process_grant(build->process, handle, rights, 0, &number));
    *foreign = (uint32_t)number;
    return STATUS_OK;
}

static status_t give_all(struct build *build) {
    const struct spawn_request *request = build->request;
    TRY(step(build, give(build, build->process, SPAWN_OWN_PROCESS_RIGHTS, &build->own_process), "granting its process"));
    TRY(step(build, give(build, build->vspace, SPAWN_OWN_VSPACE_RIGHTS, &build->own_vspace), "granting its vspace"));
    if (!request->withhold_account) {
        TRY(step(build, give(build, request->account, SPAWN_OWN_ACCOUNT_RIGHTS, &build->own_account), "granting its account"));
    }
    for (uint32_t i = 0; i < request->grant_count; i++) {
        struct spawn_grant *grant = &request->grants[i];
        grant->foreign = 0;
        if (grant->withheld) {
            continue;
        }
        status_t status = give(build, grant->handle, grant->rights.v, &grant->foreign);
        if (status_ok(status)) {
            status = tess_process_handle_info(tess_self_process(), grant->handle.v, nullptr, nullptr, nullptr, nullptr, &grant->koid);
        }
        if (!status_ok(status)) {
            return fail(build, status, "%s: granting `%s`: %s", request->name, grant->name,
                        abi_status_text(status.code));
        }
    }
    return STATUS_OK;
}

// The block as far as it is laid, and the file whose name was laid last.
struct laying {
    uint8_t *block;
    uint32_t used, file_offset;
    const char *file;
};

static uint32_t lay_file(struct laying *laying, const char *file) {
    if (file == nullptr) {
        laying->file = nullptr;
        return 0;
    }
    if (file_is_new(file, laying->file)) {
        const size_t len = strlen(file) + 1;
        memcpy(laying->block + laying->used, file, len);
        laying->file_offset = laying->used;
        laying->used += (uint32_t)len;
        laying->file = file;
    }
    return laying->file_offset;
}

static void lay_bootstrap(const struct build *build, uint8_t *to) {
    const struct spawn_request *request = build->request;
    struct bootstrap block = {
        .magic = BOOTSTRAP_MAGIC,
        .version = BOOTSTRAP_VERSION,
        .size_bytes = (uint32_t)build->bootstrap_bytes,
        .process = build->own_process,
        .vspace = build->own_vspace,
        .account = build->own_account,
        .image_base = build->bias,
        .message_page = MESSAGE_PAGE_AT,
        .stack_base = STACK_TOP - build->stack_bytes,
        .stack_bytes = build->stack_bytes,
        .tls_base = build->tls_base,
        .clock = tess_bootstrap->clock,
        .seed = {tess_random(), tess_random()},
        .seed_source = tess_bootstrap->seed_source,
        .entry_counter = tess_bootstrap->entry_counter,
        .user_end = tess_bootstrap->user_end,
        .cap_count = request->grant_count,
        .caps_offset = sizeof(struct bootstrap),
        .argc = request->argc,
        .args_bytes = (uint32_t)args_bytes(request),
        .line = request->line,
    };
    block.args_offset = block.caps_offset + request->grant_count * (uint32_t)sizeof(struct bootstrap_cap);
    struct laying laying = {.block = to, .used = block.args_offset + block.args_bytes};
    block.file_offset = lay_file(&laying, request->file);
    (void)str_copy(block.program, sizeof block.program, request->name); // for people: a cut name will do
    memcpy(to, &block, sizeof block);
    uint8_t *at = to + block.caps_offset;
    for (uint32_t i = 0; i < request->grant_count; i++, at += sizeof(struct bootstrap_cap)) {
        const struct spawn_grant *grant = &request->grants[i];
        struct bootstrap_cap cap = {
            .handle = grant->foreign, .type = grant->type, .interface_id = grant->interface_id, .line = grant->line, .koid = grant->koid};
        cap.file_offset = lay_file(&laying, grant->file);
        memcpy(cap.name, grant->name, sizeof cap.name);
        memcpy(at, &cap, sizeof cap);
    }
    for (uint32_t i = 0; i < request->argc; i++) {
        size_t len = strlen(request->argv[i]) + 1;
        memcpy(at, request->argv[i], len);
        at += len;
    }
}

// Bootstrap block and writable segments are put together here and written in one go, up to where the
// last file bytes are; zeros beyond need no write.
static status_t fill_memory(const struct build *build) {
    uint64_t len = build->bootstrap_bytes;
    for (uint32_t i = 0; i < build->plan.segment_count; i++) {
        const struct elf_segment *segment = &build->plan.segments[i];
        if ((segment->protection & PROT_WRITE) != 0 && segment->file_bytes > 0) {
            len = build->segment_at[i] + segment->address % PAGE_BYTES + segment->file_bytes;
        }
    }
    uint8_t *content = calloc(1, len);
    if (content == nullptr) {
        return STATUS_NO_MEMORY;
    }
    lay_bootstrap(build, content);
    for (uint32_t i = 0; i < build->plan.segment_count; i++) {
        const struct elf_segment *segment = &build->plan.segments[i];
        if ((segment->protection & PROT_WRITE) != 0 && segment->file_bytes > 0) {
            uint8_t *to = content + build->segment_at[i] + segment->address % PAGE_BYTES;
            memcpy(to, build->image + segment->file_offset, segment->file_bytes);
            elf_relocate(build->image, &build->plan, segment, build->bias, to);
        }
    }
    status_t status = write_memory(build, 0, content, len);
    free(content);
    TRY(status);

    uint64_t stack_low = STACK_TOP - build->stack_bytes;
    if (build->plan.tls_file_bytes > 0) {
        TRY(write_memory(build, build->stack_at + (tls_image_at(build) - stack_low),
                         build->image + build->plan.tls_file_offset, build->plan.tls_file_bytes));
    }
    return write_memory(build, build->stack_at + (build->tls_base - stack_low),
                        (const uint8_t *)&build->tls_base, sizeof build->tls_base);
}

static status_t start(struct build *build, struct spawned *out) {
    const struct spawn_request *request = build->request;
    if (tess_handle_valid(request->watch)) {
        TRY(step(build, tess_process_watch_exit(build->process, request->watch, request->watch_bits),
                 "watching it"));
    }
    if (tess_handle_valid(request->fault_endpoint)) {
        TRY(step(build, tess_process_set_fault_endpoint(build->process, request->fault_endpoint),
                 "setting its fault endpoint"));
    }
    koid_t koid = {};
    TRY(step(build,
             tess_process_info(build->process, &koid.v, nullptr, nullptr, nullptr, nullptr, nullptr, nullptr,
                               nullptr),
             "looking at it"));
    handle_t thread;
    TRY(step(build,
             tess_process_create_thread(build->process, build->bias + build->plan.entry,
                                        align_down(tls_image_at(build), 16), BOOTSTRAP_AT, MESSAGE_PAGE_AT,
                                        request->band, build->tls_base, &thread),
             "starting its first thread"));
    // It runs from here on. It looks for its thread handle only when it needs it, and then waits; should
    // this fail the account is exhausted already, and the program finds out by itself.
    uint32_t own_thread = 0;
    if (status_ok(give(build, thread, SPAWN_OWN_THREAD_RIGHTS, &own_thread))) {
        const uint32_t words[] = {own_thread, ~own_thread};
        static_assert(offsetof(struct bootstrap, thread_check) == offsetof(struct bootstrap, thread) + sizeof words[0]);
        (void)write_memory(build, offsetof(struct bootstrap, thread), (const uint8_t *)words, sizeof words);
    }
    *out = (struct spawned){
        .process = build->process,
        .thread = thread,
        .koid = koid,
        .own_process = build->own_process,
        .own_thread = own_thread,
        .own_vspace = build->own_vspace,
        .own_account = build->own_account,
        .image_base = build->bias + build->plan.low,
        .image_end = build->bias + build->plan.high,
        .image_bias = build->bias,
        .stack_base = STACK_TOP - build->stack_bytes,
        .stack_end = STACK_TOP,
        .tls_base = build->tls_base,
        .memory = request->keep_memory ? tess_handle_take(&build->memory_readable) : (handle_t){},
        .memory_stack_at = build->stack_at,
    };
    return STATUS_OK;
}

static status_t build_process(struct build *build, struct spawned *out) {
    const struct spawn_request *request = build->request;
    uint64_t name[2] = {};
    memcpy(name, request->name, strnlen(request->name, sizeof name));
    TRY(step(build,
             tess_account_create_process(request->account, name[0], name[1], &build->process, &build->vspace),
             "creating its process"));
    TRY(step(build, tess_account_create_vmo(request->account, build->private_bytes, &build->memory),
             "creating its memory"));
    TRY(step(
        build,
        tess_handle_copy(build->memory, (rights_t){RIGHT_READ_BIT | RIGHT_MAP_BIT}, &build->memory_readable),
        "sharing its memory"));
    TRY(step(build, map_image(build), "mapping it"));
    TRY(give_all(build));
    TRY(step(build, fill_memory(build), "filling its memory"));
    return start(build, out);
}

// The file's bytes, in the loader's own address space for as long as it takes.
static status_t map_file(struct build *build, uint64_t *mapped) {
    const struct spawn_request *request = build->request;
    if (request->mapped != nullptr) {
        build->image = request->mapped;
        return STATUS_OK;
    }
    status_t status = tess_vspace_map(tess_self_vspace(), request->image, request->image_offset,
                                      align_up(request->image_bytes, PAGE_BYTES), 0, PROT_READ, mapped);
    build->image = (const uint8_t *)*mapped;
    return step(build, status, "mapping its file");
}

status_t tess_spawn(const struct spawn_request *request, struct spawned *out, char *why, size_t why_bytes) {
    struct build build = {.request = request, .why = why, .why_bytes = why_bytes};
    uint64_t mapped = 0;
    status_t status = map_file(&build, &mapped);
    if (status_ok(status)) {
        const struct elf_target target = {.machine = TESS_ARCH_ELF_MACHINE,
                                          .relative_type = TESS_ARCH_ELF_RELATIVE};
        enum elf_error error = elf_plan(build.image, request->image_bytes, target, &build.plan);
        if (error != ELF_OK) {
            status = fail(&build, STATUS_BAD_ARGUMENT, "%s: bad ELF file: %s", request->name,
                          elf_error_text(error));
        } else {
            status = plan_memory(&build);
        }
    }
    if (status_ok(status)) {
        status = build_process(&build, out);
    }
    if (mapped != 0) {
        (void)tess_vspace_unmap(tess_self_vspace(), mapped, align_up(request->image_bytes, PAGE_BYTES));
    }
    tess_close(build.memory_readable);
    tess_close(build.memory);
    tess_close(build.vspace);
    if (!status_ok(status)) {
        if (tess_handle_valid(build.process)) {
            // It holds a handle to itself, so it must be ended; that no thread ever ran in it is no matter.
            (void)tess_process_exit(build.process, 0);
            tess_close(build.process);
        }
        return status;
    }
    for (uint32_t i = 0; i < request->grant_count; i++) {
        if (request->grants[i].move) {
            tess_close(request->grants[i].handle);
        }
    }
    return status;
}
