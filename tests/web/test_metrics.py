"""What a monitoring system reads."""

import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.testclient import TestClient
from tests.support.issues import change, finding
from tests.support.recycling_values import safety_net
from tests.support.site_harness import SiteHarness

from bugsly.protocol.memory import Exit, ExitReason
from bugsly.protocol.safety_net import Hindrance, RecyclerState
from bugsly_server.issue_changes import record_leak_change
from bugsly_server.store.meta import accounts
from bugsly_server.web.metrics import METRICS
from bugsly_server.web.prometheus_text import exposition_text

PRODUCTION = {"project": "shop", "environment": "production"}


class ScrapedMetrics:
    """The samples of one scrape, found by name and labels."""

    def __init__(self, text: str) -> None:
        self.families = {one.name: one for one in text_string_to_metric_families(text)}

    def value(self, name: str, labels: dict[str, str]) -> float:
        [value] = [one.value for one in self.families[name].samples if one.labels == labels]
        return value


def scrape(site: SiteHarness) -> ScrapedMetrics:
    """Return what `/metrics` answers to a request with a token."""
    with site.database.writing() as connection:
        ada = accounts.create(connection, "ada", None, site.clock())
        secret = accounts.make_token(connection, ada.id, "prometheus", site.clock())
    answer = site.client.get("/metrics", headers={"authorization": f"Bearer {secret}"})
    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    return ScrapedMetrics(answer.text)


def test_nobody_reads_them_without_a_token(site: SiteHarness) -> None:
    for client in (site.client, TestClient(site.server.asgi)):
        assert client.get("/metrics").status_code == 401


def test_a_recycled_worker_is_counted_as_neither_crashed_nor_out_of_memory(
    site: SiteHarness,
) -> None:
    site.report(exits=(Exit(worker="a" * 32, reason=ExitReason.RECYCLED, because="it grew"),))
    site.report(id="b" * 32)
    site.report(id="c" * 32, exits=(Exit(worker="c" * 32, reason=ExitReason.OUT_OF_MEMORY),))
    scraped = scrape(site)
    assert scraped.value("bugsly_workers", PRODUCTION) == 1
    assert scraped.value("bugsly_worker_memory_bytes", PRODUCTION) == 52_000_000
    assert scraped.value("bugsly_workers_recycled_24h", PRODUCTION) == 1
    by_reason = {
        one.labels["reason"]: one.value
        for one in scraped.families["bugsly_workers_ended_24h"].samples
    }
    assert by_reason == {"recycled": 1, "out_of_memory": 1}


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
    scraped = scrape(site)
    assert scraped.value("bugsly_leaks_open", {"project": "shop"}) == 1
    assert scraped.value("bugsly_leak_full_seconds", {"project": "shop", "issue": "1"}) == 10_800
    assert scraped.value("bugsly_workers_held_back", PRODUCTION) == 1
    assert scraped.value("bugsly_workers_recycled_24h", PRODUCTION) == 14


def test_every_metric_is_a_gauge_with_a_help_text(site: SiteHarness) -> None:
    site.report()
    families = scrape(site).families
    assert {name: one.documentation for name, one in families.items()} == METRICS
    assert {one.type for one in families.values()} == {"gauge"}


@pytest.mark.parametrize("value", ['a"b', "a\\b", "a\nb", 'x"} 1\nfake{y="z'])
def test_a_label_cannot_break_out(value: str) -> None:
    text = exposition_text(METRICS, [("bugsly_workers", {"environment": value}, 1)]).decode()
    scraped = ScrapedMetrics(text)
    assert scraped.value("bugsly_workers", {"environment": value}) == 1
    assert scraped.families.keys() == METRICS.keys()


def test_a_large_number_of_bytes_loses_no_digit() -> None:
    sample = ("bugsly_worker_memory_bytes", {"project": "shop"}, 123_456_789_012)
    text = exposition_text(METRICS, [sample]).decode()
    assert (
        ScrapedMetrics(text).value("bugsly_worker_memory_bytes", {"project": "shop"}) == sample[2]
    )
