"""Client stubs, server dispatch and promises of interfaces (docs/decisions/capnp-c.md, Interfaces)."""
import c
from names import variable

STREAM_RESULT = 0x995F9A3377C0B16E  # of /capnp/stream.capnp: a method that streams has no results of its own
REGISTER_WORDS = 5                  # data of parameters that travels in registers (docs/decisions/contract-calls.md)
REGISTER_HANDLES = 4
LOCALS = ("call", "deadline_ns", "message", "out", "params", "promise", "ring")


class Method:
    """One method as C sees it."""

    def __init__(self, calls, interface, method):
        self.names, self.types, self.request = calls.names, calls.types, calls.request
        self.interface, self.method = interface, method
        self.owner = f"{interface.display_name}.{method.name}"
        self.name = self.names.own(method, method.name)
        self.base = self.names.type(interface)
        self.ordinal = self.names.member(interface, method)
        self.params = self.request.node(method.params)
        self.results = None if method.results == STREAM_RESULT else self.request.node(method.results)

    def function(self, verb):
        return f"{self.base}_{verb}_{self.name}"

    def params_type(self):
        return self.names.type(self.params)

    def results_type(self):
        return self.names.type(self.results)

    def has_results(self):
        return self.results is not None and bool(self.results.fields)

    def results_param(self):
        """What a call leaves its results in; nothing where there are none."""
        return [(f"struct {self.results_type()} *", "out")] if self.has_results() else []

    def results_place(self):
        return "&out->s" if self.has_results() else "nullptr"

    def size(self, node):
        upper = self.names.upper(node)
        return f"{upper}_DATA_WORDS, {upper}_POINTERS"

    def identity(self):
        return f"{self.names.upper(self.interface)}_TYPE_ID, {self.ordinal}"

    def simple(self):
        """Whether all parameters can be arguments: the schema lists them, and each is one value."""
        kinds = ("list", "struct")
        return self.params.scope == 0 and all(
            field.group is None and field.type.kind not in kinds and field.discriminant is None
            and (field.type.kind != "any" or self.types.is_handle(field.type)) for field in self.params.fields)

    def in_registers(self):
        return self.params.data_words <= REGISTER_WORDS and self.params.pointers <= REGISTER_HANDLES and all(
            not field.type.is_pointer() or self.types.is_handle(field.type) for field in self.params.fields)

    def arguments(self, self_name):
        """(field, type, name) of each."""
        out, taken = [], [self_name, *LOCALS]
        for field in self.params.plain_fields():
            if field.type.kind != "void":
                name = variable(self.names.field(field), taken)
                taken.append(name)
                out.append((field, self.types.c(field.type), name))
        return out


def made(kind, value):
    """Statements that return a struct with one member; two where one is too long."""
    whole = f"return ({kind}){{{value}}};"
    return [whole] if len(whole) + 4 <= c.COLUMNS else [f"struct capnp_struct_builder s = {value};", f"return ({kind}){{s}};"]


class Calls:
    """Writes to the header through `structs`, as the accessors do; `source` returns lines."""

    def __init__(self, structs):
        self.structs, self.names, self.request, self.types = structs, structs.names, structs.request, structs.types

    def methods(self, node):
        return [Method(self, node, method) for method in sorted(node.methods, key=lambda m: m.order)]

    def ancestors(self, node):
        """(ancestor, path of members in the server table that leads to it), each once, nearest first."""
        out, waiting = {}, [(self.request.node(number), ()) for number, _brand in node.superclasses]
        while waiting:
            above, path = waiting.pop(0)
            path = (*path, self.names.type(above))
            if above.id not in out:
                out[above.id] = (above, path)
            waiting += [(self.request.node(number), path) for number, _brand in above.superclasses]
        return list(out.values())

    # ---- the header ----

    def header(self, node):
        out, name, owner = self.structs, self.names.type(node), node.display_name
        methods = self.methods(node)
        for method in methods:
            out.constant(method.owner, "uint16_t", method.ordinal, method.method.index)
        self.casts(node, name, owner)
        for method in methods:
            self.client(node, method)
            self.promised(node, method)
        self.server(node, name, owner, methods)

    def self_name(self, node):
        return self.names.short(node, LOCALS)

    def casts(self, node, name, owner):
        var = self.self_name(node)
        ancestors = self.ancestors(node)
        self.structs.lines.append("")
        self.structs.function(owner, f"struct {name}_target", f"{name}_target", [(f"struct {name}", var)],
                              f"return (struct {name}_target){{rpc_target({var}.handle)}};")
        for above, _path in ancestors:
            other = self.names.type(above)
            self.structs.function(owner, f"struct {other}", f"{name}_as_{other}", [(f"struct {name}", var)],
                                  f"return (struct {other}){{{var}.handle}};")

    def client(self, node, method):
        out, var = self.structs, self.self_name(node)
        own = (f"struct {method.base}", var)
        deadline = ("uint64_t", "deadline_ns")
        doc = ["", *c.comment(method.method.doc)]
        if method.simple():
            name = method.function("call")
            out.taken.take(name, method.owner)
            out.lines += [*doc, *c.prototype("status_t", name, [own, *self.passed(method, var), deadline, *method.results_param()])]
            doc = []
        params = f"struct {method.params_type()}_builder"
        begin = f"rpc_begin(call, {var}.handle, {method.identity()}, {method.size(method.params)})"
        out.function(method.owner, params, method.function("begin"), [own, ("struct rpc_call *", "call")],
                     *made(params, begin), doc=doc)
        out.function(method.owner, "status_t", method.function("finish"),
                     [("struct rpc_call *", "call"), deadline, *method.results_param()],
                     f"return rpc_finish(call, deadline_ns, {method.results_place()});")

    @staticmethod
    def passed(method, var):
        return [(kind, name) for _field, kind, name in method.arguments(var)]

    def promised(self, node, method):
        out, var = self.structs, self.self_name(node)
        target = (f"struct {method.base}_target", var)
        ring = ("struct rpc_ring *", "ring")
        params = f"struct {method.params_type()}_builder"
        prepare = f"rpc_prepare(ring, {var}.target, {method.identity()}, {method.size(method.params)})"
        out.function(method.owner, params, method.function("prepare"), [ring, target], *made(params, prepare))
        if method.simple():
            name = method.function("submit")
            out.taken.take(name, method.owner)
            out.lines += c.prototype("struct rpc_promise", name, [ring, target, *self.passed(method, var)])
        out.function(method.owner, "status_t", method.function("take"),
                     [ring, ("struct rpc_promise", "promise"), ("uint64_t", "deadline_ns"), *method.results_param()],
                     f"return rpc_take(ring, promise, deadline_ns, {method.results_place()});")
        for number, field in enumerate(self.handles_of(method.results)):
            kind = f"struct {self.types.name(field.type)}_target" if field.type.kind == "interface" else "struct rpc_target"
            value = f"rpc_promised(promise, {number})"
            out.function(method.owner, kind, f"{method.base}_{method.name}_promise_{self.names.field(field)}",
                         [("struct rpc_promise", "promise")],
                         f"return ({kind}){{{value}}};" if field.type.kind == "interface" else f"return {value};")

    def handles_of(self, results):
        """The capability fields of a struct in the order in which they travel."""
        fields = results.fields if results is not None else []
        return sorted((f for f in fields if f.group is None and f.discriminant is None and self.types.is_handle(f.type)),
                      key=lambda f: f.offset)

    def server(self, node, name, owner, methods):
        out = self.structs
        out.taken.take(f"struct {name}_server", owner)
        out.lines += ["", "// The methods that a service has; what is null is answered with UNIMPLEMENTED.", f"struct {name}_server {{"]
        for number, _brand in node.superclasses:
            above = self.names.type(self.request.node(number))
            out.lines.append(f"    struct {above}_server {above};")
        for method in methods:
            out.lines += c.wrap(f"    status_t (*{variable(method.name)})({c.signature(self.handler(method))});")
        if not methods and not node.superclasses:
            out.lines.append("    char none; // it has no methods")
        out.lines.append("};")
        out.taken.take(f"{name}_dispatch", owner)
        out.lines += c.prototype("status_t", f"{name}_dispatch", self.dispatch_params(name))

    @staticmethod
    def dispatch_params(name):
        return [(f"const struct {name}_server *", "server"), ("void *", "self"), ("struct rpc_request *", "request")]

    @staticmethod
    def handler(method):
        params = [("void *", "self"), ("struct rpc_request *", "request")]
        if method.params.fields:
            params.append((f"struct {method.params_type()}", "params"))
        if method.has_results():
            params.append((f"struct {method.results_type()}_builder", "results"))
        return params

    # ---- the source ----

    def source(self, node):
        out = []
        for method in self.methods(node):
            if method.simple():
                out += ["", *self.call_body(node, method), "", *self.submit_body(node, method)]
        return out + ["", *self.dispatch(node)]

    def call_body(self, node, method):
        var = self.self_name(node)
        arguments = method.arguments(var)
        params = [(f"struct {method.base}", var), *((kind, name) for _f, kind, name in arguments),
                  ("uint64_t", "deadline_ns"), *method.results_param()]
        kind = f"struct {method.params_type()}_builder"
        if method.in_registers():
            size = f"{self.names.upper(method.params)}_DATA_WORDS"
            used = any(not field.type.is_pointer() for field, _kind, _name in arguments)
            start = f"rpc_registers(&message, {method.identity()}, {size})"
            body = ["struct tess_message message;", f"{kind} params = {{{start}}};" if used else f"(void){start};"]
            for field, _kind, name in arguments:
                if field.type.is_pointer():
                    handle = f"{name}.handle" if field.type.kind == "interface" else name
                    body.append(f"rpc_registers_handle(&message, {field.offset}, {handle});")
                else:
                    body.append(f"{method.params_type()}_set_{self.names.field(field)}(params, {name});")
            body.append(f"return rpc_exchange({var}.handle, &message, deadline_ns, {method.results_place()});")
        else:
            results = ["out"] if method.has_results() else []
            body = ["struct rpc_call call;", f"{kind} params = {method.function('begin')}({var}, &call);",
                    *self.setters(method, arguments),
                    f"return {method.function('finish')}({', '.join(['&call', 'deadline_ns', *results])});"]
        return c.function("status_t", method.function("call"), params, body, inline=False)

    def submit_body(self, node, method):
        var = self.self_name(node)
        arguments = method.arguments(var)
        params = [("struct rpc_ring *", "ring"), (f"struct {method.base}_target", var),
                  *((kind, name) for _f, kind, name in arguments)]
        prepared = f"{method.function('prepare')}(ring, {var});"
        first = f"struct {method.params_type()}_builder params = {prepared}" if arguments else f"(void){prepared}"
        body = [first, *self.setters(method, arguments), "return rpc_submit(ring);"]
        return c.function("struct rpc_promise", method.function("submit"), params, body, inline=False)

    def setters(self, method, arguments):
        return [f"{method.params_type()}_set_{self.names.field(field)}(params, {name});" for field, _kind, name in arguments]

    def dispatch(self, node):
        name = self.names.type(node)
        lines = c.prototype("status_t", f"{name}_dispatch", self.dispatch_params(name))
        out = [*lines[:-1], lines[-1].removesuffix(";") + " {"]
        ancestors = self.ancestors(node)
        methods = self.methods(node)
        out += ["    switch (request->interface) {"] if ancestors else \
               [f"    if (request->interface != {name.upper()}_TYPE_ID) {{", "        return rpc_unimplemented(request);", "    }"]
        if ancestors:
            out.append(f"    case {name.upper()}_TYPE_ID: break;")
            for above, path in ancestors:
                call = f"return {self.names.type(above)}_dispatch(&server->{'.'.join(path)}, self, request);"
                out += c.wrap(f"    case {self.names.upper(above)}_TYPE_ID: {call}")
            out += ["    default: return rpc_unimplemented(request);", "    }"]
        if methods:
            out.append("    switch (request->method) {")
            for method in methods:
                out += self.case(method)
            out += ["    default: break;", "    }"]
        elif not ancestors:
            out += ["    (void)server;", "    (void)self;"]
        elif not methods:
            pass
        return [*out, "    return rpc_unimplemented(request);", "}"]

    def case(self, method):
        member = f"server->{variable(method.name)}"
        passed, made = ["self", "request"], []
        if method.params.fields:
            passed.append("params")
            made.append(f"struct {method.params_type()} params = {{rpc_params(request)}};")
        if method.has_results():
            passed.append("results")
            made.append(f"struct {method.results_type()}_builder results = {{rpc_results(request, {method.size(method.results)})}};")
        return [f"    case {method.ordinal}:", f"        if ({member} != nullptr) {{",
                *(line for each in [*made, f"return {member}({', '.join(passed)});"] for line in c.wrap(" " * 12 + each)),
                "        }", "        break;"]
