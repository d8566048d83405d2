"""Runs rounds: load, a fault, and what has to hold afterwards."""

from __future__ import annotations

import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from random import Random

from bugsly_server.clock import DAY, now
from bugsly_server.store.damaged_files import list_set_aside
from tools.chaos import stored
from tools.chaos.disk import own_disk
from tools.chaos.faults import FAULTS, Bench, except_what_damage_reaches, possible_faults
from tools.chaos.load import Load
from tools.chaos.served import ServedFolder, wait_until

RECORDS_BEFORE_FAULT = 30
SETTLE_SECONDS = 90.0
PAGES = ("/account", "/p/app/issues", "/p/app/setup", "/login", "/healthz")


@dataclass
class Outcome:
    """What came of all rounds."""

    rounds: Counter[str] = field(default_factory=Counter)
    """By fault."""
    acknowledged: int = 0
    refusals: int = 0
    destroyed: int = 0
    """Acknowledged records that are gone with a damaged file."""
    set_aside: int = 0


@contextmanager
def bench_of(seed: int) -> Iterator[Bench]:
    """Give a server under load on a disk of its own."""
    with ExitStack() as opened:
        scratch = Path(opened.enter_context(tempfile.TemporaryDirectory()))
        disk = opened.enter_context(own_disk(scratch))
        served = ServedFolder(disk.folder, scratch)
        served.start()
        opened.callback(served.kill)
        load = Load(served)
        opened.callback(load.close)
        yield Bench(disk, served, load, Random(seed))  # noqa: S311 - it has to repeat


def run_rounds(bench: Bench, faults: Sequence[str]) -> Iterator[Outcome]:
    """Run a round with each of *faults*; yield the outcome so far. Raises `AssertionError`."""
    outcome = Outcome()
    for name in faults:
        bench.load.resume()
        bench.await_load(RECORDS_BEFORE_FAULT)
        FAULTS[name](bench)
        bench.await_load(RECORDS_BEFORE_FAULT)
        bench.load.pause()
        wait_until(lambda: stored.spooled(bench.served.folder) == 0, SETTLE_SECONDS, "digestion")
        outcome.rounds[name] += 1
        outcome.destroyed += check_records(bench)
        outcome.set_aside += check_damaged_files(bench, name, outcome)
        check_answers(bench)
        outcome.acknowledged = bench.load.total
        outcome.refusals = bench.load.refusals
        yield outcome


def check_records(bench: Bench) -> int:
    """Check that all that was acknowledged is there once; return how much damage destroyed.

    What it destroyed is expected no longer, nor what the clock dated so far back that it is due to
    be forgotten.
    """
    except_what_damage_reaches(bench)
    counted, times = stored.events(bench.served.folder)
    kept = stored.samples(bench.served.folder)
    bench.counted |= set(counted)
    doubled = [record for record, moments in kept.items() if len(moments) > 1]
    assert times == len(bench.counted), f"{times} events were counted of {len(bench.counted)}"
    assert not doubled, f"stored more than once: {doubled[:5]}"
    dated = counted | {record: moments[0] for record, moments in kept.items()}
    strange = dated.keys() - bench.load.sent
    assert not strange, f"stored and never sent: {list(strange)[:5]}"
    missing = bench.load.acknowledged - dated.keys()
    lost = missing - bench.excepted
    assert not lost, f"{len(lost)} acknowledged records are lost: {list(lost)[:5]}"
    outdated = {record for record, at in dated.items() if at < now() - DAY}
    bench.load.acknowledged -= missing | outdated
    return len(missing)


def check_damaged_files(bench: Bench, fault: str, outcome: Outcome) -> int:
    """Check that only damage sets files aside; move them away and return how many there were.

    Damage may be met in a later round, when something reads that file.
    """
    found = list_set_aside(bench.served.folder)
    assert not found or outcome.rounds["damaged file"], f"{fault}: {found}"
    for path in bench.served.folder.glob("**/*.damaged-*"):
        bench.damaged_samples.discard(path.name.partition(".damaged-")[0])
        path.unlink()
    return len(found)


def check_answers(bench: Bench) -> None:
    """Check that pages answer, that the server says it works, and that its log has no traceback."""
    wait_until(lambda: bench.served.get("/readyz").status == 200, SETTLE_SECONDS, "readiness")
    for path in PAGES:
        status = bench.served.get(path).status
        assert status == 200, f"{path} answered {status}"
    for path in ("/metrics", "/api/v1/issues", "/api/v1/workers"):
        status = bench.served.get(path, token=True).status
        assert status == 200, f"{path} answered {status}"
    assert "Traceback" not in bench.served.log, bench.served.log[-3_000:]
    assert not bench.load.bad_replies, bench.load.bad_replies[:3]


def random_faults(bench: Bench, rounds: int) -> list[str]:
    """Return the faults of *rounds* rounds."""
    possible = possible_faults(bench.disk, bench.served)
    return [bench.random.choice(possible) for _ in range(rounds)]
