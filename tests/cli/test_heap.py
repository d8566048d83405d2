"""`bugsly heap`: what keeps the memory of a worker, or a sentence why nobody can tell."""

import io
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console
from tests.support.bugsly_command import run_bugsly, running_bugsly
from tests.support.heap_snapshots import heap_holder, heap_snapshot, unreachable_objects
from tests.support.site_harness import SiteHarness
from tests.support.site_harness import site_harness as a_site
from tests.support.wait import wait_until

from bugsly.protocol.evidence import ProbeResult
from bugsly_server.cli.heap.from_worker import HeapWalks, find_worker, heap_of_facts
from bugsly_server.cli.heap.text import print_heap_walks
from bugsly_server.clock import now
from bugsly_server.errors import Misconfigured
from bugsly_server.model.probe_status import ProbeRequestStatus
from bugsly_server.store.meta import probe_requests

LABS = Path(__file__).parents[2] / "labs"
NOBODY = 4_194_305
"""A pid beyond the largest that Linux gives."""
HEAP = heap_snapshot(heap_holder(), unreachable_objects())


def living(pid: int, host: str = "web-1", *, alive: bool = True) -> dict[str, Any]:
    return {"id": 10 + pid, "pid": pid, "host": host, "alive": alive}


def test_a_worker_is_found_by_its_pid() -> None:
    assert find_worker({"shop": [living(7), living(8)], "blog": [living(9)]}, 8) == 18


@pytest.mark.parametrize(
    ("workers", "pid", "sentence"),
    [
        ([living(7)], NOBODY, f"worker: {NOBODY} does not exist → choose one of: 7"),
        (
            [],
            NOBODY,
            f"worker: {NOBODY} does not exist → start its app, as no worker is running",
        ),
        ([living(NOBODY, alive=False)], NOBODY, f"worker: {NOBODY} does not exist"),
        (
            [living(7)],
            os.getpid(),
            "runs without the agent, or reports to another server → start it",
        ),
        ([living(7), living(7, "web-2")], 7, "exists on each of web-1, web-2 → choose one with"),
    ],
    ids=["another-lives", "none-lives", "it-ended", "it-reports-elsewhere", "two-hosts"],
)
def test_a_worker_that_is_not_to_be_found_is_answered_with_what_to_do(
    workers: list[dict[str, Any]], pid: int, sentence: str
) -> None:
    with pytest.raises(Misconfigured) as failed:
        find_worker({"shop": workers}, pid)
    assert sentence in str(failed.value)


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (
            {"problem": "too little is free → stop others"},
            "worker: 7 reports: too little is free →",
        ),
        ({"state": "expired"}, "worker: 7 sent no result within 5 min → check that its server"),
    ],
)
def test_a_refusal_and_silence_are_told_in_words(facts: dict[str, Any], sentence: str) -> None:
    with pytest.raises(Misconfigured) as failed:
        heap_of_facts({"state": "answered", "problem": "", "heap": None, **facts}, 7)
    assert sentence in str(failed.value)


def test_while_it_is_asked_there_is_no_heap_yet() -> None:
    assert heap_of_facts({"state": "sent", "problem": "", "heap": None}, 7) is None


def printed(walks: HeapWalks) -> list[str]:
    text = io.StringIO()
    print_heap_walks(walks, Console(width=120, highlight=False, file=text))
    return [line.rstrip() for line in text.getvalue().splitlines()]


def test_what_grew_and_what_keeps_most_are_drawn() -> None:
    lines = printed(HeapWalks(pid=7, most=heap_snapshot(heap_holder()), growth=HEAP))
    assert lines[0] == (
        "worker 7: 1,234,567 objects, 180 MB; paused for 4.2 ms, walked in 0.3 s by the C walker"
    )
    assert lines[2:5] == [
        "grew in each of 4 snapshots, over 400 requests",
        "  +320 kB in 160 more entries",
        "  shop.views          module",
    ]
    assert "  760 × fast.Buffer, 1.5 MB: alive, but no root leads to it" in lines
    assert lines[lines.index("holds most") + 1] == "  shop.views          module"


def test_growth_of_nothing_is_told_as_such() -> None:
    assert "  nothing grew" in printed(
        HeapWalks(pid=7, most=heap_snapshot(), growth=heap_snapshot())
    )


@pytest.fixture
def site(tmp_path: Path) -> Iterator[SiteHarness]:
    """Return a data folder with one worker in it; what the folder is asked, tests answer."""
    with a_site(tmp_path, now) as made:
        made.report(samples=3, pid=NOBODY)
        yield made


def open_requests(site: SiteHarness) -> list[ProbeRequestStatus]:
    with site.database.reading() as connection:
        return probe_requests.list_open(connection, site.project.id)


def settle(site: SiteHarness, **result: Any) -> int:
    """Answer the next ask; return for how many requests it was."""
    wait_until(lambda: open_requests(site), 20, "an ask")
    (request,) = open_requests(site)
    with site.database.writing() as connection:
        assert probe_requests.save_result(
            connection, request.worker_id, ProbeResult(ask=request.request.id, **result), now()
        )
    return request.request.requests


def test_a_worker_is_asked_through_the_data_folder(site: SiteHarness, tmp_path: Path) -> None:
    command = ("heap", str(NOBODY), "--requests", "400", "--json", "--data-dir", str(tmp_path))
    with running_bugsly(*command) as told:
        assert settle(site, heap=HEAP) == 400
        assert settle(site, heap=heap_snapshot(heap_holder(), requests=(1_900,))) == 0
        assert told.process.wait(20) == 0
        wait_until(lambda: told.output.endswith("}\n"), what="the JSON")
    found = json.loads(told.output)
    assert (found["pid"], len(found["growth"]["requests"]), len(found["most"]["requests"])) == (
        NOBODY,
        4,
        1,
    )
    assert found["growth"]["retainers"][0]["path"] == HEAP.retainers[0].path


def test_a_worker_that_refuses_is_heard(site: SiteHarness, tmp_path: Path) -> None:
    with running_bugsly("heap", str(NOBODY), "--data-dir", str(tmp_path)) as told:
        settle(site, problem="heap: too little memory is free → ask again later")
        assert told.process.wait(20) == 2
        wait_until(lambda: told.output.endswith("\n"), what="the sentence")
    assert told.output == (
        f"bugsly heap: worker: {NOBODY} reports: heap: too little memory is free"
        " → ask again later\n"
    )


def test_an_app_that_cannot_be_imported_is_answered_in_words() -> None:
    done = run_bugsly("heap", "nothing_there:app", cwd=LABS)
    assert done.returncode == 2
    assert done.stderr.startswith("bugsly heap: nothing_there:app: ")


def test_what_grows_in_an_app_is_told_with_the_way_to_it() -> None:
    done = run_bugsly("heap", "deliveries:app", "--json", seconds=100, cwd=LABS)
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    heaviest = found["growth"]["retainers"][0]
    assert heaviest["path"] == "deliveries.numbered.<locals>.publish.<closure>.given"
    assert [hop["name"] for hop in heaviest["hops"]] == [
        "deliveries",
        ".depots",
        "[*]",
        ".<closure>.given",
    ]
    assert found["most"]["objects"] > 10_000
