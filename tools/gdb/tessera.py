"""Commands for gdb on a stopped machine (docs/howto/debug.md):

  tessera processes            every process: koid, name, state, threads, handles
  tessera threads [PROCESS]    every thread: koid, process, state, where it is
  tessera handles PROCESS      what a process holds
  tessera backtrace THREAD     a thread's calls in its program
  tessera dump FILE            names, and the buffers of the trace, for tools/trace

PROCESS is a koid or a name, THREAD a koid. Loaded with kernel.debug as the program and the machine connected. The kernel
is found wherever it has moved to.
"""

import inspect
import json
import pathlib
import struct

import gdb

KERNEL_HALF = 1 << 63
CHUNK_SLOTS = 64
PAGE_BYTES = 4096
THREAD_STATES = ("new", "running", "ready", "sending", "receiving", "awaiting reply", "waiting", "dead", "waking", "stopped")
PROCESS_STATES = ("new", "running", "ended", "ending")
# Program registers as struct arch_regs keeps them: gdb's name, and the field.
KEPT = {
    "x86_64": {"rip": "ip", "rsp": "sp", "rbp": "rbp", "rbx": "words[3]", "r12": "words[4]", "r13": "words[5]",
               "r14": "words[6]", "r15": "words[7]"},
    "riscv64": {"pc": "ip", "sp": "sp", "ra": "ra", "s0": "s0", "s1": "s1", "s2": "words[4]", "s3": "words[5]",
                "s4": "words[6]", "s5": "words[7]", **{f"s{i}": f"s{i}" for i in range(6, 12)}},
}


def is_riscv():
    return "riscv" in gdb.selected_inferior().architecture().name()


def value(expression):
    return gdb.parse_and_eval(expression)


def number(expression):
    return int(value(f"(unsigned long)({expression})")) & 0xFFFF_FFFF_FFFF_FFFF


def set_register(name, word):
    """Also one that gdb shows as flags, to which it lets nobody assign a number."""
    kind = value(f"${name}").type
    gdb.set_convenience_variable("lent", gdb.Value(struct.pack("<Q", word)[:kind.sizeof], kind))
    gdb.execute(f"set ${name} = $lent")


def register_word(name):
    return int(gdb.execute(f"info registers {name}", to_string=True).split()[1], 16)


def read_word(address):
    return struct.unpack("<Q", gdb.selected_inferior().read_memory(address, 8).tobytes())[0]


def static(name, file):
    """A file's own variable: others may have one of the same name."""
    return next(symbol.value() for symbol in gdb.lookup_static_symbols(name)
                if symbol.symtab.filename.endswith(f"/kernel/object/{file}"))


def container(address, kind, member):
    """The structure of which this is the address of a member."""
    offset = number(f"&(({kind} *)0)->{member}")
    return value(f"*({kind} *){address - offset:#x}")


def listed(head, kind, member):
    first = int(head["head"].address)
    node = int(head["head"]["next"])
    while node != first:
        item = container(node, kind, member)
        yield item
        node = int(item[member]["next"])


def in_tree(node):
    if int(node) != 0:
        yield from in_tree(node["left"])
        yield node
        yield from in_tree(node["right"])


class Machine:
    """The stopped machine: where the kernel is, and what it has."""

    slide = None
    kernel = None

    def __init__(self):
        self.riscv = is_riscv()
        self.arch = "riscv64" if self.riscv else "x86_64"
        self.by_number = self.find_processors()
        if 0 not in self.by_number:
            raise gdb.GdbError("tessera: the kernel does not run yet; continue first, and stop it with Ctrl-C")
        if Machine.slide is None:
            # The first one's structure lies in the image.
            Machine.kernel = gdb.current_progspace().filename
            Machine.slide = self.by_number[0][1] - number("&boot_percpu")
            if Machine.slide != 0:
                gdb.execute(f"symbol-file -o {Machine.slide:#x} {Machine.kernel}", to_string=True)

    def find_processors(self):
        """By the kernel's numbers: gdb's thread, and the address of its struct percpu."""
        found = {}
        for thread in gdb.selected_inferior().threads():
            thread.switch()
            for register in ("tp", "sscratch") if self.riscv else ("gs_base", "k_gs_base"):
                address = number(f"${register}")
                try:
                    if address & KERNEL_HALF and read_word(address) == address:
                        found[int(container(address, "struct percpu", "self")["id"]["v"])] = thread, address
                        break
                except gdb.MemoryError:
                    pass
        return found

    def processors(self):
        for index in range(number("cpus_online")):
            yield value(f"*percpus[{index}]")

    def processes(self):
        for node in in_tree(value("process_list")["tree"]["root"]):
            yield container(int(node), "struct process", "link")

    def threads(self, process):
        return listed(process["threads"], "struct thread", "process_link")

    def process(self, name):
        for process in self.processes():
            if name in (str(koid(process)), name_of(process)):
                return process
        raise gdb.GdbError(f"tessera: there is no process '{name}'")


def koid(item):
    return int(item["object"]["koid"]["v"])


def name_of(process):
    return bytes(int(process["name"][i]) & 0xFF for i in range(16)).split(b"\0")[0].decode("utf-8", "replace")


def state_of(item, names):
    state = int(item["state"])
    return names[state] if state < len(names) else str(state)


def lend_rights():
    """On riscv64 gdb sees only what the processor may: those that run a program may for now what the kernel may."""
    programs = []
    for thread in gdb.selected_inferior().threads() if is_riscv() else ():
        thread.switch()
        if register_word("priv") == 0:
            set_register("priv", 1)
            programs.append(thread)
    return programs


class Command(gdb.Command):
    """tessera processes|threads|handles|backtrace|dump: what the kernel holds, on a stopped machine."""

    def __init__(self):
        super().__init__("tessera", gdb.COMMAND_DATA)

    def invoke(self, argument, from_tty):
        words = argument.split()
        action = getattr(self, f"do_{words[0]}", None) if words else None
        try:
            inspect.signature(action).bind(None, *words[1:])
        except TypeError:
            raise gdb.GdbError(__doc__.strip()) from None
        chosen = gdb.selected_thread()
        programs = lend_rights()
        try:
            action(Machine(), *words[1:])
        finally:
            for thread in programs:
                thread.switch()
                set_register("priv", 0)
            if chosen is not None and chosen.is_valid():
                chosen.switch()

    def do_processes(self, machine):
        print(f"{'KOID':>6} {'NAME':16} {'STATE':8} {'THREADS':>7} {'HANDLES':>7}")
        for process in machine.processes():
            print(f"{koid(process):6} {name_of(process):16} {state_of(process, PROCESS_STATES):8} "
                  f"{int(process['thread_count']):7} {int(process['handles_made']) - int(process['handles_gone']):7}")

    def do_threads(self, machine, *names):
        running = {int(cpu["frame"]): index for index, cpu in enumerate(machine.processors())}
        print(f"{'KOID':>6} {'PROCESS':16} {'STATE':15} {'IP':>16} WAITS ON")
        for process in [machine.process(name) for name in names] or machine.processes():
            for thread in machine.threads(process):
                index = running.get(int(thread["regs"]["status"].address))
                state = state_of(thread, THREAD_STATES) + (f" ({index})" if index is not None else "")
                waits = int(thread["waiting_on"]) if int(thread["state"]) in (3, 4, 6) else 0
                what = f"object {int(thread['waiting_on'].dereference()['koid']['v'])}" if waits else "-"
                print(f"{koid(thread):6} {name_of(process):16} {state:15} {int(thread['regs']['ip']):16x} {what}")

    def do_handles(self, machine, name):
        process = machine.process(name)
        classes = static("classes", "object.c")
        print(f"{'HANDLE':>10} {'TYPE':14} {'OBJECT':>6} {'RIGHTS':>6} {'BADGE':>16}")
        for index in range(int(process["slot_limit"])):
            slot = process["chunks"][index // CHUNK_SLOTS][index % CHUNK_SLOTS]
            if index % CHUNK_SLOTS == 0 or int(slot["handle"]) == 0:
                continue
            word = int(slot["type_rights"])
            kind = classes[word >> 24]["name"].string()
            print(f"{int(slot['handle']):#10x} {kind:14} {int(slot['object'].dereference()['koid']['v']):6} "
                  f"{word & 0x3_FFFF:#6x} {int(slot['badge']):16x}")

    def do_backtrace(self, machine, wanted):
        for process in machine.processes():
            for thread in machine.threads(process):
                if str(koid(thread)) == wanted:
                    backtrace(machine, process, thread)
                    return
        raise gdb.GdbError(f"tessera: there is no thread {wanted}")

    def do_dump(self, machine, path):
        out = {"processors": [], "processes": []}
        for process in machine.processes():
            out["processes"].append({"koid": koid(process), "name": name_of(process),
                                     "threads": [koid(thread) for thread in machine.threads(process)]})
        memory = gdb.selected_inferior()
        for index, cpu in enumerate(machine.processors()):
            header = cpu["trace"]["header"]
            if int(cpu["trace"]["vmo"]) != 0:
                fields = {name: int(header[name]) for name in ("first_bytes", "head_bytes", "mask_bytes", "clock_base", "clock_mult")}
                records = memory.read_memory(int(header) + PAGE_BYTES, fields["mask_bytes"] + 1).tobytes()
                out["processors"].append({"processor": index, **fields, "records": records.hex()})
        pathlib.Path(path).write_text(json.dumps(out))
        print(f"{len(out['processors'])} processors with a buffer, {len(out['processes'])} processes: {path}")


# ---- backtraces ------------------------------------------------------------------------------------

def mappings(process):
    """Of its address space, by address: (start, end, offset, protection)."""
    found, todo = [], [int(process["vspace"]["mappings"]["root"])]
    while todo:
        address = todo.pop()
        if address != 0:
            mapping = container(address, "struct mapping", "node")
            todo += [int(mapping["node"]["left"]), int(mapping["node"]["right"])]
            found.append((int(mapping["start"]), int(mapping["end"]), int(mapping["offset"]), int(mapping["prot"])))
    return sorted(found)


def program(machine, process):
    """The file that the process was loaded from, as far as its name tells."""
    build = pathlib.Path(machine.kernel).parent.parent
    name = name_of(process).split(".")[0]  # a job has its number behind it
    for path in (*(build / folder / name / name for folder in ("services", "apps", "drivers")), build / "tests" / name,
                 build / "bench" / name):
        if path.is_file():
            return path
    return None


def first_code(path):
    """Where the ELF file's executable segment wants to be."""
    data = path.read_bytes()
    offset, = struct.unpack_from("<Q", data, 32)
    size, count = struct.unpack_from("<HH", data, 54)
    for index in range(count):
        kind, flags, _file, address = struct.unpack_from("<IIQQ", data, offset + index * size)
        if kind == 1 and flags & 1:
            return address & ~4095
    return 0


def load_symbols(machine, process, address):
    path = program(machine, process)
    code = next((start for start, end, _offset, prot in mappings(process) if prot & 4 and start <= address < end), None)
    if path is None or code is None:
        print(f"(no symbols for {name_of(process)})")
        return None
    gdb.execute(f"add-symbol-file {path} -o {code - first_code(path):#x}", to_string=True)
    return path, code


def backtrace(machine, process, thread):
    """Lends a processor the thread's registers and address space, so that gdb itself can look."""
    names = KEPT[machine.arch]
    root, page_table = "cr3", int(thread["regs"]["page_table"])
    if machine.riscv:
        root, page_table = "satp", int(value("arch_satp_mode")) | page_table >> 12
    running = [int(cpu["frame"]) for cpu in machine.processors()]
    frame = int(thread["regs"]["status"].address)
    wanted = {register: number(f"((struct thread *){int(thread.address):#x})->regs.{field}")
              for register, field in names.items()}
    machine.by_number[running.index(frame) if frame in running else 0][0].switch()
    gdb.newest_frame().select()
    before = {register: register_word(register) for register in (*names, root, *(("priv",) if machine.riscv else ()))}
    at = next(iter(names))
    in_program = frame in running and not before[at] & KERNEL_HALF  # then its registers are the processor's
    symbols = None
    try:
        if not in_program:
            set_register(root, page_table)
            for register, word in wanted.items():
                set_register(register, word)
        if machine.riscv:
            set_register("priv", 0)
        gdb.execute("maintenance flush dcache", to_string=True)  # what it knows of the stack is another process's
        # Not before: gdb would look for the symbols' code where another program is.
        symbols = load_symbols(machine, process, before[at] if in_program else wanted[at])
        gdb.execute("backtrace -frame-arguments none 32")
    finally:
        if symbols is not None:
            gdb.execute(f"remove-symbol-file -a {symbols[1]:#x}", to_string=True)
        for register, word in before.items():
            set_register(register, word)
        gdb.execute("maintenance flush dcache", to_string=True)


Command()
