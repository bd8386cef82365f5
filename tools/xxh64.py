"""XXH64, the twin of base/xxh64.c, for the build's tools."""

MASK = (1 << 64) - 1
P1, P2, P3, P4, P5 = (0x9E3779B185EBCA87, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0x85EBCA77C2B2AE63,
                      0x27D4EB2F165667C5)


def _rotate(value, bits):
    return (value << bits | value >> (64 - bits)) & MASK


def _mix(lane, word):
    return _rotate((lane + word * P2) & MASK, 31) * P1 & MASK


def xxh64(data, seed=0):
    """The 64-bit hash of a bytes-like object."""
    length = len(data)
    stripes = length // 32
    if stripes:
        a, b, c, d = (seed + P1 + P2) & MASK, (seed + P2) & MASK, seed, (seed - P1) & MASK
        words = memoryview(data)[:stripes * 32].cast("Q")
        # Spelled out: this loop sees every byte of every boot package.
        for at in range(0, stripes * 4, 4):
            a = a + words[at] * P2 & MASK
            a = (a << 31 | a >> 33) * P1 & MASK
            b = b + words[at + 1] * P2 & MASK
            b = (b << 31 | b >> 33) * P1 & MASK
            c = c + words[at + 2] * P2 & MASK
            c = (c << 31 | c >> 33) * P1 & MASK
            d = d + words[at + 3] * P2 & MASK
            d = (d << 31 | d >> 33) * P1 & MASK
        result = (_rotate(a, 1) + _rotate(b, 7) + _rotate(c, 12) + _rotate(d, 18)) & MASK
        for lane in (a, b, c, d):
            result = ((result ^ _mix(0, lane)) * P1 + P4) & MASK
    else:
        result = (seed + P5) & MASK
    result = (result + length) & MASK
    at = stripes * 32
    while length - at >= 8:
        word = int.from_bytes(data[at:at + 8], "little")
        result = (_rotate(result ^ _mix(0, word), 27) * P1 + P4) & MASK
        at += 8
    if length - at >= 4:
        word = int.from_bytes(data[at:at + 4], "little")
        result = (_rotate(result ^ word * P1 & MASK, 23) * P2 + P3) & MASK
        at += 4
    for byte in data[at:]:
        result = _rotate(result ^ byte * P5 & MASK, 11) * P1 & MASK
    result = (result ^ result >> 33) * P2 & MASK
    result = (result ^ result >> 29) * P3 & MASK
    return result ^ result >> 32
