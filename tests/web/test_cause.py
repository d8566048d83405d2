"""The page of an issue whose cause is known."""

import re
from dataclasses import replace
from typing import Any

import pytest
from tests.support.diagnoses import diagnosis, words
from tests.support.issues import change, finding, suspect
from tests.support.site import Site
from tests.support.values import holder as described
from tests.support.walks import heap, retainer

from bugsly.protocol.evidence import Evidence, Hop
from bugsly_server.diagnose.retainers import trace_of
from bugsly_server.model.diagnosis import Cause, Diagnosis, Explanation, Share
from bugsly_server.model.issue import Finding
from bugsly_server.pipeline import record_change

LOG = "shop.views.request_log"
CULPRIT = ((11, "def orders():"), (12, "    request_log.append(request.headers)"), (13, "    pass"))
HOSTILE = "<script>alert(1)</script>"
HELD = retainer()
WALK = heap(HELD)
SHARES = (
    Share(endpoint="GET /api/orders", slope=1.0, low=0.9, high=1.1, part=0.94, failing=True),
    Share(endpoint="GET /", slope=0.1, low=0, high=0.2, part=0.06, together=("GET /login",)),
)


def told(diagnosis: Diagnosis, explanation: Explanation) -> Finding:
    return finding(
        fingerprint="1/x",
        diagnosis=diagnosis,
        explanation=explanation,
        suspects=(suspect(worker_id=1),),
    )


def opened(site: Site, diagnosis: Diagnosis, explanation: Explanation | None = None) -> str:
    """Return the page of an issue with that cause."""
    shown = told(diagnosis, explanation or words(culprit=CULPRIT))
    with site.database.writing() as connection:
        record_change(connection, site.project.id, None, replace(change(), finding=shown))
    answer = site.client.get("/p/shop/issues/1")
    assert answer.status_code == 200
    return answer.text


def test_the_page_tells_the_cause_on_one_screen(visited: Site) -> None:
    page = opened(visited, diagnosis(shares=SHARES, library="lib 1.0"))
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


def test_the_line_of_the_culprit_and_no_other_is_marked(visited: Site) -> None:
    page = opened(visited, diagnosis())
    marked = re.findall(r'<span class="culprit"><i>(\d+)</i>(.*)', page)
    assert marked == [("12", "    request_log.append(request.headers)")]
    assert "<i>11</i>def orders():" in page


def test_the_change_is_shown_line_by_line(visited: Site) -> None:
    diff = "--- a/views.py\n+++ b/views.py\n@@ -1 +1 @@\n-log = []\n+log = deque()\n same\x0cline"
    page = opened(visited, diagnosis(), words(diff=diff))
    assert re.findall(r'<span class="(\w*)">([^<]*)\n</span>', page) == [
        ("head", "--- a/views.py"),
        ("head", "+++ b/views.py"),
        ("", "@@ -1 +1 @@"),
        ("removed", "-log = []"),
        ("added", "+log = deque()"),
        ("", " same\x0cline"),
    ]


def test_the_story_can_be_copied_as_markdown(visited: Site) -> None:
    page = opened(visited, diagnosis())
    assert "## shop.views.request_log grows with every request" in page
    assert "/p/shop/issues/1&gt;" in page


@pytest.mark.parametrize(
    "facts",
    [
        {"holder": HOSTILE},
        {"site": f"{HOSTILE}:12"},
        {"endpoint": HOSTILE},
        {"library": HOSTILE},
        {"because": (HOSTILE,)},
        {"unless": (HOSTILE,)},
        {"shares": (replace(SHARES[1], endpoint=HOSTILE, together=(HOSTILE,)),)},
    ],
)
def test_hostile_names_are_shown_as_text(visited: Site, facts: dict[str, Any]) -> None:
    page = opened(visited, diagnosis(**facts))
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize(
    "facts",
    [
        {"title": HOSTILE},
        {"what": HOSTILE},
        {"cost": HOSTILE},
        {"fix": f"`{HOSTILE}`"},
        {"diff": f"+{HOSTILE}"},
        {"culprit": ((12, HOSTILE),)},
    ],
)
def test_hostile_words_are_shown_as_text(visited: Site, facts: dict[str, Any]) -> None:
    page = opened(visited, diagnosis(), words(**facts))
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


@pytest.mark.parametrize("cause", Cause)
def test_every_cause_has_a_page_even_where_nothing_else_is_known(
    visited: Site, cause: Cause
) -> None:
    bare = {"holder": "", "site": "", "file": "", "endpoint": "", "because": (), "unless": ()}
    page = opened(visited, diagnosis(cause, **bare), words(diff=""))
    assert "What to change" in page
    assert "holder.json" not in page


def test_a_chart_shows_what_the_holder_held_by_requests(visited: Site) -> None:
    evidence = Evidence(holders=(described(LOG),))
    visited.report(evidence=evidence, held={LOG: 40})
    opened(visited, diagnosis())
    chart = visited.client.get("/p/shop/issues/1/holder.json").json()
    assert chart["memory"] == [40 * number for number in range(1, 21)]
    assert chart["requests"] == [50 * number for number in range(1, 21)]
    assert len(chart["x"]) == 20


def test_what_every_sample_counts_is_drawn_as_well(visited: Site) -> None:
    visited.report()
    opened(visited, diagnosis(Cause.THREADS, holder="running threads"))
    chart = visited.client.get("/p/shop/issues/1/holder.json").json()
    assert chart["memory"] == [3] * 20


def test_a_holder_that_nobody_counted_has_an_empty_chart(visited: Site) -> None:
    visited.report()
    opened(visited, diagnosis())
    assert visited.client.get("/p/shop/issues/1/holder.json").json()["memory"] == []


def test_the_way_to_a_holder_is_drawn_with_what_it_keeps_and_what_looking_cost(
    visited: Site,
) -> None:
    page = opened(visited, diagnosis(holder=HELD.path, trace=trace_of(HELD, WALK)))
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


def test_objects_without_a_holder_are_told_as_such(visited: Site) -> None:
    leaked = replace(trace_of(HELD, WALK), hops=())
    page = opened(visited, diagnosis(Cause.NATIVE, holder="", trace=leaked))
    assert "No root leads here <b>760 objects, 1.5 MB</b>" in page


def test_without_counts_the_chart_shows_the_snapshots_of_the_heap(visited: Site) -> None:
    visited.report()
    opened(visited, diagnosis(holder=HELD.path, trace=trace_of(HELD, WALK)))
    chart = visited.client.get("/p/shop/issues/1/holder.json").json()
    assert (chart["requests"], chart["memory"]) == ([*WALK.requests], [*HELD.counts])


@pytest.mark.parametrize(
    "facts", [{"hops": (Hop(name=HOSTILE, type="x"),)}, {"types": {HOSTILE: 760}}]
)
def test_hostile_names_in_a_heap_are_shown_as_text(visited: Site, facts: dict[str, Any]) -> None:
    page = opened(visited, diagnosis(trace=replace(trace_of(HELD, WALK), **facts)))
    assert HOSTILE not in page
    assert "&lt;script&gt;alert(1)" in page


def test_without_an_issue_or_a_cause_there_is_no_chart(visited: Site) -> None:
    assert visited.client.get("/p/shop/issues/1/holder.json").status_code == 404
    with visited.database.writing() as connection:
        record_change(connection, visited.project.id, None, change())
    assert visited.client.get("/p/shop/issues/1").status_code == 200
    assert visited.client.get("/p/shop/issues/1/holder.json").status_code == 404
