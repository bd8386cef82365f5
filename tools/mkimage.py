#!/usr/bin/env python3
"""Writes a bootable disk image: GPT with one EFI system partition, FAT16.

    tools/mkimage.py --output DISK --name NAME PATH-ON-VOLUME=FILE...

The same input gives the same bytes: identifiers are derived from the name, all times are one fixed
day. Paths are upper-case 8.3 names ("EFI/BOOT/BOOTX64.EFI"), which UEFI finds whatever the case.
References: UEFI 2.10 chapter 5 (GPT) and 13.3 (FAT); Microsoft's "FAT: General Overview of On-Disk Format".
"""

import argparse
import pathlib
import struct
import sys
import uuid
import zlib

SECTOR = 512
MIB = 1 << 20
ESP_TYPE = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b")
NAMESPACE = uuid.uuid5(uuid.NAMESPACE_DNS, "tessera.invalid")
FIRST_PARTITION_SECTOR = 2048  # 1 MiB, where every partitioning tool aligns
GPT_ENTRIES = 128
GPT_ENTRY_BYTES = 128
GPT_TABLE_SECTORS = GPT_ENTRIES * GPT_ENTRY_BYTES // SECTOR

SECTORS_PER_CLUSTER = 4
CLUSTER = SECTORS_PER_CLUSTER * SECTOR
FAT_COUNT = 2
ROOT_ENTRIES = 512
RESERVED_SECTORS = 4
LEAST_CLUSTERS, MOST_CLUSTERS = 4085, 65524  # what makes it FAT16 and not FAT12 or FAT32
END_OF_CHAIN = 0xFFFF
ATTRIBUTE_DIRECTORY, ATTRIBUTE_VOLUME = 0x10, 0x08
FIXED_DATE = (2024 - 1980) << 9 | 1 << 5 | 1


class ImageError(Exception):
    """What does not fit, in words."""


def short_name(name):
    """The eleven bytes of a directory entry."""
    base, _, extension = name.partition(".")
    allowed = set("ABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")
    if not 1 <= len(base) <= 8 or len(extension) > 3 or not set(base + extension) <= allowed:
        raise ImageError(f"'{name}' is not an upper-case 8.3 name")
    return (base.ljust(8) + extension.ljust(3)).encode()


class Fat16:
    """A volume under construction: a tree of directories and files, laid out in one go."""

    def __init__(self, total_sectors, label, serial, hidden_sectors):
        self.total_sectors, self.label, self.serial = total_sectors, label, serial
        self.hidden_sectors = hidden_sectors
        root_sectors = ROOT_ENTRIES * 32 // SECTOR
        # The table must have an entry per cluster: take the bound without the table itself.
        most = (total_sectors - RESERVED_SECTORS - root_sectors) // SECTORS_PER_CLUSTER
        self.fat_sectors = -(-(most + 2) * 2 // SECTOR)
        self.data_start = RESERVED_SECTORS + FAT_COUNT * self.fat_sectors + root_sectors
        self.clusters = (total_sectors - self.data_start) // SECTORS_PER_CLUSTER
        if not LEAST_CLUSTERS <= self.clusters <= MOST_CLUSTERS:
            raise ImageError(f"{self.clusters} clusters do not make a FAT16 volume")
        self.fat = [0xFFF8, END_OF_CHAIN]
        self.data = bytearray()

    def store(self, data):
        """Puts data into consecutive clusters. Returns the first one; 0 for no data."""
        count = -(-len(data) // CLUSTER)
        if len(self.fat) + count > self.clusters + 2:
            raise ImageError("the volume is full")
        if count == 0:
            return 0
        first = len(self.fat)
        self.fat += [*range(first + 1, first + count), END_OF_CHAIN]
        self.data += data + bytes(count * CLUSTER - len(data))
        return first

    @staticmethod
    def entry(name, attribute, cluster, size):
        return struct.pack("<11sBBBHHHHHHHI", name, attribute, 0, 0, 0, FIXED_DATE, FIXED_DATE, 0, 0,
                           FIXED_DATE, cluster, size)

    def directory(self, tree, parent):
        """Stores a directory below the root; its own cluster number comes first, its children follow."""
        own = self.store(bytes(CLUSTER))
        content = self.entry(b".          ", ATTRIBUTE_DIRECTORY, own, 0)
        content += self.entry(b"..         ", ATTRIBUTE_DIRECTORY, parent, 0)
        content += self.children(tree, own)
        if len(content) > CLUSTER:
            raise ImageError("too many files in one directory")
        at = (own - 2) * CLUSTER
        self.data[at:at + len(content)] = content
        return own

    def children(self, tree, own):
        content = b""
        for name, node in sorted(tree.items()):
            if isinstance(node, dict):
                content += self.entry(short_name(name), ATTRIBUTE_DIRECTORY, self.directory(node, own), 0)
            else:
                content += self.entry(short_name(name), 0, self.store(node), len(node))
        return content

    def image(self, tree):
        root = self.entry(self.label, ATTRIBUTE_VOLUME, 0, 0) + self.children(tree, 0)
        small = self.total_sectors if self.total_sectors < 65536 else 0
        boot = struct.pack("<3s8sHBHBHHBHHHIIBBBI11s8s", b"\xeb\x3c\x90", b"TESSERA ", SECTOR, SECTORS_PER_CLUSTER,
                           RESERVED_SECTORS, FAT_COUNT, ROOT_ENTRIES, small, 0xF8, self.fat_sectors, 63, 255,
                           self.hidden_sectors, 0 if small else self.total_sectors, 0x80, 0, 0x29, self.serial,
                           self.label, b"FAT16   ")
        boot = boot.ljust(510, b"\0") + b"\x55\xaa"
        table = struct.pack(f"<{len(self.fat)}H", *self.fat).ljust(self.fat_sectors * SECTOR, b"\0")
        volume = boot.ljust(RESERVED_SECTORS * SECTOR, b"\0") + table * FAT_COUNT
        volume += root.ljust(ROOT_ENTRIES * 32, b"\0") + self.data
        return volume.ljust(self.total_sectors * SECTOR, b"\0")


def tree_of(files):
    """{"A/B.C": data} as nested dictionaries."""
    root = {}
    for path, data in files.items():
        *folders, name = path.split("/")
        node = root
        for folder in folders:
            node = node.setdefault(folder, {})
        node[name] = data
    return root


def gpt_header(own, other, table, disk_sectors, disk_id, table_crc):
    def pack(crc):
        return struct.pack("<8sIIIIQQQQ16sQIII", b"EFI PART", 0x10000, 92, crc, 0, own, other,
                           2 + GPT_TABLE_SECTORS, disk_sectors - GPT_TABLE_SECTORS - 2, disk_id.bytes_le, table,
                           GPT_ENTRIES, GPT_ENTRY_BYTES, table_crc)
    return pack(zlib.crc32(pack(0))).ljust(SECTOR, b"\0")


def disk_image(name, files):
    """The bytes of a whole disk with the given files on its system partition."""
    content = sum(-(-len(data) // CLUSTER) * CLUSTER for data in files.values())
    volume_sectors = max(16 * MIB, -(-(content * 5 // 4 + 2 * MIB) // MIB) * MIB) // SECTOR
    partition_id = uuid.uuid5(NAMESPACE, f"partition:{name}")
    serial = partition_id.int & 0xFFFFFFFF
    volume = Fat16(volume_sectors, b"TESSERA    ", serial, FIRST_PARTITION_SECTOR).image(tree_of(files))
    disk_sectors = FIRST_PARTITION_SECTOR + volume_sectors + 2048
    disk_id = uuid.uuid5(NAMESPACE, f"disk:{name}")

    entry = ESP_TYPE.bytes_le + partition_id.bytes_le
    entry += struct.pack("<QQQ", FIRST_PARTITION_SECTOR, FIRST_PARTITION_SECTOR + volume_sectors - 1, 0)
    entry += "EFI system".encode("utf-16-le").ljust(72, b"\0")
    table = entry.ljust(GPT_ENTRIES * GPT_ENTRY_BYTES, b"\0")
    table_crc = zlib.crc32(table)
    last = disk_sectors - 1
    backup_table = last - GPT_TABLE_SECTORS

    protective = struct.pack("<B3sB3sII", 0, b"\x00\x02\x00", 0xEE, b"\xff\xff\xff", 1, last)
    disk = bytes(446) + protective.ljust(64, b"\0") + b"\x55\xaa"
    disk += gpt_header(1, last, 2, disk_sectors, disk_id, table_crc) + table
    disk = disk.ljust(FIRST_PARTITION_SECTOR * SECTOR, b"\0") + volume
    disk = disk.ljust(backup_table * SECTOR, b"\0") + table
    return disk + gpt_header(last, 1, backup_table, disk_sectors, disk_id, table_crc)


def write_sparse(path, data):
    """Leaves holes for zeros: most of the disk is empty."""
    with open(path, "wb") as out:
        for at in range(0, len(data), 65536):
            piece = data[at:at + 65536]
            if piece.count(0) == len(piece):
                out.seek(len(piece), 1)
            else:
                out.write(piece)
        out.truncate(len(data))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--output", required=True)
    parser.add_argument("--name", required=True)
    parser.add_argument("files", nargs="+", metavar="PATH=FILE")
    args = parser.parse_args()
    files = {}
    for item in args.files:
        path, _, source = item.partition("=")
        files[path] = pathlib.Path(source).read_bytes()
    write_sparse(args.output, disk_image(args.name, files))


if __name__ == "__main__":
    try:
        main()
    except ImageError as problem:
        sys.exit(f"mkimage: {problem}")
