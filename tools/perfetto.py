"""Writes a trace as Perfetto reads it: protobuf messages, after its protos/perfetto/trace/*.proto.

Only what its own documents call stable: track events (slices, instants, flows between them), and the states of threads in
"generic kernel" events, from which it draws what ran on each processor.
"""

import struct

# TracePacket
TIMESTAMP, SEQUENCE, TRACK_EVENT, TRACK_DESCRIPTOR, TASK_STATE = 8, 10, 11, 60, 117
# TrackEvent
SLICE_BEGIN, SLICE_END, INSTANT = 1, 2, 3
# GenericKernelTaskStateEvent
RUNNABLE, RUNNING, SLEEPING, DEAD = 2, 3, 4, 7
ID_MASK = (1 << 31) - 1  # processes and threads have 31 bits there


def varint(value):
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def number(field, value):
    return varint(field << 3) + varint(value)


def fixed64(field, value):
    return varint(field << 3 | 1) + struct.pack("<Q", value)


def piece(field, value):
    """A text, or a message inside a message."""
    data = value.encode() if isinstance(value, str) else value
    return varint(field << 3 | 2) + varint(len(data)) + data


def annotations(arguments):
    return b"".join(piece(4, piece(10, name) + (piece(6, value) if isinstance(value, str) else number(3, value)))
                    for name, value in arguments.items())


class Writer:
    """Collects packets, and gives them out in the order of their time. Those of one time stay in their order."""

    def __init__(self, start):
        self.start, self.packets, self.tracks = start, [], 0

    def packet(self, time, field, message):
        body = number(TIMESTAMP, time) + number(SEQUENCE, 1) + piece(field, message)
        self.packets.append((time, piece(1, body)))

    def track(self, name, parent=0, process=b"", thread=b""):
        self.tracks += 1
        message = number(1, self.tracks) + piece(2, name) + (number(5, parent) if parent else b"")
        self.packet(self.start, TRACK_DESCRIPTOR, message + process + thread)
        return self.tracks

    def process_track(self, process, name):
        return self.track(name, process=piece(3, number(1, process & ID_MASK) + piece(6, name)))

    def thread_track(self, process, thread, name):
        return self.track(name, thread=piece(4, number(1, process & ID_MASK) + number(2, thread & ID_MASK) + piece(5, name)))

    def event(self, time, kind, track, name="", category="", flow=0, arguments=None):
        message = number(9, kind) + number(11, track)
        if name:
            message += piece(22, category) + piece(23, name) + annotations(arguments or {})
        self.packet(time, TRACK_EVENT, message + (fixed64(47, flow) if flow else b""))

    def task_state(self, time, processor, thread, name, state):
        self.packet(time, TASK_STATE, number(1, processor) + piece(2, name) + number(3, thread & ID_MASK) + number(4, state))

    def bytes(self):
        return b"".join(data for _time, data in sorted(self.packets, key=lambda packet: packet[0]))
