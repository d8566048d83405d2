"""`python -m tests.detect.fleet_table`: tries detection on every fleet and prints what it said."""

import argparse
import math
import random
from collections.abc import Sequence
from multiprocessing import Pool
from typing import NamedTuple

from tests.detect.fleets import FILLING_FLEETS, HONEST_FLEETS, LEAKY_FLEETS, DrawFleet
from tests.detect.simulation import SimulatedFleet, opened_after

FLEETS = {**HONEST_FLEETS, **FILLING_FLEETS, **LEAKY_FLEETS}
TABLE_HEAD = """\
| fleet | opened | within 10 min | median | slowest | alerts |
|---|---|---|---|---|---|
"""


class FleetJob(NamedTuple):
    name: str
    seed: int
    hours: float
    every: float


class FleetResult(NamedTuple):
    opened: float
    alerts: int


def run_fleet(
    draw: DrawFleet, seed: int, hours: float, sample_seconds: float = 10.0
) -> SimulatedFleet:
    """Return the fleet of *draw* after *hours*."""
    fleet = SimulatedFleet(draw(random.Random(seed)), seed, sample_seconds)
    fleet.run(hours)
    return fleet


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=20)
    parser.add_argument("--hours", type=float, default=6.0)
    parser.add_argument("--every", type=float, default=10.0)
    parser.add_argument("--only", default="", help="part of a fleet's name")
    parser.add_argument("--jobs", type=int, default=2)
    given = parser.parse_args()
    for kind, fleets in (
        ("honest", HONEST_FLEETS),
        ("filling", FILLING_FLEETS),
        ("leaky", LEAKY_FLEETS),
    ):
        names = [name for name in fleets if given.only in name]
        jobs = [FleetJob(n, s, given.hours, given.every) for n in names for s in range(given.seeds)]
        with Pool(given.jobs) as pool:
            results = pool.map(_run_job, jobs, chunksize=1)
        print(f"\n{kind}\n\n{TABLE_HEAD}{_rows(jobs, results)}", flush=True)  # noqa: T201


def _run_job(job: FleetJob) -> FleetResult:
    fleet = run_fleet(FLEETS[job.name], job.seed, job.hours, job.every)
    return FleetResult(opened_after(fleet.alerts), len(fleet.alerts))


def _rows(jobs: Sequence[FleetJob], results: Sequence[FleetResult]) -> str:
    by_name: dict[str, list[FleetResult]] = {}
    for job, result in zip(jobs, results, strict=True):
        by_name.setdefault(job.name, []).append(result)
    return "\n".join(_row(name, of) for name, of in by_name.items())


def _row(name: str, results: Sequence[FleetResult]) -> str:
    opened = sorted(one.opened for one in results if one.opened < math.inf)
    early = sum(seconds < 600 for seconds in opened)
    times = (f"{opened[len(opened) // 2]:.0f} s", f"{opened[-1]:.0f} s") if opened else ("", "")
    alerts = sum(one.alerts for one in results)
    return (
        f"| {name} | {len(opened)}/{len(results)} | {early} | {times[0]} | {times[1]} | {alerts} |"
    )


if __name__ == "__main__":
    main()
