"""Client stubs, promises and server dispatch of interfaces, over lib/rpc (docs/decisions/capnp-c.md, Interfaces)."""
import c
from names import MAX_BYTES, MAX_COUNT, ONE_WAY, REPEATABLE, Names, variable
from schema import SchemaError

STREAM_RESULT = 0x995F9A3377C0B16E  # of /capnp/stream.capnp: a method that streams has no results of its own
REGISTER_WORDS = 5                  # of data, and so many capabilities, travel in registers (lib/rpc/method.h)
REGISTER_POINTERS = 4
LIMITS = {"text": MAX_BYTES, "data": MAX_BYTES, "list": MAX_COUNT} # which of them says how long a value may be
LOCALS = ("call", "deadline_ns", "params", "promise", "request", "results", "ring", "status", "to")


class Method:
    """One method as C sees it."""

    def __init__(self, calls, interface, method):
        self.names, self.types, self.request = calls.names, calls.types, calls.request
        self.interface, self.method = interface, method
        self.owner = f"{interface.display_name}.{method.name}"
        self.name = self.names.own(method, method.name)
        self.base = self.names.type(interface)
        self.constant = f"{self.base}_{self.name}_method"
        self.ordinal = self.names.member(interface, method)
        self.params = self.request.node(method.params)
        self.results = None if method.results == STREAM_RESULT else self.request.node(method.results)

    def function(self, verb):
        return f"{self.base}_{verb}_{self.name}"

    def params_type(self):
        return self.names.type(self.params)

    def params_builder(self):
        return f"struct {self.params_type()}_builder"

    def results_type(self):
        return self.names.type(self.results)

    def results_param(self):
        return [] if self.results is None else [(f"struct {self.results_type()} *", "results")]

    def simple(self):
        """Whether all parameters can be arguments: the schema lists them, and each is one value."""
        return self.params.scope == 0 and all(
            field.group is None and field.type.kind not in ("list", "struct") and field.discriminant is None
            and (field.type.kind != "any" or self.types.is_handle(field.type)) for field in self.params.fields)

    def sendable(self):
        """Whether a caller may go on without an answer."""
        return self.results is None or not self.results.fields or Names.annotation_of(self.method, ONE_WAY) is not None

    def plain(self):
        """Whether the parameters are nothing but numbers that fit into registers, and each is an argument."""
        return self.simple() and self.params.pointers == 0 and self.params.data_words <= REGISTER_WORDS

    def shape(self, node):
        """struct rpc_shape of parameters or results."""
        if node is None:
            return "{0, 0, true}"
        pointers = {}
        for field in self.leaves(node):
            if field.type.is_pointer():
                pointers.setdefault(field.offset, []).append(self.types.is_handle(field.type))
        small = node.data_words <= REGISTER_WORDS and node.pointers <= REGISTER_POINTERS
        small = small and len(pointers) == node.pointers and all(all(kinds) for kinds in pointers.values())
        upper = self.names.upper(node)
        return f"{{{upper}_DATA_WORDS, {upper}_POINTERS, {'true' if small else 'false'}}}"

    def leaves(self, node):
        for field in node.fields:
            if field.group is not None:
                yield from self.leaves(self.request.node(field.group))
            else:
                yield field

    def arguments(self, self_name):
        """(field, type, name) of each."""
        out, taken = [], [self_name, *LOCALS]
        for field in self.params.plain_fields():
            if field.type.kind != "void":
                name = variable(self.names.field(field), taken)
                taken.append(name)
                out.append((field, self.types.c(field.type), name))
        return out


class Calls:
    """Writes to the header through `structs`, as the accessors do. All of it is inline: the constants of a method are then
    seen where it is called and served, and a program without floating-point registers can include what it cannot call."""

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

    def self_name(self, node):
        return self.names.short(node, LOCALS)

    # ---- the header ----

    def header(self, node):
        out, name, owner = self.structs, self.names.type(node), node.display_name
        methods = self.methods(node)
        for method in methods:
            out.constant(method.owner, "uint16_t", method.ordinal, method.method.index)
        for method in methods:
            out.taken.take(method.constant, method.owner)
            out.lines += ["", *self.description(method)]
        self.casts(node, name, owner)
        for method in methods:
            self.client(node, method)
            self.promised(node, method)
        self.server(node, name, owner, methods)

    def casts(self, node, name, owner):
        var = self.self_name(node)
        own = [(f"struct {name}", var)]
        self.structs.lines.append("")
        self.structs.function(owner, f"struct {name}_target", f"{name}_target", own,
                              f"return (struct {name}_target){{rpc_target({var}.handle)}};")
        for above, _path in self.ancestors(node):
            other = self.names.type(above)
            self.structs.function(owner, f"struct {other}", f"{name}_as_{other}", own,
                                  f"return (struct {other}){{{var}.handle}};")

    def client(self, node, method):
        out, var = self.structs, self.self_name(node)
        doc = ["", *c.comment(method.method.doc)]
        begin = f"rpc_begin(call, {var}.handle, &{method.constant})"
        out.function(method.owner, method.params_builder(), method.function("begin"),
                     [(f"struct {method.base}", var), ("struct rpc_call *", "call")],
                     f"return ({method.params_builder()}){{{begin}}};", doc=doc)
        self.fetch(method, "finish", "rpc_finish(call, deadline_ns", [("struct rpc_call *", "call"), ("uint64_t", "deadline_ns")])
        if method.simple():
            out.function(method.owner, "status_t", method.function("call"), self.call_params(method, var),
                         *self.call_plain(method, var) if method.plain() else self.call_general(method, var))
            if method.sendable():
                out.function(method.owner, "status_t", method.function("send"), self.send_params(method, var),
                             *self.filled(method, f"{method.function('begin')}({var}, call)", method.arguments(var)),
                             "return rpc_send(call, deadline_ns);")

    def call_plain(self, method, var):
        arguments, place = method.arguments(var), self.place(method)
        params = f"{{rpc_plain_params(&request, &{method.constant})}}"
        return ["struct tess_message request = {};", *(self.filled(method, params, arguments) if arguments else []),
                f"return rpc_call_plain(call, {var}.handle, &{method.constant}, request, deadline_ns, {place});"]

    def call_general(self, method, var):
        results = ["results"] if method.results is not None else []
        return [*self.filled(method, f"{method.function('begin')}({var}, call)", method.arguments(var)),
                f"return {method.function('finish')}({', '.join(['call', 'deadline_ns', *results])});"]

    @staticmethod
    def place(method):
        """Where results go: a caller that wants none gives no place for them."""
        return "results == nullptr ? nullptr : &results->s" if method.results is not None else "nullptr"

    def fetch(self, method, verb, call, params):
        """What waits for results."""
        self.structs.function(method.owner, "status_t", method.function(verb), [*params, *method.results_param()],
                              f"return {call}, {self.place(method)});")

    @staticmethod
    def passed(method, var):
        return [(kind, name) for _field, kind, name in method.arguments(var)]

    def send_params(self, method, var):
        return [(f"struct {method.base}", var), ("struct rpc_call *", "call"), *self.passed(method, var), ("uint64_t", "deadline_ns")]

    def call_params(self, method, var):
        return [*self.send_params(method, var), *method.results_param()]

    def submit_params(self, method, var):
        return [("struct rpc_ring *", "ring"), (f"struct {method.base}_target", var), *self.passed(method, var)]

    def promised(self, node, method):
        out, var = self.structs, self.self_name(node)
        ring = ("struct rpc_ring *", "ring")
        if method.simple():
            out.function(method.owner, "struct rpc_promise", method.function("submit"), self.submit_params(method, var),
                         *self.submit_body(method, var))
        else:
            begin = f"rpc_submit_begin(ring, &{method.constant}, promise)"
            out.function(method.owner, method.params_builder(), method.function("submit_begin"),
                         [ring, ("struct rpc_promise *", "promise")], f"return ({method.params_builder()}){{{begin}}};")
        self.fetch(method, "take", "rpc_take(ring, promise, deadline_ns",
                   [ring, ("struct rpc_promise", "promise"), ("uint64_t", "deadline_ns")])
        for number, field in enumerate(self.handles_of(method.results)):
            typed = field.type.kind == "interface"
            kind = f"struct {self.types.name(field.type)}_target" if typed else "struct rpc_target"
            value = f"rpc_promised(promise, {number})"
            out.function(method.owner, kind, f"{method.base}_{method.name}_promise_{self.names.field(field)}",
                         [("struct rpc_promise", "promise")], f"return ({kind}){{{value}}};" if typed else f"return {value};")

    def handles_of(self, results):
        """The capability fields of a struct in the order in which they travel."""
        fields = results.fields if results is not None else []
        return sorted((f for f in fields if f.group is None and f.discriminant is None and self.types.is_handle(f.type)),
                      key=lambda f: f.offset)

    def server(self, node, name, owner, methods):
        out = self.structs
        out.taken.take(f"struct {name}_server", owner)
        out.lines += ["", "// The methods of a service. One that is null is unimplemented.", f"struct {name}_server {{"]
        for number, _brand in node.superclasses:
            above = self.names.type(self.request.node(number))
            out.lines.append(f"    struct {above}_server {above};")
        for method in methods:
            out.lines += c.wrap(f"    status_t (*{variable(method.name)})({c.signature(self.handler(method))});")
        if not methods and not node.superclasses:
            out.lines.append("    char none; // it has none")
        out.lines.append("};")
        out.taken.take(f"{name}_dispatch", owner)
        out.lines += ["", *self.dispatch(node, methods)]

    @staticmethod
    def dispatch_params(name):
        return [(f"const struct {name}_server *", "server"), ("void *", "self"), ("struct rpc_request *", "request")]

    @staticmethod
    def handler(method):
        params = [("void *", "self"), ("struct rpc_request *", "request"), (f"struct {method.params_type()}", "params")]
        return params if method.results is None else [*params, (f"struct {method.results_type()}_builder", "results")]

    @staticmethod
    def description(method):
        repeatable = Names.annotation_of(method.method, REPEATABLE) is not None
        extends = bool(method.interface.superclasses)
        return [f"constexpr struct rpc_method {method.constant} = {{",
                f"    .interface_id = {method.names.upper(method.interface)}_ID,",
                f"    .ordinal = {method.ordinal},",
                *(["    .repeatable = true,"] if repeatable else []),
                *c.wrap(f"    .params = {method.shape(method.params)},"),
                *c.wrap(f"    .results = {method.shape(method.results)},"),
                *(["    .extends = true,"] if extends else []), "};"]

    def filled(self, method, begin, arguments):
        """Statements that make the parameters of the arguments."""
        if not arguments:
            return [f"(void){begin};"]
        return [f"{method.params_builder()} params = {begin};",
                *(f"{method.params_type()}_set_{self.names.field(field)}(params, {name});" for field, _kind, name in arguments)]

    def submit_body(self, method, var):
        arguments = method.arguments(var)
        begin = f"rpc_submit_begin(ring, &{method.constant}, &promise)"
        return ["struct rpc_promise promise;", *self.filled(method, f"{{{begin}}}" if arguments else begin, arguments),
                f"rpc_submit(ring, &promise, {var}.target);", "return promise;"]

    def extensions(self, node):
        """The interfaces of the same file that extend this one: who asks for one of those here has the capability for all."""
        return [other for other in self.request.nodes.values() if other.kind == "interface" and other.scope == node.scope
                and any(number == node.id for number, _brand in other.superclasses)]

    def dispatch(self, node, methods):
        name = self.names.type(node)
        out = c.heading("static inline ", "status_t", f"{name}_dispatch", self.dispatch_params(name), " {")
        ancestors = self.ancestors(node)
        for above, path in ancestors:
            other = self.names.type(above)
            out += [f"    if (request->interface_id == {other.upper()}_ID) {{",
                    *c.wrap(f"        return {other}_dispatch(&server->{'.'.join(path)}, self, request);"), "    }"]
        if not methods:
            unused = [] if ancestors else ["    (void)server;", "    (void)self;"]
            return [*out, *unused, "    return rpc_unimplemented(request);", "}"]
        for below in self.extensions(node):
            out += [f"    if (request->interface_id == {self.names.type(below).upper()}_ID) {{",
                    f'        return rpc_denied(request, "{below.short_name}");', "    }"]
        out += [f"    if (request->interface_id != {name.upper()}_ID) {{", "        return rpc_unimplemented(request);", "    }",
                "    switch (rpc_ordinal(request)) {"]
        for method in methods:
            out += self.case(method)
        return [*out, "    default: break;", "    }", "    return rpc_unimplemented(request);", "}"]

    def case(self, method):
        member = f"server->{variable(method.name)}"
        made = [f"struct {method.params_type()} params = {{rpc_params(request)}};", *self.limits(method)]
        results = f"rpc_results(request, &{method.constant})"
        if method.results is None:
            made.append(f"(void){results};")
        else:
            made.append(f"struct {method.results_type()}_builder results = {{{results}}};")
        passed = ["self", "request", "params"] + (["results"] if method.results is not None else [])
        lines = [*made, f"return {member}({', '.join(passed)});"]
        return [f"    case {method.ordinal}:", f"        if ({member} != nullptr) {{",
                *(line for each in lines for line in c.wrap(" " * 12 + each)), "        }", "        break;"]

    def limits(self, method):
        """What the contract says of how long a parameter may be."""
        self.misplaced_limits(method)
        out = []
        for field in method.params.plain_fields():
            kind = LIMITS.get(field.type.kind) if field.group is None else None
            limit = Names.annotation_of(field, kind)
            if limit is None:
                continue
            get = f"{method.params_type()}_get_{self.names.field(field)}(params)"
            found = f"{self.types.list_name(field.type.element)}_count({get})" if kind == MAX_COUNT else f"{get}.len"
            unit = "elements" if kind == MAX_COUNT else "bytes"
            out += [f"if ({found} > {limit}) {{",
                    f'    return rpc_refuse(request, RPC_INVALID_ARGUMENT, "{field.name} is longer than {limit} {unit}");', "}"]
        return out

    @staticmethod
    def misplaced_limits(method):
        """A limit that nobody would check is an error of the schema. (The standard compiler allows them on parameters alone.)"""
        for node, are_params in ((method.params, True), (method.results, False)):
            for field in node.fields if node is not None else []:
                for name, kind in (("maxBytes", MAX_BYTES), ("maxCount", MAX_COUNT)):
                    wanted = are_params and field.group is None and LIMITS.get(field.type.kind) == kind
                    if Names.annotation_of(field, kind) is not None and not wanted:
                        raise SchemaError(f"{method.owner}: ${name} on {field.name} would be checked by nobody: it is for parameters "
                                          f"that are {'texts or data' if kind == MAX_BYTES else 'lists'}")
