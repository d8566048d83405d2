"""What is done to the server while it works, one function each."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from tools.chaos import stored
from tools.chaos.disk import Disk
from tools.chaos.load import Load, Record
from tools.chaos.served import ServedFolder, wait_until

PAGE_BYTES = 4_096
HOUR, DAY = 3_600, 86_400
CLOCK_STEPS = (HOUR, -HOUR, 30 * DAY, -30 * DAY, 400 * DAY, -400 * DAY)
"""Seconds."""
FAULT_SECONDS = 60.0
EXIT_MISCONFIGURED = 2


@dataclass
class Bench:
    """What a fault works on; *excepted* are the records that damage may have destroyed."""

    disk: Disk
    served: ServedFolder
    load: Load
    random: Random
    excepted: set[Record] = field(default_factory=set)
    damaged_samples: set[str] = field(default_factory=set)
    """Names of files of samples whose damage the server has not met: it still writes to them."""
    checked: set[Record] = field(default_factory=set)
    """All that was sent before the latest check."""
    counted: set[Record] = field(default_factory=set)
    """All events that were ever found to be counted."""

    def await_load(self, amount: int) -> None:
        """Return when *amount* more records are acknowledged."""
        goal = self.load.total + amount
        wait_until(lambda: self.load.total >= goal, FAULT_SECONDS, "acknowledgements")


def except_what_damage_reaches(bench: Bench) -> None:
    """Except the samples that are, or may be, in a damaged file that the server writes to."""
    for name in bench.damaged_samples:
        bench.excepted |= set(stored.samples(bench.served.folder, name))
        bench.excepted |= {record for record in bench.load.sent - bench.checked if record[1]}
    bench.checked = set(bench.load.sent)


def kill(bench: Bench) -> None:
    """Kill the server in the middle of its work, sometimes again while it starts."""
    bench.served.kill()
    for _ in range(bench.random.randrange(2)):
        bench.served.start()
        bench.await_load(bench.random.randrange(1, 20))
        bench.served.kill()
    bench.served.start()


def full_disk(bench: Bench) -> None:
    """Fill the disk until reports are refused, look at it, and make room."""
    refusals = bench.load.refusals
    bench.disk.fill()
    wait_until(lambda: bench.load.refusals > refusals + 3, FAULT_SECONDS, "refusals")
    wait_until(lambda: "disk" in bench.served.problems(), FAULT_SECONDS, "a problem of the disk")
    page = bench.served.get("/account")
    if page.status != 200 or b"make room" not in page.body:
        raise AssertionError(f"full disk: the account page answered {page.status} without a banner")
    if bench.random.randrange(2):
        bench.served.kill()
        bench.disk.make_room()
        bench.served.start()
    else:
        bench.disk.make_room()


def stalled_disk(bench: Bench) -> None:
    """Let every write wait for a while; the server has to live on."""
    bench.disk.stall()
    try:
        alive = bench.served.get("/healthz")
    finally:
        bench.disk.go_on()
    if alive.status != 200:
        raise AssertionError(f"stalled disk: /healthz answered {alive.status}")


def clock_step(bench: Bench) -> None:
    """Set the clock far ahead or back under load, and right again."""
    bench.served.set_clock(bench.random.choice(CLOCK_STEPS))
    bench.await_load(20)
    bench.served.set_clock(0)


def damage(bench: Bench) -> None:
    """Damage a file of a server that is down; it goes on with the others."""
    bench.served.kill()
    telemetry = bench.served.folder / "telemetry"
    found = [bench.served.folder / "spool.db", *sorted(telemetry.glob("**/*.db"))]
    path = bench.random.choice(found)
    if path.name == "spool.db":
        folder = bench.served.folder
        counted = {*stored.events(folder)[0], *stored.samples(folder)}
        bench.excepted |= bench.load.sent - counted
    elif path.parent.name == "samples":
        bench.excepted |= set(stored.samples(bench.served.folder, path.name))
        bench.damaged_samples.add(path.name)
    _spoil(path, bench.random)
    bench.served.start()


def damaged_meta(bench: Bench) -> None:
    """Damage meta.db: the server says so and does not start; then restore it."""
    bench.served.kill()
    meta = bench.served.folder / "meta.db"
    backups = {one: bench.disk.mounted / one.name for one in meta.parent.glob("meta.db*")}
    for file, backup in backups.items():
        shutil.move(file, backup)
    meta.write_bytes(b"\0" * PAGE_BYTES + backups[meta].read_bytes()[PAGE_BYTES:])
    code = bench.served.fail_to_start()
    for file in meta.parent.glob("meta.db*"):
        file.unlink()
    for file, backup in backups.items():
        shutil.move(backup, file)
    if code != EXIT_MISCONFIGURED or "meta.db is damaged (" not in bench.served.log:
        raise AssertionError(f"damaged meta: exit code {code}\n{bench.served.log[-2_000:]}")
    bench.served.start()


def _spoil(path: Path, random: Random) -> None:
    """Do to a file what bad sectors, a torn write or a crashed file system do."""
    content = path.read_bytes()
    pages = max(1, len(content) // PAGE_BYTES)
    first = random.randrange(pages) * PAGE_BYTES
    end = first + random.randrange(1, 4) * PAGE_BYTES
    kind = random.choice(("zeros", "noise", "truncated"))
    if kind == "truncated":
        path.write_bytes(content[:first])
    else:
        lost = len(content[first:end])
        junk = b"\0" * lost if kind == "zeros" else random.randbytes(lost)
        path.write_bytes(content[:first] + junk + content[end:])


FAULTS: dict[str, Callable[[Bench], None]] = {
    "kill -9": kill,
    "full disk": full_disk,
    "stalled disk": stalled_disk,
    "clock step": clock_step,
    "damaged file": damage,
    "damaged meta.db": damaged_meta,
}


def possible_faults(disk: Disk, served: ServedFolder) -> list[str]:
    """Return the faults that this machine lets us cause."""
    impossible = set() if disk.is_own else {"full disk", "stalled disk"}
    impossible |= set() if served.has_settable_clock else {"clock step"}
    return [name for name in FAULTS if name not in impossible]
