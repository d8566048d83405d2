"""What `/readyz`, the banner and the log say follows from what is measured."""

import json
from dataclasses import replace
from pathlib import Path

import pytest
from tests.support.clock import FakeClock
from tests.support.site_harness import site_harness

from bugsly_server.clock import DAY, MINUTE
from bugsly_server.health import MEGABYTE, Vitals, judge
from bugsly_server.store.damaged_files import SetAside

SOUND = Vitals(free_bytes=500 * MEGABYTE, spooled=0, spool_age=0, horizon_lag=MINUTE, set_aside=())
DAMAGED = SetAside("2026-08-21.db.damaged-1", "file is not a database", rescued=0, lost=3)


@pytest.mark.parametrize(
    ("vitals", "name", "is_failing", "beginning"),
    [
        (replace(SOUND, free_bytes=10 * MEGABYTE), "disk", True, "disk: 10 MB are free, and"),
        (
            replace(SOUND, spooled=1_200, spool_age=7 * MINUTE),
            "spool",
            True,
            "spool: 1,200 reports wait, the oldest for 7 minutes",
        ),
        (
            replace(SOUND, set_aside=[DAMAGED]),
            "files",
            False,
            "files: damaged and set aside: 2026-08-21.db.damaged-1; 3 records were lost",
        ),
        (replace(SOUND, horizon_lag=400 * DAY), "clock", False, "clock: it is 400 days ahead"),
    ],
    ids=["full", "backlog", "damage", "jump"],
)
def test_each_problem_is_one_sentence_with_what_to_do(
    vitals: Vitals, name: str, *, is_failing: bool, beginning: str
) -> None:
    [found] = [one for one in judge(vitals, 64 * MEGABYTE) if one.problem is not None]
    assert (found.name, found.is_failing) == (name, is_failing)
    assert found.problem is not None
    assert found.problem.startswith(beginning)
    assert " → " in found.problem


def test_a_sound_server_has_no_problem() -> None:
    assert [one.problem for one in judge(SOUND, 64 * MEGABYTE)] == [None] * 4


def test_a_damaged_file_is_shown_on_every_page_until_it_is_moved_away(tmp_path: Path) -> None:
    clock = FakeClock()
    with site_harness(tmp_path, clock) as site:
        site.log_in()
        note = tmp_path / "telemetry" / "events" / f"{DAMAGED.name}.json"
        note.parent.mkdir(parents=True)
        note.write_text(
            '{"name": "2026-08-21.db.damaged-1", "problem": "x", "rescued": 0, "lost": 3}'
        )
        shown = site.client.get("/account").text
        ready = site.client.get("/readyz")
        note.unlink()
        clock.advance(MINUTE)
        hidden = site.client.get("/account").text
    assert DAMAGED.name in shown
    assert DAMAGED.name not in hidden
    assert (ready.status_code, ready.json()["ready"]) == (200, True)
    assert DAMAGED.name in ready.json()["checks"]["files"]["problem"]


def test_a_store_that_cannot_be_read_is_not_ready_but_alive(tmp_path: Path) -> None:
    with site_harness(tmp_path) as site:
        with site.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE project RENAME TO gone")
        ready = site.client.get("/readyz")
        alive = site.client.get("/healthz")
        with site.database.writing() as connection:
            connection.exec_driver_sql("ALTER TABLE gone RENAME TO project")
    assert (ready.status_code, alive.status_code) == (503, 200)
    problem = json.loads(ready.content)["checks"]["store"]["problem"]
    assert problem == "store: cannot be read (no such table: project) → see the server's log"


def test_a_damaged_file_met_by_a_page_costs_one_page(tmp_path: Path) -> None:
    with site_harness(tmp_path) as site:
        site.log_in()
        site.report()
        [samples] = (tmp_path / "telemetry" / "samples").glob("*.db")
        site.server.store.telemetry.close()
        samples.write_bytes(b"something else " * 1_000)
        first, second = site.client.get("/p/shop/"), site.client.get("/p/shop/")
    assert (first.status_code, second.status_code) == (503, 200)
    assert "was set aside" in first.text
