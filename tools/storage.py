"""Measures what a day of workers takes on disk, and writes docs/storage.md with the arithmetic."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from bugsly_server.clock import DAY, HOUR, SECOND
from bugsly_server.model.time_series import EndpointTraffic
from bugsly_server.store.ports import TIME_BUCKET_RETENTION, StoredSample
from bugsly_server.store.telemetry import SqliteTelemetry
from bugsly_server.store.telemetry.tiers import tiers
from bugsly_server.store.telemetry.time_buckets import MAX_BUCKETS

PAGE_PATH = Path(__file__).parents[1] / "docs" / "storage.md"
WORKERS = 10
SAMPLE_INTERVAL = 10 * SECOND
ENDPOINTS = 8
HOLDERS = 10
FLEET_WORKERS = 100
MONTH_DAYS = 30
FIRST_SAMPLE_AT = 20_000 * DAY
SAMPLES_PER_WRITE = 60
"""Samples of a worker that are written at once; it changes nothing but the time this takes."""
INTERVAL_SECONDS = SAMPLE_INTERVAL // SECOND
PAGE_TEMPLATE = f"""\
# What the server stores

Made by `python -m tools.storage`: a day of {WORKERS} workers with a sample every
{INTERVAL_SECONDS} s, {ENDPOINTS} endpoints busy and {HOLDERS} holders counted in each, written as
the server writes it; then multiplied by days and by {FLEET_WORKERS} workers.

| what | a worker and day | kept | {FLEET_WORKERS} workers, a month |
|---|---:|---:|---:|
{{tiers}}
| steps, of lives that go on | {{most}} × {{step:.0f}} B a life | as long | {{living:,.0f}} MB |
| steps, of hourly lives | 24 × as much | {{days}} d | {{recycled:,.0f}} MB |

Together **{{usual:,.0f}} MB**, and **{{at_most:,.0f}} MB** where each worker lives for an hour.

A life is kept in at most {{most}} steps: with one more, each two become one. So they take the same
room whether a worker lives for an hour or a year. Beside them, meta holds a few hundred bytes for
each worker and holder, and up to 20 MB of sources for each project.

## What happens when …

**… the disk is nearly full.** Reports are refused with 503 and `Retry-After` while less than
`BUGSLY_KEEP_FREE_MB` are free, so that what was acknowledged can still be digested. Agents and SDKs
send again. Pages and login go on; a session that the disk does not take is kept in memory and ends
with the server. A banner and `/readyz` say so. Once there is room, everything goes on by itself.

**… a file is damaged.** A file of one day or month below `telemetry/`, `telemetry/steps.db` and
`spool.db` are each set aside when the damage is met: renamed to `….damaged-1` and kept next to a
`.json` that says what was wrong, how many records were rescued into a new file, and how many were
lost, where that can be told. The rest goes on. The banner stays until you move these files away;
those of a day go with it. Check the disk first. SQLite cannot tell damage in a `….db-wal` from the
end of it, so that costs the latest records without a notice.

**… `meta.db` is damaged.** It holds accounts, keys and issues, so the server does not start with
it, nor with an emptied one. Stop the server and put a backup of `meta.db` in its place, without the
`meta.db-wal` and `meta.db-shm` of the damaged file; or try `sqlite3 meta.db .recover`. Without a
backup, begin anew in another folder.

**… somebody sets the clock.** What is old is judged by a horizon that follows the clock, but moves
at most four times as fast as the server runs. So a clock that is a year ahead for an hour ages what
is kept by four hours. A server that was off for long catches up at that pace, and keeps old data
for so much longer. What arrives while the clock is wrong keeps its wrong date: dated far back, it
is forgotten early. Sessions and login links from a clock that was far ahead end when it is set
right; workers, quotas, alerts and intervals go on.

## Is it well?

`/healthz` answers as long as the server lives; use it to restart it. `/readyz` answers 200 where it
works and 503 where it does not, with a sentence for each check: `store`, `disk`, `spool` and
`digester` make it 503; `files`, `clock` and `alert delivery` are only reported. `/metrics` has the
same as `bugsly_ready`, `bugsly_disk_free_bytes`, `bugsly_spool_entries`, `bugsly_spool_age_seconds`
and `bugsly_files_set_aside`. None of the three writes anything or needs the disk to take writes.
"""

PROSE = """
## Budgets

The usage page of a project shows what is used of each budget, what happens when it is reached, and
what was not kept today. What is refused is answered with 429 and `Retry-After`, and events with
`X-Sentry-Rate-Limits` too. [settings.md](settings.md) lists the defaults.

| budget | setting | beyond it |
|---|---|---|
| events in a minute and a day | `BUGSLY_EVENTS_PER_MINUTE`, `BUGSLY_EVENTS_PER_DAY` | refused |
| bytes in a day, unpacked | `BUGSLY_BYTES_PER_DAY` | everything is refused until midnight UTC |
| memory reports of a key in a minute | `BUGSLY_REPORTS_PER_MINUTE` | refused |
| errors | `BUGSLY_MOST_ERRORS` | new ones share one issue |
| workers alive | `BUGSLY_MOST_WORKERS` | reports of further ones are not kept |
| releases | `BUGSLY_MOST_RELEASES` | further ones are not listed, nor their sessions counted |
| environments | `BUGSLY_MOST_ENVIRONMENTS` | further ones are one, `(others)` |
| tags: releases, environments and users of errors | `BUGSLY_MOST_TAGS` | not counted |

## What goes, and when

Samples and events go by age, after `BUGSLY_KEEP_DAYS`, in whole days. They go by size as well: when
the data folder is larger than `BUGSLY_KEEP_BYTES`, the oldest days are deleted within the hour, but
never the last two, counted from the newest day there is. meta.db is not cut: it is bounded by the
budgets above. The file of the spool is made small again once a backlog has drained.

## Erasing a person

`bugsly erase-user USER --project NAME`, the usage page, and `POST /api/v1/erase` with
`{"project": "shop", "user": "ada@example.com"}` and an API token erase one person from one project.
While a server runs on the data folder, give the command its URL with `--url`.

Events that name the person, what waits to be digested, their counts as a user and answers of a
model are deleted. Texts that name them, such as the title of an issue or a change in its history,
have `[erased]` in that place. Counts of events stay, because they name nobody. Feedback, logs and
traces are never stored in the first place. The outcome says how many rows of each kind were erased,
and erasing again erases nothing.

A person is looked for as a whole word, in texts, in JSON and in URLs; one shorter than 6
characters, such as `42`, in the fields of a user only. Who is known by several, as an id and a mail
address, is erased once for each.

Each file that held anything is written anew (SQLite's VACUUM) and its log emptied, because SQLite
leaves what is deleted in place. That needs as much free disk as the largest of those files. What
the file system or a backup keeps of earlier blocks, and what the server wrote to its log, is out of
reach.
"""


def main() -> int:
    """Write the page."""
    with tempfile.TemporaryDirectory() as folder:
        sizes, bytes_per_bucket = _measure(Path(folder))
    text = _render_page(sizes, bytes_per_bucket)
    PAGE_PATH.write_text(text + PROSE, encoding="utf-8")
    print(text)
    return 0


def _measure(folder: Path) -> tuple[dict[str, int], float]:
    """Return the bytes of a day by tier, and those of one step."""
    telemetry = SqliteTelemetry(folder, MONTH_DAYS)
    count = DAY // SAMPLE_INTERVAL
    for start in range(0, count, SAMPLES_PER_WRITE):
        numbers = range(start, min(start + SAMPLES_PER_WRITE, count))
        telemetry.write([_sample(worker, n) for n in numbers for worker in range(1, WORKERS + 1)])
    telemetry.roll_up(FIRST_SAMPLE_AT + 2 * DAY)
    rows = sum(len(buckets) for buckets in telemetry.time_buckets(range(1, WORKERS + 1)).values())
    telemetry.close()
    sizes = {
        path.name: sum(file.stat().st_size for file in path.glob("*.db"))
        for path in folder.iterdir()
        if path.is_dir()
    }
    return sizes, (folder / "steps.db").stat().st_size / rows


def _sample(worker: int, number: int) -> StoredSample:
    served = EndpointTraffic("", 40 + number % 7, number % 2, 0, 90_000 + number, 80_000, 4_000)
    return StoredSample(
        worker_id=worker,
        at=FIRST_SAMPLE_AT + number * SAMPLE_INTERVAL,
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


def _render_page(sizes: dict[str, int], bytes_per_bucket: float) -> str:
    """Return the page: each tier by its days, then the steps by the lives that have some."""
    rows, total = [], 0.0
    for tier in tiers(MONTH_DAYS):
        daily = sizes[tier.name] / WORKERS
        days = min(tier.retention // DAY + 1, MONTH_DAYS)
        total += daily * days * FLEET_WORKERS
        kept = f"{daily * days * FLEET_WORKERS / 1e6:,.0f} MB"
        rows.append(f"| {tier.name} | {daily / 1e3:,.0f} kB | {days} d | {kept} |")
    living = FLEET_WORKERS * MAX_BUCKETS * bytes_per_bucket
    recycled = living * TIME_BUCKET_RETENTION / HOUR
    return PAGE_TEMPLATE.format(
        tiers="\n".join(rows),
        step=bytes_per_bucket,
        most=MAX_BUCKETS,
        days=TIME_BUCKET_RETENTION // DAY,
        living=living / 1e6,
        recycled=recycled / 1e6,
        usual=(total + living) / 1e6,
        at_most=(total + recycled) / 1e6,
    )


if __name__ == "__main__":
    sys.exit(main())
