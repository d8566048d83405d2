"""The page of a leak with a known cause."""

import html
import re
from dataclasses import replace
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis, leak_explanation
from tests.support.heap_snapshots import heap_holder, heap_snapshot
from tests.support.issues import change, finding, suspect
from tests.support.protocol_values import holder as described
from tests.support.site_harness import SiteHarness

from bugsly.protocol.evidence import (
    Evidence,
    HolderPathStep,
    ModuleSource,
    ProbeRequest,
    ProbeResult,
)
from bugsly_server.diagnose.heap.heap_holders import heap_path_of
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.model.diagnosis import Cause, Diagnosis, EndpointShare
from bugsly_server.model.explanation import Explanation
from bugsly_server.model.issue import Finding
from bugsly_server.store.meta import probe_requests, sources, workers

LOG = "shop.views.request_log"
SUSPECT_CODE = (
    (11, "def orders():"),
    (12, "    request_log.append(request.headers)"),
    (13, "    pass"),
)
HOSTILE = "<script>alert(1)</script>"
HEAP_HOLDER = heap_holder()
HEAP_SNAPSHOT = heap_snapshot(HEAP_HOLDER)
SHARES = (
    EndpointShare(
        endpoint="GET /api/orders", slope=1.0, low=0.9, high=1.1, part=0.94, failing=True
    ),
    EndpointShare(
        endpoint="GET /", slope=0.1, low=0, high=0.2, part=0.06, together=("GET /login",)
    ),
)


def shown_cause(diagnosis: Diagnosis, explanation: Explanation) -> Finding:
    return finding(
        fingerprint="1/x",
        diagnosis=diagnosis,
        explanation=explanation,
        suspects=(suspect(worker_id=1),),
    )


def issue_page(
    site: SiteHarness, diagnosis: Diagnosis, explanation: Explanation | None = None
) -> str:
    """Return the page of an issue with that cause."""
    shown = shown_cause(diagnosis, explanation or leak_explanation(source_excerpt=SUSPECT_CODE))
    with site.database.writing() as connection:
        record_leak_change(connection, site.project.id, None, replace(change(), finding=shown))
    answer = site.client.get("/p/shop/issues/1")
    assert answer.status_code == 200
    return answer.text


def test_the_page_shows_the_cause(visited: SiteHarness) -> None:
    page = issue_page(visited, diagnosis(shares=SHARES, library="lib 1.0"))
    for shown in (
        "growing container, 97 % sure",
        f'<code class="fold">{LOG}</code>',
        "shop/views.py:12",
        "GET /api/orders</code>, when it fails",
        "lib 1.0",
        "It costs 812 B per request.",
        "Bound it.",
        "94 %",
        "always comes with GET /login",
        "it gains one entry per request",
        "it is emptied later",
    ):
        assert shown in page


def test_the_suspect_line_and_no_other_is_marked(visited: SiteHarness) -> None:
    page = issue_page(visited, diagnosis())
    marked = re.findall(r'<span class="culprit"><i>(\d+)</i>(.*)', page)
    assert marked == [("12", "    request_log.append(request.headers)")]
    assert "<i>11</i>def orders():" in page


def test_the_change_is_shown_line_by_line(visited: SiteHarness) -> None:
    diff = "--- a/views.py\n+++ b/views.py\n@@ -1 +1 @@\n-log = []\n+log = deque()\n same\x0cline"
    page = issue_page(visited, diagnosis(), leak_explanation(diff=diff))
    assert re.findall(r'<span class="(\w*)">([^<]*)\n</span>', page) == [
        ("head", "--- a/views.py"),
        ("head", "+++ b/views.py"),
        ("", "@@ -1 +1 @@"),
        ("removed", "-log = []"),
        ("added", "+log = deque()"),
        ("", " same\x0cline"),
    ]


def test_the_diagnosis_can_be_copied_as_markdown(visited: SiteHarness) -> None:
    page = issue_page(visited, diagnosis())
    assert "## shop.views.request_log grows with every request" in page
    assert "/p/shop/issues/1&gt;" in page


@pytest.mark.parametrize(
    "facts",
    [
        {"holder": HOSTILE},
        {"site": f"{HOSTILE}:12"},
        {"endpoint": HOSTILE},
        {"library": HOSTILE},
        {"reasons": (HOSTILE,)},
        {"falsifiers": (HOSTILE,)},
        {"shares": (replace(SHARES[1], endpoint=HOSTILE, together=(HOSTILE,)),)},
    ],
)
def test_hostile_names_are_shown_as_text(visited: SiteHarness, facts: dict[str, Any]) -> None:
    page = issue_page(visited, diagnosis(**facts))
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page.replace("\\&", "&")


@pytest.mark.parametrize(
    "facts",
    [
        {"title": HOSTILE},
        {"what": HOSTILE},
        {"cost": HOSTILE},
        {"fix": f"`{HOSTILE}`"},
        {"diff": f"+{HOSTILE}"},
        {"source_excerpt": ((12, HOSTILE),)},
    ],
)
def test_hostile_explanations_are_shown_as_text(
    visited: SiteHarness, facts: dict[str, Any]
) -> None:
    page = issue_page(visited, diagnosis(), leak_explanation(**facts))
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page.replace("\\&", "&")


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_page_even_if_nothing_else_is_known(
    visited: SiteHarness, cause: Cause
) -> None:
    unknown: dict[str, Any] = {"holder": None, "site": None, "file": None, "endpoint": None}
    bare = diagnosis(cause, **unknown, reasons=(), falsifiers=())
    page = issue_page(visited, bare, leak_explanation(diff=None))
    assert "What to change" in page
    assert "holder.json" not in page


def test_a_chart_shows_what_the_holder_held_by_requests(visited: SiteHarness) -> None:
    evidence = Evidence(holders=(described(LOG),))
    visited.report(evidence=evidence, held={LOG: 40})
    issue_page(visited, diagnosis())
    chart = visited.client.get("/p/shop/issues/1/holder.json").json()
    assert chart["memory"] == [40 * number for number in range(1, 21)]
    assert chart["requests"] == [50 * number for number in range(1, 21)]
    assert len(chart["x"]) == 20


def test_a_gauge_of_the_samples_is_drawn_as_a_holder(visited: SiteHarness) -> None:
    visited.report()
    issue_page(visited, diagnosis(Cause.THREADS, holder="running threads"))
    chart = visited.client.get("/p/shop/issues/1/holder.json").json()
    assert chart["memory"] == [3] * 20


def test_a_holder_without_counts_has_an_empty_chart(visited: SiteHarness) -> None:
    visited.report()
    issue_page(visited, diagnosis())
    assert visited.client.get("/p/shop/issues/1/holder.json").json()["memory"] == []


def test_the_path_to_a_holder_is_shown_with_its_size_and_the_pause(
    visited: SiteHarness,
) -> None:
    page = issue_page(
        visited,
        diagnosis(holder=HEAP_HOLDER.path, heap_path=heap_path_of(HEAP_HOLDER, HEAP_SNAPSHOT)),
    )
    steps = re.findall(r'<li[^>]*><code class="fold">([^<]*)</code> <span[^>]*>([^<]*)', page)
    assert steps == [
        ("shop.views", "module"),
        (".make_counter", "function"),
        ("&lt;closure&gt;.seen", "list"),
    ]
    for shown in (
        "keeps 1.5 MB in 760 entries",
        '760 × <code class="fold">shop.models.Quote</code>',
        "a walk of 1,234,567 objects; it stopped the worker for 4.2 ms",
    ):
        assert shown in page


def test_objects_without_a_holder_are_shown_as_such(visited: SiteHarness) -> None:
    leaked = replace(heap_path_of(HEAP_HOLDER, HEAP_SNAPSHOT), hops=())
    page = issue_page(visited, diagnosis(Cause.NATIVE, holder=None, heap_path=leaked))
    assert "No root leads here <b>760 objects, 1.5 MB</b>" in page


def test_without_counts_the_chart_shows_the_snapshots_of_the_heap(visited: SiteHarness) -> None:
    visited.report()
    issue_page(
        visited,
        diagnosis(holder=HEAP_HOLDER.path, heap_path=heap_path_of(HEAP_HOLDER, HEAP_SNAPSHOT)),
    )
    chart = visited.client.get("/p/shop/issues/1/holder.json").json()
    assert (chart["requests"], chart["memory"]) == (
        [*HEAP_SNAPSHOT.requests],
        [*HEAP_HOLDER.counts],
    )


@pytest.mark.parametrize(
    "facts", [{"hops": (HolderPathStep(name=HOSTILE, type="x"),)}, {"types": {HOSTILE: 760}}]
)
def test_hostile_names_in_a_heap_are_shown_as_text(
    visited: SiteHarness, facts: dict[str, Any]
) -> None:
    page = issue_page(
        visited, diagnosis(heap_path=replace(heap_path_of(HEAP_HOLDER, HEAP_SNAPSHOT), **facts))
    )
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page.replace("\\&", "&")


def test_without_an_issue_or_a_cause_there_is_no_chart(visited: SiteHarness) -> None:
    assert visited.client.get("/p/shop/issues/1/holder.json").status_code == 404
    with visited.database.writing() as connection:
        record_leak_change(connection, visited.project.id, None, change())
    assert visited.client.get("/p/shop/issues/1").status_code == 200
    assert visited.client.get("/p/shop/issues/1/holder.json").status_code == 404


OFF = "this worker is set not to run expensive probes (BUGSLY_PROBES=off) → set BUGSLY_PROBES=all"
OF_LIBRARY = "it belongs to a library → set BUGSLY_LIBRARY_SOURCES=on"


def test_what_a_worker_refused_is_said_on_its_page_and_on_that_of_its_leak(
    visited: SiteHarness,
) -> None:
    visited.report()
    found = diagnosis()
    unread = ModuleSource(file=found.location.file or "", module="shop", problem=OF_LIBRARY)
    with visited.database.writing() as connection:
        worker = workers.get(connection, visited.project.id, 1)
        assert worker is not None
        request = ProbeRequest(id=0, probe="heap")
        asked = probe_requests.add(connection, worker, request, visited.clock())
        assert asked is not None
        refusal = ProbeResult(ask=asked.request.id, problem=OFF)
        assert probe_requests.save_result(connection, worker.id, refusal, visited.clock())
        sources.save(connection, visited.project.id, [unread], visited.clock())
    refused = f"Worker 4242 was asked for a walk of its heap: {OFF}."
    page = html.unescape(issue_page(visited, found))
    assert refused in page
    assert f"The source of {unread.file} was not read: {OF_LIBRARY}." in page
    assert refused in html.unescape(visited.client.get("/p/shop/workers/1").text)
