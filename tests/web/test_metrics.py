"""What a monitoring system reads."""

import re

import pytest
from starlette.testclient import TestClient
from tests.support.issues import change, finding
from tests.support.recycling_values import safety_net
from tests.support.site_harness import SiteHarness

from bugsly.protocol.memory import Exit, ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerState
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.store.meta import accounts
from bugsly_server.web.metrics import METRICS, exposition_text

LINE = re.compile(r'[a-z_0-9]+\{([a-z]+="([^"\\\n]|\\.)*",?)+\} -?[0-9.e+]+')


def metric_values(site: SiteHarness) -> dict[str, float]:
    """Return what the page tells with a token, by name and labels."""
    with site.database.writing() as connection:
        ada = accounts.create(connection, "ada", None, site.clock())
        secret = accounts.make_token(connection, ada.id, "prometheus", site.clock())
    answer = site.client.get("/metrics", headers={"authorization": f"Bearer {secret}"})
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    assert all(LINE.fullmatch(line) for line in lines)
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_nobody_reads_them_without_a_token(site: SiteHarness) -> None:
    for client in (site.client, TestClient(site.server.asgi)):
        assert client.get("/metrics").status_code == 401


def test_a_recycled_worker_is_counted_as_neither_crashed_nor_out_of_memory(
    site: SiteHarness,
) -> None:
    site.report(exits=(Exit(worker="a" * 32, reason=ExitReason.RECYCLED, because="it grew"),))
    site.report(id="b" * 32)
    site.report(id="c" * 32, exits=(Exit(worker="c" * 32, reason=ExitReason.OUT_OF_MEMORY),))
    mine = 'project="shop",environment="production"'
    told = metric_values(site)
    assert told[f"bugsly_workers{{{mine}}}"] == 1
    assert told[f"bugsly_worker_memory_bytes{{{mine}}}"] == 52_000_000
    assert told[f"bugsly_workers_recycled_24h{{{mine}}}"] == 1
    assert told[f'bugsly_workers_ended_24h{{{mine},reason="recycled"}}'] == 1
    assert told[f'bugsly_workers_ended_24h{{{mine},reason="out_of_memory"}}'] == 1
    assert not [name for name in told if "crashed" in name]


def test_an_open_leak_and_a_net_that_is_held_back_are_there_to_alert_on(site: SiteHarness) -> None:
    with site.database.writing() as connection:
        record_leak_change(connection, site.project.id, None, change(finding=finding()))
    stuck = safety_net(
        state=RecyclerState.WAITING,
        hindrance=Hindrance.FRESH,
        because="it starts near it",
        recycled_today=14,
    )
    site.report(net=stuck)
    told = metric_values(site)
    assert told['bugsly_leaks_open{project="shop"}'] == 1
    assert told['bugsly_leak_full_seconds{project="shop",issue="1"}'] == 10_800
    assert told['bugsly_workers_held_back{project="shop",environment="production"}'] == 1
    assert told['bugsly_workers_recycled_24h{project="shop",environment="production"}'] == 14


@pytest.mark.parametrize(
    ("value", "text"),
    [('a"b', r"a\"b"), ("a\\b", r"a\\b"), ("a\nb", r"a\nb")],
)
def test_a_label_cannot_break_out(value: str, text: str) -> None:
    told = exposition_text([("bugsly_workers", {"environment": value}, 1)])
    assert f'bugsly_workers{{environment="{text}"}} 1\n' in told
    assert told.count("# TYPE") == len(METRICS)
