"""Writes services of all contracts (not of the kernel's objects, which have no messages) that read every field of what
they are sent: readers.py OUTPUT IDL CONTRACT...

For each interface a server whose methods go through their parameters by the generated getters and leave the answer to
dispatch_fuzz.c; and a table of the interfaces, with their methods and those that they inherit.
"""
import pathlib
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent.parent / "tools" / "capnpc-c"))
import c  # noqa: E402
import files  # noqa: E402
import kernel  # noqa: E402
import schema  # noqa: E402
from names import variable  # noqa: E402


class Readers:
    def __init__(self, generated):
        self.names, self.types, self.calls = generated.names, generated.types, generated.calls
        self.request, self.nodes = generated.request, generated.nodes
        self.interfaces = [node for node in generated.ancestors_first() if not kernel.is_object(node)]
        self.lines = []

    def write(self):
        readers = self.reachable()
        self.lines += [f"static void see_{self.names.type(node)}(struct {self.names.type(node)} s);" for node in readers]
        for node in readers:
            self.reader(node)
        for node in self.interfaces:
            self.server(node)
        return self.lines

    def reachable(self):
        """The structs and groups that are parameters of a method, or in one."""
        found, waiting = {}, [method.params for node in self.interfaces for method in self.calls.methods(node)]
        while waiting:
            node = waiting.pop()
            if node.id in found:
                continue
            found[node.id] = node
            for field in node.fields:
                of = field.type
                while of is not None and of.kind == "list":
                    of = of.element
                if field.group is not None or of.kind == "struct":
                    waiting.append(self.request.node(field.group if field.group is not None else of.id))
        return list(found.values())

    def reader(self, node):
        name = self.names.type(node)
        self.lines += ["", f"static void see_{name}(struct {name} s) {{"]
        self.lines.append("    (void)s;" if node.is_group else "    see_struct(s.s);")
        self.lines += [f"    see_number({name}_which(s));"] if node.discriminants else []
        for field in node.fields:
            get = f"{name}_get_{self.names.field(field)}(s)"
            if field.group is not None:
                self.lines.append(f"    see_{self.names.type(self.request.node(field.group))}({get});")
            elif field.type.kind != "void":
                self.lines += [f"    {line}" for line in self.value(field.type, get)]
        self.lines.append("}")

    def value(self, of, get):
        """Statements that look at all there is."""
        match of.kind:
            case "void":
                return []
            case "text" | "data":
                return [f"see_{of.kind}({get});"]
            case "struct":
                return [f"see_{self.names.type(self.request.node(of.id))}({get});"]
            case "interface":
                return [f"see_handle({get}.handle);"]
            case "any":
                return [f"see_handle({get});" if self.types.is_handle(of) else f"see_pointer({get});"]
            case "list":
                return self.list(of, get)
            case "float32" | "float64":
                return [f"see_number({get} > 0);"]
        return [f"see_number((uint64_t){get});"]

    def list(self, of, get):
        name = self.types.list_name(of.element)
        element = f"{name}_get(list, i)"
        kind = of.element.kind
        inner = [f"see_pointer({element});"] if kind in ("list", "any") else self.value(of.element, element)
        return ["{", f"    const {self.types.c(of)} list = {get};", "    see_list(list.list);",
                *([f"    for (uint32_t i = 0; i < {name}_count(list); i++) {{", *(f"        {line}" for line in inner), "    }"]
                  if inner else []), "}"]

    def server(self, node):
        name, methods = self.names.type(node), self.calls.methods(node)
        for method in methods:
            results = "results.s" if method.results is not None else "(struct capnp_struct_builder){}"
            self.lines += ["", f"static status_t do_{name}_{method.name}({c.signature(self.calls.handler(method))}) {{",
                           "    (void)self;", f"    see_{method.params_type()}(params);",
                           f"    return fuzz_answer(request, params.s, {results});", "}"]
        family = [(node, ()), *self.calls.ancestors(node)]
        self.lines += ["", f"static const struct {name}_server {name}_methods = {{"]
        self.lines += [f"    .{'.'.join((*path, variable(method.name)))} = do_{self.names.type(above)}_{method.name},"
                       for above, path in family for method in self.calls.methods(above)]
        self.lines += ["};", f"static status_t dispatch_{name}(struct rpc_request *request) {{",
                       f"    return {name}_dispatch(&{name}_methods, nullptr, request);", "}",
                       f"static const struct rpc_method *const {name}_known[] = {{",
                       *(f"    &{method.constant}," for above, _path in family for method in self.calls.methods(above)), "};"]

    def entries(self):
        for node in self.interfaces:
            name = self.names.type(node)
            yield f"    {{dispatch_{name}, {name}_known, sizeof({name}_known) / sizeof({name}_known[0])}},"


def request_of(path, folder):
    done = subprocess.run(["capnp", "compile", "-o-", f"--src-prefix={path.parent}", f"-I{folder}", path],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, check=True)
    return schema.Request(done.stdout)


def main():
    output, folder, *contracts = map(pathlib.Path, sys.argv[1:])
    lines, entries = [], []
    for path in contracts:
        request = request_of(path, folder)
        readers = Readers(files.Generated(request, request.files[0]))
        lines += ["", f"// ---- {path.name} ----", "", *readers.write()]
        entries += readers.entries()
    output.write_text("\n".join([
        "// Generated by tests/fuzz/readers.py from the contracts.", '#include "tests/fuzz/dispatch_fuzz.h"',
        *(f'#include "idl/{path.name}.h"' for path in contracts), *lines, "",
        "const struct fuzz_interface fuzz_interfaces[] = {", *entries, "};",
        "const uint32_t fuzz_interface_count = sizeof(fuzz_interfaces) / sizeof(fuzz_interfaces[0]);", ""]))


if __name__ == "__main__":
    main()
