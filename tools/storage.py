"""Measures what a day of workers takes on disk, and writes docs/storage.md with the arithmetic."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bugsly_server.clock import DAY, HOUR, SECOND
from bugsly_server.model.series import Served
from bugsly_server.store.ports import KEEP_STEPS, StoredSample
from bugsly_server.store.telemetry import SqliteTelemetry
from bugsly_server.store.telemetry.steps import MOST
from bugsly_server.store.telemetry.tiers import tiers

PAGE = Path(__file__).parents[1] / "docs" / "storage.md"
WORKERS = 10
EVERY = 10 * SECOND
ENDPOINTS = 8
HOLDERS = 10
FLEET = 100
MONTH = 30
BEGIN = 20_000 * DAY
BATCH = 60
"""Samples of a worker that are written at once; it changes nothing but the time this takes."""
TEXT = f"""\
# What the server stores

Made by `python -m tools.storage`: a day of {WORKERS} workers with a sample every
{EVERY // SECOND} s, {ENDPOINTS} endpoints busy and {HOLDERS} holders counted in each, written as
the server writes it; then multiplied by days and by {FLEET} workers.

| what | a worker and day | kept | {FLEET} workers, a month |
|---|---:|---:|---:|
{{tiers}}
| steps, of lives that go on | {{most}} × {{step:.0f}} B a life | as long | {{living:,.0f}} MB |
| steps, of hourly lives | 24 × as much | {{days}} d | {{recycled:,.0f}} MB |

Together **{{usual:,.0f}} MB**, and **{{at_most:,.0f}} MB** where each worker lives for an hour.

A life is kept in at most {{most}} steps: with one more, each two become one. So they take the same
room whether a worker lives for an hour or a year. Beside them, meta holds a few hundred bytes for
each worker and holder, and up to 20 MB of sources for each project.
"""


def main() -> int:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        sizes, steps = _measure(Path(folder))
    text = _page(sizes, steps)
    PAGE.write_text(text, encoding="utf-8")
    print(text)
    return 0


def _measure(folder: Path) -> tuple[dict[str, int], float]:
    """Return the bytes of a day by tier, and those of one step."""
    telemetry = SqliteTelemetry(folder, MONTH)
    count = DAY // EVERY
    for start in range(0, count, BATCH):
        numbers = range(start, min(start + BATCH, count))
        telemetry.write([_sample(worker, n) for n in numbers for worker in range(1, WORKERS + 1)])
    telemetry.roll_up(BEGIN + 2 * DAY)
    rows = sum(len(steps) for steps in telemetry.steps(range(1, WORKERS + 1)).values())
    telemetry.close()
    sizes = {
        path.name: sum(file.stat().st_size for file in path.glob("*.db"))
        for path in folder.iterdir()
        if path.is_dir()
    }
    return sizes, (folder / "steps.db").stat().st_size / rows


def _sample(worker: int, number: int) -> StoredSample:
    served = Served("", 40 + number % 7, number % 2, 0, 90_000 + number, 80_000, 4_000)
    return StoredSample(
        worker_id=worker,
        at=BEGIN + number * EVERY,
        requests=number * 40 * ENDPOINTS,
        anonymous=80_000_000 + number * 1_000 * worker,
        shared=9_000_000,
        descriptors=20,
        threads=6,
        in_flight=1,
        traffic=dict.fromkeys(range(1, ENDPOINTS + 1), served),
        number=number + 1,
        in_use=60_000_000 + number * 900,
        held=70_000_000 + number * 900,
        blocks=400_000 + number,
        levels={worker * 100 + n: number * 3 for n in range(HOLDERS)},
    )


def _page(sizes: dict[str, int], step: float) -> str:
    """Return the page: each tier by its days, then the steps by the lives that have some."""
    rows, total = [], 0.0
    for tier in tiers(MONTH):
        daily = sizes[tier.name] / WORKERS
        days = min(tier.keep // DAY + 1, MONTH)
        total += daily * days * FLEET
        kept = f"{daily * days * FLEET / 1e6:,.0f} MB"
        rows.append(f"| {tier.name} | {daily / 1e3:,.0f} kB | {days} d | {kept} |")
    living = FLEET * MOST * step
    recycled = living * KEEP_STEPS / HOUR
    return TEXT.format(
        tiers="\n".join(rows),
        step=step,
        most=MOST,
        days=KEEP_STEPS // DAY,
        living=living / 1e6,
        recycled=recycled / 1e6,
        usual=(total + living) / 1e6,
        at_most=(total + recycled) / 1e6,
    )


if __name__ == "__main__":
    sys.exit(main())
