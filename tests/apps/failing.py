"""The watched shop, in a process whose memory cannot be read from its second sample on."""

from watched import app  # type: ignore[import-not-found]

from bugsly.probes import process
from bugsly.probes.process import ProcessMemory

__all__ = ["app"]

read_memory = process.read_memory
read: list[ProcessMemory] = []


def read_once() -> ProcessMemory:
    if read:
        raise OSError("no /proc today")
    read.append(read_memory())
    return read[0]


process.read_memory = read_once
