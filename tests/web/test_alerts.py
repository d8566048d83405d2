import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.support.site_harness import SiteHarness
from tests.support.site_harness import site_harness as open_site
from tests.support.web_server import WebServer, respond_status


@pytest.fixture
def near(tmp_path: Path) -> Iterator[SiteHarness]:
    """Return a site that may send to this machine."""
    with open_site(tmp_path, allow_networks="127.0.0.0/8") as opened:
        opened.log_in()
        yield opened


def _add(site: SiteHarness, url: str, kind: str = "webhook") -> str:
    answer = site.client.post("/p/shop/alerts", data={"name": "on-call", "kind": kind, "url": url})
    return "" if answer.status_code == 303 else answer.text


def test_a_channel_is_added_and_shown_without_its_secrets(near: SiteHarness) -> None:
    assert _add(near, "http://user:hunter2@127.0.0.1:9/hook?token=s3cret") == ""
    page = near.client.get("/p/shop/alerts").text
    assert "on-call" in page
    assert "none yet" in page
    assert "hunter2" not in page
    assert "s3cret" not in page


@pytest.mark.parametrize(
    ("kind", "url", "says"),
    [
        ("webhook", "http://169.254.169.254/latest", "BUGSLY_ALLOW_NETWORKS"),
        ("webhook", "ftp://example.com/", "→"),
        ("apprise", "nonsense", "→"),
        ("apprise", "syslog://", "→"),
        ("carrier-pigeon", "coo://", "is not a kind of channel → choose from apprise, webhook"),
    ],
)
def test_an_invalid_address_is_refused_and_kept_for_correction(
    near: SiteHarness, kind: str, url: str, says: str
) -> None:
    page = _add(near, url, kind)
    assert says in page
    assert f'value="{url}"' in page
    assert "No channel yet" in near.client.get("/p/shop/alerts").text


def test_a_test_is_sent_at_once_and_its_result_is_shown(near: SiteHarness) -> None:
    with WebServer(respond_status(204), respond_status(500)) as receiver:
        _add(near, receiver.url)
        sent = near.client.post("/p/shop/alerts/1/test")
        refused = near.client.post("/p/shop/alerts/1/test")
    assert "on-call accepted the test." in sent.text
    assert json.loads(receiver.requests[0].body)["url"] == "http://bugs.test/p/shop/alerts"
    assert refused.status_code == 422
    assert "500" in refused.text


def test_a_channel_can_be_removed(near: SiteHarness) -> None:
    _add(near, "http://127.0.0.1:9/")
    near.client.post("/p/shop/alerts/1/remove")
    assert "No channel yet" in near.client.get("/p/shop/alerts").text
