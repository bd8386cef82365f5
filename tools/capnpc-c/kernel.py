"""Calls and stand-ins of the kernel's objects, interfaces annotated $kernelObject: the look of calls.py over the kernel's own
encoding, in which each parameter and each result is a word (docs/decisions/kernel-contracts.md)."""
import c
from calls import LOCALS, Method
from names import KERNEL_OBJECT, Names, variable
from schema import SchemaError

WORDS = 8         # of a message (abi/message.h)
HANDLE_WORD = 6   # where handles travel, two in a word
RESULT_HANDLES = 2
NUMBERS = {"uint64": None, "uint32": "UINT32_MAX", "bool": "1"}
TAKEN = (*LOCALS, "answer", "message", "request", "self", "server", "slot", "value")


def is_object(node):
    return node.kind == "interface" and Names.annotation_of(node, KERNEL_OBJECT) is not None


class KernelMethod(Method):
    """One method; `params` and `results` are structs whose fields, in the order of the source, are words."""

    def __init__(self, calls, interface, method):
        super().__init__(calls, interface, method)
        if self.results is None:
            raise SchemaError(f"{self.owner}: a kernel object has no streams")
        handles = {node.id: [f for f in self.words(node) if self.types.is_handle(f.type)] for node in (self.params, self.results)}
        if len(handles[self.params.id]) > 1 or len(handles[self.results.id]) > RESULT_HANDLES:
            raise SchemaError(f"{self.owner}: the kernel takes one capability, and gives {RESULT_HANDLES}")
        for node in (self.params, self.results):
            limit = HANDLE_WORD if handles[node.id] else WORDS
            if len(self.words(node)) > limit:
                raise SchemaError(f"{self.owner}: {len(self.words(node))} fields do not fit in {limit} words")
        if handles[self.results.id] != self.words(self.results)[:len(handles[self.results.id])]:
            raise SchemaError(f"{self.owner}: results that are capabilities come first")

    def words(self, node):
        fields = node.plain_fields()
        if node.scope != 0 or len(fields) != len(node.fields):
            raise SchemaError(f"{self.owner}: the parameters and results of a kernel object are listed by its method")
        for field in fields:
            if field.group is not None or not (field.type.kind in NUMBERS or self.types.is_handle(field.type)):
                raise SchemaError(f"{self.owner}: {field.name} is neither UInt64, UInt32, Bool nor a capability")
        return fields

    def members(self, node):
        """(field, its type, its name as a member)."""
        return [(field, self.types.c(field.type), variable(self.names.field(field))) for field in self.words(node)]

    def handle(self, node):
        """The name of the parameter that is a capability; None."""
        return next((name for field, _kind, name in self.members(node) if self.types.is_handle(field.type)), None)


class KernelCalls:
    """Writes to the header through `structs`, as Calls does; `source` returns lines."""

    def __init__(self, structs):
        self.structs, self.names, self.request, self.types = structs, structs.names, structs.request, structs.types

    def methods(self, node):
        """Number 0 is none of the kernel's."""
        if node.superclasses:
            raise SchemaError(f"{node.display_name} is a kernel object, and extends something")
        return [KernelMethod(self, node, method) for method in sorted(node.methods, key=lambda m: m.order) if method.index != 0]

    # ---- the header ----

    def header(self, node):
        out, name, owner = self.structs, self.names.type(node), node.display_name
        methods = self.methods(node)
        for method in methods:
            out.constant(method.owner, "uint32_t", f"{method.ordinal}_METHOD", method.method.index)
        var = self.names.short(node, LOCALS)
        out.lines.append("")
        out.function(owner, f"struct {name}_target", f"{name}_target", [(f"struct {name}", var)],
                     f"return (struct {name}_target){{rpc_target({var}.handle)}};")
        for method in methods:
            self.bodies(method)
            self.client(method)
            self.promised(method)
        self.server(name, owner, methods)

    def bodies(self, method):
        """What goes in and what comes back: plain values, one a word, which stay good after the call."""
        out = self.structs
        for node, suffix in ((method.params, "params"), (method.results, "results")):
            name = f"{method.base}_{method.name}_{suffix}"
            out.taken.take(f"struct {name}", method.owner)
            members = [f"    {c.declare(kind, member)};" for _field, kind, member in method.members(node)]
            out.lines += ["", f"struct {name} {{", *(members or ["    char none; // there are none"]), "};"]
            for field, kind, member in method.members(node):
                of = variable(suffix)
                out.function(f"{method.owner}.{field.name}", kind, f"{name}_get_{self.names.field(field)}", [(f"struct {name}", of)],
                             f"return {of}.{member};")
        builder = f"struct {method.base}_{method.name}_results_builder"
        out.taken.take(builder, method.owner)
        out.lines.append(f"{builder} {{ struct rpc_kernel_answer *answer; }};")
        self.setters(method, builder)

    def setters(self, method, builder):
        for word, (field, kind, _member) in enumerate(method.members(method.results)):
            name, handle = self.names.field(field), self.types.is_handle(field.type)
            value = f"value{'' if kind == 'handle_t' else '.handle'}" if handle else "value"
            for verb in ("set", "give") if handle else ("set",):
                body = f"rpc_kernel_{verb}_handle(results.answer, {word}, {value});" if handle else f"results.answer->words[{word}] = value;"
                self.structs.function(f"{method.owner}.{field.name}", "void", f"{method.base}_{method.name}_results_{verb}_{name}",
                                      [(builder, "results"), (kind, "value")], body)

    def client(self, method):
        """In one go, as a service's method whose parameters are values; the words stay in registers."""
        var = self.names.short(method.interface, LOCALS)
        own = self.arguments(method, var)
        params = [(f"struct {method.base}", var), ("struct rpc_call *", "call"), *((kind, name) for _field, kind, name in own),
                  ("uint64_t", "deadline_ns"), self.results_param(method)]
        body = [*self.message(method, own),
                *self.fill(method, f"rpc_kernel_call(call, {var}.handle, &message, deadline_ns)", "message.words", "rpc_kernel_handle(call, {})")]
        self.structs.lines += ["", *c.comment(method.method.doc)]
        self.define(method, "status_t", "call", params, body)

    def promised(self, method):
        """Over the ring; the promise of a capability can be called."""
        var, ring = self.names.short(method.interface, LOCALS), ("struct rpc_ring *", "ring")
        own = self.arguments(method, var)
        params = [ring, (f"struct {method.base}_target", var), *((kind, name) for _field, kind, name in own)]
        self.define(method, "struct rpc_promise", "submit", params,
                    [*self.message(method, own), f"return rpc_kernel_submit(ring, {var}.target, &message);"])
        body = ["const struct rpc_slot *slot;",
                *self.fill(method, "rpc_kernel_take(ring, promise, deadline_ns, &slot)", "slot->message.words", "rpc_kernel_taken_handle(slot, {})")]
        self.define(method, "status_t", "take",
                    [ring, ("struct rpc_promise", "promise"), ("uint64_t", "deadline_ns"), self.results_param(method)], body)
        for number, (field, kind, _member) in enumerate(method.members(method.results)):
            if self.types.is_handle(field.type):
                kind = "struct rpc_target" if kind == "handle_t" else f"{kind}_target"
                value = f"rpc_promised(promise, {number})"
                self.structs.function(method.owner, kind, f"{method.base}_{method.name}_promise_{self.names.field(field)}",
                                      [("struct rpc_promise", "promise")],
                                      f"return {value};" if kind == "struct rpc_target" else f"return ({kind}){{{value}}};")

    @staticmethod
    def results_param(method):
        return f"struct {method.base}_{method.name}_results *", "results"

    def define(self, method, result, verb, params, body):
        name = method.function(verb)
        self.structs.taken.take(name, method.owner)
        self.structs.lines += [*c.heading("static inline ", result, name, params, " {"),
                               *(line for each in body for line in c.wrap(f"    {each}")), "}"]

    def fill(self, method, get, words, handle):
        """Statements that get an answer, and make the results of it."""
        made = self.made(method, words, handle)
        if not made:
            return ["(void)results;", f"return {get};"]
        results = f"struct {method.base}_{method.name}_results"
        return [f"TRY({get});", "if (results != nullptr) {", f"    *results = ({results}){{{', '.join(made)}}};", "}", "return STATUS_OK;"]

    def arguments(self, method, var):
        out, taken = [], [var, *TAKEN]
        for field, kind, _member in method.members(method.params):
            name = variable(self.names.field(field), taken)
            taken.append(name)
            out.append((field, kind, name))
        return out

    def message(self, method, own):
        info, values = [f"{method.ordinal}_METHOD"], []
        count = sum(self.types.is_handle(field.type) for field, _kind, _name in method.members(method.results))
        if count:
            info.append(f"tess_accept({count})")
        passed = None
        for field, kind, name in own:
            if self.types.is_handle(field.type):
                name = passed = f"{name}.v" if kind == "handle_t" else f"{name}.handle.v"
            values.append(name)
        if passed is not None: # null does not travel
            info.append(f"rpc_kernel_passes({passed})")
            values.append(f"[{HANDLE_WORD}] = {passed}")
        words = f", .words = {{{', '.join(values)}}}" if values else ""
        return [f"struct tess_message message = {{.info = {' | '.join(info)}{words}}};"]

    def made(self, method, words, handle):
        out = []
        for word, (field, kind, member) in enumerate(method.members(method.results)): # capabilities come first
            value = f"{words}[{word}]"
            if self.types.is_handle(field.type):
                value = handle.format(word) if kind == "handle_t" else f"{{{handle.format(word)}}}"
            elif field.type.kind == "bool":
                value = f"{value} != 0"
            elif field.type.kind == "uint32":
                value = f"(uint32_t){value}"
            out.append(f".{member} = {value}")
        return out

    def server(self, name, owner, methods):
        out = self.structs
        out.taken.take(f"struct {name}_server", owner)
        out.lines += ["", "// The methods of a service that stands in. One that is null gives BAD_METHOD.", f"struct {name}_server {{"]
        for method in methods:
            out.lines += c.wrap(f"    status_t (*{variable(method.name)})({c.signature(self.handler(method))});")
        if not methods:
            out.lines.append("    char none; // it has none")
        out.lines.append("};")
        out.taken.take(f"{name}_dispatch", owner)
        out.lines += c.prototype("status_t", f"{name}_dispatch", self.dispatch_params(name))

    @staticmethod
    def dispatch_params(name):
        return [(f"const struct {name}_server *", "server"), ("void *", "self"), ("struct rpc_request *", "request")]

    @staticmethod
    def handler(method):
        base = f"struct {method.base}_{method.name}"
        return [("void *", "self"), ("struct rpc_request *", "request"), (f"{base}_params", "params"), (f"{base}_results_builder", "results")]

    # ---- the source ----

    def source(self, node):
        name, methods = self.names.type(node), self.methods(node)
        out = c.heading("", "status_t", f"{name}_dispatch", self.dispatch_params(name), " {")
        if not methods:
            return ["", *out, "    (void)server;", "    (void)self;", "    return rpc_kernel_unknown(request);", "}"]
        out += ["    const uint64_t *words = request->words;", "    switch (words == nullptr ? 0 : rpc_ordinal(request)) {"]
        for method in methods:
            out += self.case(method)
        return ["", *out, "    default: break;", "    }", "    return rpc_kernel_unknown(request);", "}"]

    def case(self, method):
        member, base = f"server->{variable(method.name)}", f"struct {method.base}_{method.name}"
        values, checks = [], []
        for word, (field, kind, name) in enumerate(method.members(method.params)):
            value = f"words[{word}]"
            if self.types.is_handle(field.type):
                value = "rpc_kernel_argument(request)" if kind == "handle_t" else "{rpc_kernel_argument(request)}"
            elif NUMBERS[field.type.kind] is not None:
                checks.append(f"{value} > {NUMBERS[field.type.kind]}")
                value = f"({kind}){value}"
            values.append(f".{name} = {value}")
        lines = []
        if checks:
            lines += [f"if ({' || '.join(checks)}) {{", "    return STATUS_BAD_ARGUMENT;", "}"]
        lines += [f"const {base}_params params = {{{', '.join(values)}}};",
                  f"return {member}(self, request, params, ({base}_results_builder){{rpc_kernel_results(request)}});"]
        return [f"    case {method.ordinal}_METHOD:", f"        if ({member} != nullptr) {{",
                *(line for each in lines for line in c.wrap(" " * 12 + each)), "        }", "        break;"]
