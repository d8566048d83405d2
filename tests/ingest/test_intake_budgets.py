"""The bytes of a project in a day, and the memory reports of a key in a minute."""

import json
from collections import Counter
from pathlib import Path

import pytest
from httpx2 import Response
from hypothesis import given
from hypothesis import strategies as st
from tests.support.clock import FakeClock
from tests.support.events import payload
from tests.support.pipeline_harness import report, token
from tests.support.protocol_values import sample
from tests.support.site_harness import SiteHarness, site_harness

from bugsly.protocol.envelope import build_envelope
from bugsly_server.clock import DAY, HOUR, MINUTE, SECOND
from bugsly_server.errors import Misconfigured
from bugsly_server.ingest.quota import BYTES_REASON, KEPT_TYPES, REPORTS_REASON, Allowance
from bugsly_server.model.project_key import ProjectKeyKind
from bugsly_server.settings import load_settings
from bugsly_server.store.meta import counters, project_keys, projects


def posted(inside: SiteHarness, *items: tuple[str, bytes], project: int = 0) -> Response:
    return inside.client.post(
        f"/api/{project or inside.project.id}/envelope/?sentry_key={inside.key}",
        content=build_envelope({}, items),
    )


def memory(number: int) -> tuple[str, bytes]:
    return ("memory", report([sample(1)], id=token(number)))


def test_what_is_over_the_bytes_of_a_day_is_refused_until_midnight(tmp_path: Path) -> None:
    clock = FakeClock()
    clock.advance(DAY - clock() % DAY - 2 * HOUR)
    with site_harness(tmp_path, clock, bytes_per_day="5 kB") as inside:
        while posted(inside, memory(1)).status_code == 200:
            pass
        reply = posted(inside, memory(1), ("event", payload(1)), ("session", b"{}"))
        assert reply.status_code == 429
        assert reply.headers["retry-after"] == "7200"
        assert reply.headers["x-sentry-rate-limits"] == "7200::project:quota"
        assert "raise it, or wait" in json.loads(reply.content)["detail"]
        kept = sum(len(entry.payload) for entry in inside.server.spool.lease(1_000))
        assert 5_000 <= kept < 6_000
        assert inside.server.envelopes.kept_bytes == {inside.project.id: kept}
        assert inside.server.envelopes.skipped == {(inside.project.id, BYTES_REASON): 4}
        clock.advance(2 * HOUR)
        assert posted(inside, memory(1)).status_code == 200


def test_the_bytes_of_a_day_go_on_after_a_restart(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock) as inside:
        inside.server.pipeline.maintain(Counter(), {inside.project.id: 4_000}, clock())
        inside.server.pipeline.maintain(Counter(), {inside.project.id: 1_001}, clock())
        with inside.database.writing() as connection:
            assert counters.bytes_since(connection, inside.project.id, clock()) == 5_001
            other = projects.ensure(connection, "other", clock())
            key = project_keys.ensure(connection, other.id, ProjectKeyKind.AGENT, clock()).public
    with site_harness(tmp_path, clock, bytes_per_day="5 kB") as inside:
        assert posted(inside, memory(1)).status_code == 429
        inside.key = key
        assert posted(inside, memory(1), project=other.id).status_code == 200


def test_a_key_that_sends_too_many_reports_waits_for_the_next_minute(
    tmp_path: Path, clock: FakeClock
) -> None:
    with site_harness(tmp_path, clock, reports_per_minute="2") as inside:
        clock.advance(MINUTE - clock() % MINUTE + 20 * SECOND)
        assert [posted(inside, memory(n)).status_code for n in range(3)] == [200, 200, 429]
        refused = posted(inside, memory(3))
        assert refused.headers["retry-after"] == "40"
        assert "x-sentry-rate-limits" not in refused.headers
        assert posted(inside, memory(3), ("event", payload(1))).status_code == 200
        assert inside.server.envelopes.skipped == {(inside.project.id, REPORTS_REASON): 3}
        clock.advance(40 * SECOND)
        assert posted(inside, memory(4)).status_code == 200


def test_every_type_that_is_kept_counts_against_the_bytes(tmp_path: Path, clock: FakeClock) -> None:
    with site_harness(tmp_path, clock, bytes_per_day="1 kB") as inside:
        posted(inside, ("event", payload(1, extra={"text": ["word"] * 300})))
        assert [posted(inside, (kind, b"{}")).status_code for kind in KEPT_TYPES] == [429] * 5


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@given(
    limit=st.integers(1, 50),
    uses=st.lists(st.tuples(st.integers(0, 90), st.integers(1, 9)), max_size=40),
)
def test_an_allowance_is_never_exceeded_by_more_than_one_use(
    limit: int, uses: list[tuple[int, int]]
) -> None:
    allowance: Allowance[str] = Allowance(limit, MINUTE)
    now, spent = 0, Counter[int]()
    for seconds, amount in uses:
        now += seconds * SECOND
        if allowance.pause_seconds("a", now) == 0:
            assert spent[now // MINUTE] < limit
            allowance.add_usage("a", amount, now)
            spent[now // MINUTE] += amount
        else:
            assert spent[now // MINUTE] >= limit


@pytest.mark.parametrize("text", ["0 MB", "5", "-1 GB", "5 PB", "1e9 GB", "many", "5 GB x"])
def test_a_size_that_is_none_is_refused_with_the_form(text: str) -> None:
    with pytest.raises(Misconfigured, match="is not a size → write it as 500 MB or 20 GB"):
        load_settings({"bytes_per_day": text}, {})
