"""A strict reader of what tools/trace writes, after Perfetto's protos/perfetto/trace/*.proto.

Strict: a field that is not listed here, or comes in another encoding, or twice, is a mistake; and so is what
Perfetto would drop without a word or draw wrongly. It shares nothing with the writer (tools/perfetto.py).
"""

import collections
import struct

UINT, FIXED64, TEXT, MANY = "uint", "fixed64", "text", "many"
# Messages: field number: (name, what it is). A dictionary is a message inside; MANY before it, or a name of Python, repeats.
PROCESS = {1: ("pid", UINT), 6: ("process_name", TEXT)}
THREAD = {1: ("pid", UINT), 2: ("tid", UINT), 5: ("thread_name", TEXT)}
TRACK = {1: ("uuid", UINT), 2: ("name", TEXT), 3: ("process", PROCESS), 4: ("thread", THREAD), 5: ("parent_uuid", UINT)}
ANNOTATION = {10: ("name", TEXT), 3: ("uint_value", UINT), 6: ("string_value", TEXT)}
EVENT = {9: ("type", UINT), 11: ("track_uuid", UINT), 22: ("categories", TEXT), 23: ("name", TEXT),
         4: ("debug_annotations", (MANY, ANNOTATION)), 47: ("flow_ids", (MANY, FIXED64))}
TASK_STATE = {1: ("cpu", UINT), 2: ("comm", TEXT), 3: ("tid", UINT), 4: ("state", UINT)}
PACKET = {8: ("timestamp", UINT), 10: ("trusted_packet_sequence_id", UINT), 11: ("track_event", EVENT),
          60: ("track_descriptor", TRACK), 117: ("generic_kernel_task_state_event", TASK_STATE)}
TRACE = {1: ("packet", (MANY, PACKET))}

SLICE_BEGIN, SLICE_END, INSTANT = 1, 2, 3
RUNNABLE, RUNNING, SLEEPING, DEAD = 2, 3, 4, 7


class Wrong(Exception):
    pass


def require(condition, what):
    if not condition:
        raise Wrong(what)


def read_varint(data, at):
    value = shift = 0
    while True:
        require(at < len(data) and shift < 64, f"a number ends in the middle at {at}")
        value |= (data[at] & 0x7F) << shift
        shift += 7
        at += 1
        if data[at - 1] < 0x80:
            require(shift == 7 or data[at - 1] != 0, f"a number is longer than need be at {at}")
            return value, at


def read_value(data, at, wire, kind, where):
    if kind == UINT:
        require(wire == 0, f"{where}: encoding {wire}, where a number is due")
        return read_varint(data, at)
    if kind == FIXED64:
        require(wire == 1 and at + 8 <= len(data), f"{where}: encoding {wire}, where 8 bytes are due")
        return struct.unpack_from("<Q", data, at)[0], at + 8
    require(wire == 2, f"{where}: encoding {wire}, where bytes are due")
    length, at = read_varint(data, at)
    require(at + length <= len(data), f"{where}: ends in the middle")
    inside = data[at:at + length]
    return inside.decode() if kind == TEXT else read_message(inside, kind, where), at + length


def read_message(data, fields, where):
    out, at = {}, 0
    while at < len(data):
        tag, at = read_varint(data, at)
        require(tag >> 3 in fields, f"{where}: there is no field {tag >> 3}")
        name, kind = fields[tag >> 3]
        many = isinstance(kind, tuple)
        value, at = read_value(data, at, tag & 7, kind[1] if many else kind, f"{where}.{name}")
        require(many or name not in out, f"{where}.{name}: twice")
        if many:
            out.setdefault(name, []).append(value)
        else:
            out[name] = value
    return out


class Slice:
    def __init__(self, event, time, outer):
        self.name, self.start, self.end, self.outer = event["name"], time, None, outer
        self.track, self.flows = event["track_uuid"], event.get("flow_ids", [])
        self.arguments = {each["name"]: each.get("uint_value", each.get("string_value"))
                          for each in event.get("debug_annotations", [])}


class Reading:
    """What the file says: tracks, slices, moments, and who ran where and when."""

    def __init__(self, data):
        self.tracks, self.slices, self.moments, self.runs = {}, [], [], []
        self.open, self.running, self.states = collections.defaultdict(list), {}, {}
        last = 0
        for packet in read_message(data, TRACE, "trace").get("packet", []):
            kinds = set(packet) - {"timestamp", "trusted_packet_sequence_id"}
            require(len(kinds) == 1, f"a packet is of one kind, not {kinds}")
            require("trusted_packet_sequence_id" in packet, "a packet is of a sequence")
            require(packet["timestamp"] >= last, "packets come in the order of time")
            last = packet["timestamp"]
            for kind in kinds:
                getattr(self, kind)(packet[kind], last)
        require(not any(self.open.values()), "every slice ends")
        for process in {track["thread"]["pid"] for track in self.tracks.values() if "thread" in track}:
            require(process in self.processes(), f"process {process} of a thread has a track")

    def processes(self):
        return {track["process"]["pid"]: track["process"]["process_name"] for track in self.tracks.values() if "process" in track}

    def process_of(self, track):
        track = self.tracks[track]
        if "thread" in track:
            return track["thread"]["pid"]
        return self.process_of(track["parent_uuid"]) if "parent_uuid" in track else track.get("process", {}).get("pid")

    def track_descriptor(self, track, _time):
        require(track["uuid"] != 0 and track["uuid"] not in self.tracks, "a track is described once")
        require("parent_uuid" not in track or track["parent_uuid"] in self.tracks, "a track's parent comes first")
        for one in ("process", "thread"):
            require(all(number < 1 << 31 for key, number in track.get(one, {}).items() if key in ("pid", "tid")), "31 bits")
        self.tracks[track["uuid"]] = track

    def track_event(self, event, time):
        track, kind = event["track_uuid"], event["type"]
        require(track in self.tracks, "an event is on a track that was described before")
        require(kind in (SLICE_BEGIN, SLICE_END, INSTANT), f"event type {kind}")
        require(("name" in event) == (kind != SLICE_END), "what begins has a name, and what ends needs none")
        if kind == SLICE_END:
            require(self.open[track], "what ends has begun")
            self.open[track].pop().end = time
            return
        one = Slice(event, time, self.open[track][-1] if self.open[track] else None)
        if kind == SLICE_BEGIN:
            self.open[track].append(one)
            self.slices.append(one)
        else:
            self.moments.append(one)

    def generic_kernel_task_state_event(self, event, time):
        cpu, thread, state = event["cpu"], event["tid"], event["state"]
        require(state in (RUNNABLE, RUNNING, SLEEPING, DEAD), f"thread state {state}")
        before = self.states.get(thread)
        require(before != DEAD, f"thread {thread} does nothing after its end")
        require(before != RUNNING or state != RUNNING, f"thread {thread} does not run twice at once")
        if state == RUNNING:
            require(self.running.get(cpu) is None, f"processor {cpu} runs one thread at a time")
            self.running[cpu] = (thread, time)
        elif before == RUNNING:
            require(cpu in self.running and self.running[cpu] and self.running[cpu][0] == thread, "a thread stops where it ran")
            self.runs.append((cpu, thread, self.running[cpu][1], time))
            self.running[cpu] = None
        self.states[thread] = state
