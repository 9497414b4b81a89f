"""Random reads and writes on two files, through calls and through mappings; any difference ends the run.

Arguments: file under test, reference file, seed, number of steps. Prints the step and both views on a difference.
"""

import mmap
import os
import random
import subprocess
import sys

LIMIT = 300_000


class Subject:
    """One of the two files, with a descriptor and, now and then, a mapping."""

    def __init__(self, path):
        self.path = path
        self.file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_TRUNC, 0o644)
        self.other = os.open(path, os.O_RDWR)

    def size(self):
        return os.fstat(self.file).st_size

    def reopen(self):
        os.close(self.file)
        self.file = os.open(self.path, os.O_RDWR)

    def write(self, offset, data):
        return os.pwrite(self.file, data, offset)

    def append(self, data):
        descriptor = os.open(self.path, os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, data)
        os.close(descriptor)

    def read(self, offset, length):
        return os.pread(self.other, length, offset)

    def truncate(self, size):
        os.ftruncate(self.file, size)

    def map_write(self, offset, data):
        with mmap.mmap(self.file, self.size()) as mapping:
            mapping[offset : offset + len(data)] = data

    def map_read(self, offset, length):
        with mmap.mmap(self.other, self.size(), prot=mmap.PROT_READ) as mapping:
            return mapping[offset : offset + length]

    def punch(self, offset, length):
        subprocess.run(
            ["fallocate", "--punch-hole", "-o", str(offset), "-l", str(length), self.path], check=True
        )

    def copy_range(self, offset, to, length):
        return os.copy_file_range(self.file, self.other, length, offset, to)

    def sync(self):
        os.fsync(self.file)


def steps(chance, size):
    offset = chance.randrange(LIMIT)
    length = chance.choice([1, 7, 511, 4096, 4097, 65_536, chance.randrange(1, 40_000)])
    inside = chance.randrange(size) if size else 0
    within = min(length, size - inside)
    kinds = ["write", "write", "append", "read", "read", "truncate", "reopen", "sync"]
    if size:
        kinds += ["map_write", "map_write", "map_read", "map_read", "copy_range"]
        if chance.random() < 0.1:
            kinds.append("punch")
    kind = chance.choice(kinds)
    if kind == "write":
        return kind, (offset, chance.randbytes(length))
    if kind == "append":
        return kind, (chance.randbytes(min(length, 5000)),)
    if kind == "read":
        return kind, (offset, length)
    if kind == "truncate":
        return kind, (chance.randrange(LIMIT),)
    if kind == "map_write":
        return kind, (inside, chance.randbytes(within))
    if kind in ("map_read", "punch"):
        return kind, (inside, max(1, within))
    if kind == "copy_range":
        # The two ranges must not overlap.
        half = size // 2
        return (kind, (0, half, min(length, half))) if half else ("sync", ())
    return kind, ()


def main():
    tested, reference = Subject(sys.argv[1]), Subject(sys.argv[2])
    seed, count = int(sys.argv[3]), int(sys.argv[4])
    chance = random.Random(seed)
    for step in range(count):
        kind, words = steps(chance, reference.size())
        found, expected = (getattr(subject, kind)(*words) for subject in (tested, reference))
        same = found == expected and tested.size() == reference.size()
        if same and step % 50 == 49:
            whole = max(1, reference.size())
            same = tested.read(0, whole) == reference.read(0, whole)
        if not same:
            shown = [word if isinstance(word, int) else len(word) for word in words]
            sys.exit(f"seed {seed} step {step}: {kind}{shown} differs from the reference")
    print(f"{count} steps, {reference.size()} bytes")


main()
