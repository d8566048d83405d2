"""Events at ingest: the ways they are sent, the replies, and the quota."""

import base64
import json
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from httpx2 import Response
from tests.support.clock import FakeClock
from tests.support.events import payload
from tests.support.site_harness import SiteHarness, site_harness

from bugsly.protocol.envelope import build_envelope
from bugsly_server.clock import MINUTE, SECOND
from bugsly_server.ingest.quota import Quota
from bugsly_server.store.meta import projects

ID = "9ec79c33ec9942ab8353589fcb2e04dc"


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def inside(tmp_path: Path, clock: FakeClock) -> Iterator[SiteHarness]:
    with site_harness(tmp_path, clock) as inside:
        yield inside


def posted(inside: SiteHarness, *items: tuple[str, bytes], **header: str) -> Response:

    return inside.client.post(
        f"/api/{inside.project.id}/envelope/?sentry_key={inside.key}",
        content=build_envelope(dict(header), items),
    )


def kept_events(inside: SiteHarness) -> list[dict[str, Any]]:
    return [json.loads(one.payload) for one in inside.server.spool.lease(1_000)]


def test_the_id_of_an_event_is_that_of_its_envelope(inside: SiteHarness) -> None:
    reply = posted(inside, ("event", payload(7)), event_id=ID)
    assert reply.json() == {"id": ID}
    assert [one["event_id"] for one in kept_events(inside)] == [ID]


def test_an_event_without_an_id_is_given_one(inside: SiteHarness) -> None:
    reply = posted(inside, ("event", b'{"message": "x"}'))
    assert len(reply.json()["id"]) == 32
    assert [one["event_id"] for one in kept_events(inside)] == [reply.json()["id"]]


def test_what_is_spooled_has_no_secrets(inside: SiteHarness) -> None:
    posted(inside, ("event", payload(1, extra={"password": "hunter2"})))
    (event,) = kept_events(inside)
    assert "hunter2" not in json.dumps(event)
    assert event["_bugsly"]["removed"] == [["extra.password", "key that speaks of a secret"]]


def test_a_client_cannot_write_our_note(inside: SiteHarness) -> None:
    posted(inside, ("event", payload(1, _bugsly={"removed": [["a", "b"]]})))
    assert kept_events(inside)[0]["_bugsly"]["removed"] == []


def test_names_that_a_project_adds_are_secret_within_seconds(
    inside: SiteHarness, clock: FakeClock
) -> None:
    posted(inside, ("event", payload(1, extra={"kunden_nr": "K-07"})))
    with inside.database.writing() as connection:
        projects.set_secret_names(connection, inside.project.id, "Kunden-Nr\n")
    clock.advance(5 * SECOND)
    posted(inside, ("event", payload(2, extra={"kunden_nr": "K-07"})))
    assert ["K-07" in json.dumps(one) for one in kept_events(inside)] == [True, False]


@pytest.mark.parametrize("pack", [bytes, lambda body: base64.b64encode(zlib.compress(body))])
def test_the_old_store_endpoint_takes_a_single_event(
    inside: SiteHarness, pack: Callable[[bytes], bytes]
) -> None:
    reply = inside.client.post(
        f"/api/{inside.project.id}/store/",
        content=pack(payload(7)),
        headers={"X-Sentry-Auth": f"Sentry sentry_key={inside.key}"},
    )
    assert (reply.status_code, reply.json()) == (200, {"id": f"{7:032x}"})
    assert len(kept_events(inside)) == 1


@pytest.mark.parametrize("body", [b"", b"!", b"AAAA", b"[1"])
def test_what_is_posted_there_and_is_not_an_event_is_refused_or_counted(
    inside: SiteHarness, body: bytes
) -> None:
    reply = inside.client.post(
        f"/api/{inside.project.id}/store/?sentry_key={inside.key}", content=body
    )
    assert reply.status_code in {200, 400}
    assert kept_events(inside) == []


def test_an_event_that_is_too_large_is_counted_and_the_rest_is_kept(inside: SiteHarness) -> None:
    huge = payload(1, message="x" * (13 * 1024 * 1024))
    assert posted(inside, ("event", huge), ("event", payload(2))).status_code == 200
    assert [one["event_id"] for one in kept_events(inside)] == [f"{2:032x}"]
    assert sum(inside.server.envelopes.skipped.values()) == 1


def test_what_an_sdk_dropped_itself_is_counted(inside: SiteHarness) -> None:
    report = {
        "discarded_events": [
            {"reason": "queue_overflow", "category": "error", "quantity": 12},
            {"reason": "queue_overflow", "category": "unknown", "quantity": 3},
            {"reason": "before_send", "category": "error", "quantity": 7},
            {"reason": "ratelimit_backoff", "category": "transaction", "quantity": 7},
            {"reason": "<b>", "category": "error", "quantity": 7},
            {"reason": [], "category": {}, "quantity": "x"},
        ]
    }
    posted(inside, ("client_report", json.dumps(report).encode()))
    assert inside.server.envelopes.skipped == {
        (inside.project.id, "error that an SDK dropped itself, queue_overflow"): 15
    }


def test_over_quota_events_are_refused_until_the_minute_ends(
    tmp_path: Path, clock: FakeClock
) -> None:
    with site_harness(tmp_path, clock, events_per_minute="3") as inside:
        clock.advance(MINUTE - clock() % MINUTE + 20 * SECOND)
        for number in range(3):
            assert posted(inside, ("event", payload(number))).status_code == 200
        reply = posted(inside, ("event", payload(3)))
        assert reply.status_code == 429
        assert reply.headers["retry-after"] == "40"
        assert reply.headers["x-sentry-rate-limits"] == "40:error:project:quota"
        assert inside.server.envelopes.skipped == {(inside.project.id, "event over the quota"): 1}
        clock.advance(40 * SECOND)
        assert posted(inside, ("event", payload(4))).status_code == 200
        assert len(kept_events(inside)) == 4


def test_what_comes_with_an_event_over_quota_is_kept(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock, events_per_day="1") as inside:
        posted(inside, ("event", payload(1)))
        reply = posted(inside, ("event", payload(2)), ("sessions", b"{}"), ("transaction", b"{}"))
        assert reply.status_code == 200
        limits = reply.headers["x-sentry-rate-limits"].split(", ")
        assert limits[0].endswith(":error:project:quota")
        assert limits[1] == "3600:transaction:project:unsupported"
        assert len(kept_events(inside)) == 2


def test_a_day_goes_on_after_a_restart() -> None:
    quota = Quota(1_000, 100, lambda _project, _since: 99)
    assert quota.pause_seconds(1, MINUTE) == 0
    quota.add_usage(1, 1, MINUTE)
    assert quota.pause_seconds(1, MINUTE) == 86_400 - 60
    assert quota.pause_seconds(2, MINUTE) == 0
