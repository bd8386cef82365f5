"""Every zone of the package against Python's own implementation over what the standard compiler makes of the same data:
zones_test.py ZONE_CONVERT ZONES ZIC SOURCE."""
import datetime
import pathlib
import random
import subprocess
import sys
import tempfile
import unittest
import zoneinfo

CONVERT, ZONES, ZIC, SOURCE = sys.argv[1:]
EPOCH = datetime.datetime(1970, 1, 1)
UTC = datetime.timezone.utc
SECOND = datetime.timedelta(seconds=1)
FIRST, LAST = -5_000_000_000, 6_000_000_000  # 1811 to 2160


def zone_of(path):
    with open(path, "rb") as file:
        return zoneinfo.ZoneInfo.from_file(file)


def asked(questions):
    done = subprocess.run([CONVERT, ZONES], input="\n".join(questions) + "\n", capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def offset_at(zone, seconds):
    found = (EPOCH + seconds * SECOND).replace(tzinfo=UTC).astimezone(zone)
    return int(found.utcoffset().total_seconds()), found.tzname(), int(bool(found.dst()))


def moments(zone, seed):
    """At random, and around transitions, which are found by bisection between moments that differ."""
    number = random.Random(seed)
    found = [number.randint(FIRST, LAST) for _ in range(6)]
    steps = sorted(number.randint(FIRST, LAST) for _ in range(12)) + [1_700_000_000, 1_712_000_000, 1_730_000_000, 4_000_000_000, 4_012_000_000]
    for low, high in zip(steps, steps[1:]):
        if offset_at(zone, low)[0] == offset_at(zone, high)[0]:
            continue
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (middle, high) if offset_at(zone, middle)[0] == offset_at(zone, low)[0] else (low, middle)
        found += [low, high, low - 1, high + 1]
    return found


def instants(zone, local):
    """How often this local time comes, and when, as this implementation says it: `fold` tells the two apart."""
    there = (EPOCH + local * SECOND).replace(tzinfo=zone)
    both = [int((there.replace(fold=fold) - EPOCH.replace(tzinfo=UTC)).total_seconds()) for fold in (0, 1)]
    real = [at for at in dict.fromkeys(both) if at + offset_at(zone, at)[0] == local]
    return (2 if not real else len(real) - 1), both[0], both[1]


class Zones(unittest.TestCase):
    def test_names(self):
        names = asked(["names"])[0].split()
        self.assertGreater(len(names), 400)
        self.assertIn("Europe/Berlin", names)
        self.assertEqual(names, sorted(names, key=str.encode))

    def test_as_another_implementation(self):
        names = asked(["names"])[0].split()
        with tempfile.TemporaryDirectory(prefix="tessera-zones-") as folder:
            subprocess.run([ZIC, "-b", "slim", "-d", folder, SOURCE], check=True)
            found = {str(path.relative_to(folder)) for path in pathlib.Path(folder).rglob("*") if path.is_file()}
            self.assertEqual(set(names), found)
            zones = {name: zone_of(pathlib.Path(folder) / name) for name in names}
        questions, expected, gaps, folds = [], [], 0, 0
        for name in names:
            zone = zones[name]
            for at in moments(zone, name):
                offset, abbreviation, daylight = offset_at(zone, at)
                questions.append(f"at {name} {at}")
                expected.append(f"{offset} {daylight} {abbreviation}")
                local = at + offset
                for near in (local, local - 1800, local + 1800):
                    match, first, second = instants(zone, near)
                    gaps, folds = gaps + (match == 2), folds + (match == 1)
                    questions.append(f"civil {name} {near}")
                    expected.append(f"{match} {first} {second}")
        for question, got, wanted in zip(questions, asked(questions), expected, strict=True):
            # Whether it is daylight saving time this implementation guesses for some files; what clocks say is what counts.
            if question.startswith("at"):
                got, wanted = (" ".join(text.split()[0::2]) for text in (got, wanted))
            self.assertEqual(got, wanted, question)
        self.assertGreater(gaps, 300)
        self.assertGreater(folds, 300)


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
