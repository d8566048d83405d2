from pathlib import Path

import pytest
from tests.support.fake_server import FakeServer
from tests.support.gunicorn import running_gunicorn
from tests.support.running_program import APPS, Program
from tests.support.wait import wait_until

from bugsly.protocol.evidence import Holder

FACTORY = {"hoarding:app": "hoarding.create_app", "hoarding:create_app()": "hoarding.create_app"}
SEEN = "hoarding.create_app.<locals>.see.<closure>.seen"


def counts(server: FakeServer, holder: str) -> list[int]:
    return [one.count for sample in server.samples for one in sample.levels if one.holder == holder]


def described(server: FakeServer, name: str) -> list[Holder]:
    told = (one.evidence.holders for one in server.reports if one.evidence is not None)
    return [holder for holders in told for holder in holders if holder.name == name]


def drive(server: FakeServer, running: Program, path: str, holder: str, until: int) -> int:
    """Ask for *path* until *holder* is told to have *until* entries; return how often it took."""
    asked = 0

    def told() -> bool:
        nonlocal asked
        for _ in range(20):
            running.get(path.format(i=asked))
            asked += 1
        return max(counts(server, holder), default=0) >= until

    wait_until(told, 60, f"{holder} is told of")
    return asked


@pytest.mark.parametrize("kind", ["sync", "gthread", "gevent"])
def test_a_list_that_grows_with_requests_is_told_of_at_each_sample(
    kind: str, server: FakeServer, tmp_path: Path
) -> None:
    options = ("-k", kind)
    with running_gunicorn(server, tmp_path, *options, app="hoarding:app", workers=1) as running:
        asked = drive(server, running, "/items/{i}", "hoarding.log", 200)
        wait_until(lambda: counts(server, "hoarding.log")[-1] == asked, 10, "all entries are told")
        assert running.get("/asked") == "0"
    levels = counts(server, "hoarding.log")
    assert levels == sorted(levels)
    (holder,) = described(server, "hoarding.log")
    assert (holder.kind, holder.bound, holder.entry, holder.library) == ("list", None, "dict", "")
    assert holder.file == str(APPS / "hoarding.py")
    assert 100 < holder.entry_bytes < 1_000
    assert all(one.bound == 20 for one in described(server, "hoarding.latest"))
    assert all(one.bound == 30 for one in described(server, "hoarding.squared"))
    assert all(report.lost == {} for report in server.reports)


@pytest.mark.parametrize("app", FACTORY)
def test_what_a_view_encloses_is_found_wherever_the_application_comes_from(
    app: str, server: FakeServer, tmp_path: Path
) -> None:
    with running_gunicorn(server, tmp_path, app=app, workers=1) as running:
        drive(server, running, "/seen/{i}", SEEN, 200)
    (holder,) = described(server, SEEN)
    assert (holder.kind, holder.entry) == ("dict", "int: dict")
    assert holder.file == str(APPS / "hoarding.py")
