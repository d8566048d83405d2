"""The text of an alert about a leak, and its JSON."""

import json
from typing import Any

import pytest
from tests.support.issues import change, finding, forecast, issue, suspect
from tests.support.recycling_values import recycled
from tests.support.release_comparison import proof

from bugsly_server.alert.leak_message import Alert, compose_leak_alert, compose_test_alert
from bugsly_server.model.issue import FindingScope, IssueChangeKind

PAGE = "https://bugs.example.com/p/shop/issues/3"
FACTS_OF_ONE = """\
web-1 pid 4242 is growing, cause not yet known.
It uses 812 MB now, 6 h and 14,200 requests after its start.
It gains 21 kB per request (between 18 kB and 24 kB).
Its 7 peers gain 130 B per request (median).
If nothing changes, memory runs out in about 3 h (between 2.4 h and 3.8 h): the limit is 2 GB.
Seen at 2026-08-21 03:12 UTC, in release 1.4.2."""

QUIET = """\
No worker has grown for 30 min.
Another alert follows if one grows again.
As of 2026-08-21 03:12 UTC."""
RESOLVED = """\
It was quiet for 3 d.
Another alert follows if a worker that starts from now on grows.
As of 2026-08-21 03:12 UTC."""
FIXED = """\
Fixed in 2026.11.3: 4.2 kB per request before (4 kB to 4.4 kB), 0 B (±95 B) after 12,000 requests.
Another alert follows if the growth returns.
As of 2026-08-21 03:12 UTC."""
RESTARTS = """\
Every worker is growing, cause not yet known; restarts hide it because each new one starts small.
The last 12 workers gained 21 kB per request each.
It is not known when memory runs out: there is no limit, or no traffic at the moment.
Seen at 2026-08-21 03:12 UTC."""
NO_LATEST = (
    "If nothing changes, memory runs out in about 3 h (2.4 h at the soonest): the limit is 2 GB."
)


def composed(kind: IssueChangeKind = IssueChangeKind.OPENED, **changes: Any) -> Alert:
    return compose_leak_alert("shop", issue(), change(kind, **changes), PAGE)


def lines(**changes: Any) -> tuple[str, ...]:
    return composed(finding=finding(**changes)).lines


@pytest.mark.parametrize(
    ("kind", "because", "title", "text"),
    [
        (
            IssueChangeKind.OPENED,
            "it grew",
            "[shop] One worker on web-1 grows apart from its peers",
            FACTS_OF_ONE,
        ),
        (
            IssueChangeKind.WORSENED,
            "memory runs out in about 40 min",
            "[shop] Getting worse: One worker on web-1 grows apart from its peers",
            f"Memory runs out in about 40 min.\n{FACTS_OF_ONE}",
        ),
        (
            IssueChangeKind.QUIETED,
            "no worker has grown for 30 min",
            "[shop] Quiet now: One worker on web-1 grows apart from its peers",
            QUIET,
        ),
        (
            IssueChangeKind.CAME_BACK,
            "a regression: it was fixed in 1.4.1, and grows again",
            "[shop] Back again: One worker on web-1 grows apart from its peers",
            f"A regression: it was fixed in 1.4.1, and grows again.\n{FACTS_OF_ONE}",
        ),
        (
            IssueChangeKind.FIXED,
            proof().because,
            "[shop] Fixed: One worker on web-1 grows apart from its peers",
            FIXED,
        ),
        (
            IssueChangeKind.RESOLVED,
            "it was quiet for 3 d",
            "[shop] Resolved: One worker on web-1 grows apart from its peers",
            RESOLVED,
        ),
    ],
)
def test_every_change_has_its_own_text(
    kind: IssueChangeKind, because: str, title: str, text: str
) -> None:
    alert = composed(kind, because=because)
    assert alert.title == title
    assert alert.text == f"{text}\n\n{PAGE}"


def test_several_suspects_are_counted_and_the_first_few_named() -> None:
    suspects = tuple(suspect(pid=4242 + one, slope=21_000 - 1_000 * one) for one in range(6))
    said = lines(scope=FindingScope.ALL, suspects=suspects, peers=0)
    assert said[0] == "6 workers are growing, cause not yet known. web-1 pid 4242 grows fastest."
    assert said[-2] == (
        "Also growing: web-1 pid 4243 (20 kB per request), web-1 pid 4244 (19 kB per request), "
        "web-1 pid 4245 (18 kB per request) and 2 more."
    )


def test_two_suspects_are_both_named() -> None:
    assert lines(suspects=(suspect(), suspect(pid=5)))[-2] == (
        "Also growing: web-1 pid 5 (21 kB per request)."
    )


def test_growth_across_restarts_names_no_worker() -> None:
    said = lines(scope=FindingScope.RESTARTS, suspects=(), peers=12, forecast=None, release="")
    assert "\n".join(said) == RESTARTS


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"peers": 1}, "Its 1 peer gains 130 B per request."),
        ({"peers": 3, "peer_slope": -40.0}, "Its 3 peers gain -40 B per request (median)."),
        (
            {"suspects": (suspect(axis="hour", slope=3.1e6, low=2.9e6, high=3.4e6),)},
            "It gains 3.1 MB per hour (between 2.9 MB and 3.4 MB).",
        ),
        ({"forecast": forecast(latest=None)}, NO_LATEST),
    ],
)
def test_a_line_depends_on_what_is_known(changes: dict[str, Any], line: str) -> None:
    assert line in lines(**changes)


def test_a_worker_without_peers_is_not_compared() -> None:
    assert not [line for line in lines(peers=0) if "peer" in line]


@pytest.mark.parametrize("kind", IssueChangeKind)
def test_an_alert_without_a_cause_never_says_leak(kind: IssueChangeKind) -> None:
    assert "leak" not in json.dumps(composed(kind).payload).lower()


def test_names_from_the_wire_cannot_break_a_line() -> None:
    hostile = finding(title="a\r\nBcc: all@example.com", suspects=(suspect(host="b\n\x1b[2J"),))
    alert = composed(finding=hostile)
    assert alert.title == "[shop] a  Bcc: all@example.com"
    assert alert.lines[0] == "b  [2J pid 4242 is growing, cause not yet known."


WORKER_FACTS = {
    "id": 17,
    "host": "web-1",
    "pid": 4242,
    "age": 21600.0,
    "memory": 812_000_000,
    "requests": 14200,
    "growth": {"per": "request", "bytes": 21000.0, "low": 18000.0, "high": 24000.0},
}
FINDING_FACTS = {
    "verdict": "growing, cause not yet known",
    "because": "web-1 pid 4242 gained +21 kB per request",
    "diagnosis": None,
    "scope": "one worker",
    "release": "1.4.2",
    "growth": {"per": "request", "bytes": 21000.0},
    "peers": {"count": 7, "bytes": 130.0},
    "forecast": {"limit": 2_000_000_000, "seconds": 10800, "soonest": 8640, "latest": 13680},
    "recycled": None,
    "workers": [WORKER_FACTS],
}


def test_the_json_holds_everything_the_text_says() -> None:
    title = "One worker on web-1 grows apart from its peers"
    assert composed().payload == {
        "version": 1,
        "title": f"[shop] {title}",
        "text": f"{FACTS_OF_ONE}\n\n{PAGE}",
        "url": PAGE,
        "change": "opened",
        "at": 1787281920.0,
        "project": "shop",
        "issue": {"id": 3, "title": title, "opened_at": 1787279520.0},
        "finding": FINDING_FACTS,
        "proof": None,
    }


def test_a_fixed_leak_has_both_releases_in_the_json() -> None:
    alert = compose_leak_alert("shop", issue(proof=proof()), change(IssueChangeKind.FIXED), PAGE)
    assert alert.payload["proof"] == {
        "outcome": "fixed",
        "because": proof().because,
        "per": "request",
        "before": {
            "release": "2026.11.2",
            "bytes": 4200.0,
            "low": 4000.0,
            "high": 4400.0,
            "requests": 90_000,
            "workers": 4,
        },
        "after": {
            "release": "2026.11.3",
            "bytes": 0.0,
            "low": -95.0,
            "high": 95.0,
            "requests": 12_000,
            "workers": 4,
        },
    }


@pytest.mark.parametrize(
    ("changes", "forecast_facts"),
    [
        ({"forecast": None}, None),
        (
            {"forecast": forecast(latest=None)},
            {"limit": 2_000_000_000, "seconds": 10800, "soonest": 8640, "latest": None},
        ),
    ],
)
def test_an_unknown_value_is_null(changes: dict[str, Any], forecast_facts: object) -> None:
    payload = composed(finding=finding(**changes)).payload
    assert payload["finding"]["forecast"] == forecast_facts
    json.dumps(payload)


def test_a_change_without_a_finding_reports_the_last_one() -> None:
    quiet = composed(IssueChangeKind.QUIETED).payload
    assert quiet["finding"] == composed().payload["finding"]


def test_a_test_alert_says_that_it_is_a_test() -> None:
    payload = compose_test_alert(PAGE).payload
    assert payload["change"] == "test"
    assert payload["text"].startswith("Somebody pressed the test button.")


def test_an_alert_mentions_the_safety_net_once() -> None:
    at_work = recycled()
    line = f"The safety net is at work: {at_work.because}."
    assert line in lines(recycled=at_work)
    assert line not in lines()
    assert "memory runs out" not in " ".join(lines(recycled=at_work))
    assert "memory runs out" in " ".join(lines(recycled=recycled(full_at=None)))
    because = f"its workers were {at_work.because}"
    news = composed(IssueChangeKind.WORSENED, because=because, finding=finding(recycled=at_work))
    assert news.text.count(at_work.because) == 1


def test_the_json_says_how_often_workers_were_recycled() -> None:
    facts = composed(finding=finding(recycled=recycled())).payload["finding"]["recycled"]
    assert facts == {
        "hours": 24,
        "times": 14,
        "for": "shop.views.request_log",
        "full_at": 1787278320,
        "because": recycled().because,
    }
    assert composed().payload["finding"]["recycled"] is None
