"""Errors in a real browser: hostile input stays text, and the actions work."""

import json
import re
import urllib.request
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page, expect
from tests.support.chromium import Visitor
from tests.support.events import sdk_event
from tests.support.wait import wait_until

from bugsly.protocol.envelope import build_envelope

pytestmark = pytest.mark.browser

HOSTILE = "<img src=x onerror=alert(1)>'\"--></script><script>alert(2)</script>{{7*7}}\u202e"


def send(dsn: str, *events: dict[str, object]) -> None:
    parts = urlsplit(dsn)
    url = f"http://{parts.hostname}:{parts.port}/api{parts.path}/envelope/?sentry_key={parts.username}"
    for event in events:
        body = build_envelope({}, [("event", json.dumps(event).encode())])
        urllib.request.urlopen(url, body, timeout=10).close()


def listed(visitor: Visitor, slug: str, count: int) -> Page:
    """Return the list of issues once there are *count*."""
    page = visitor.go(f"/p/{slug}/issues")

    def is_there() -> bool:
        page.reload()
        return page.locator("tbody a").count() == count

    wait_until(is_there, what=f"{count} issues")
    return page


def spoiled(value: object) -> object:
    """Return *value* with every text in it hostile, keys too where they are the client's."""
    if isinstance(value, dict):
        return {key: spoiled(one) for key, one in value.items()} | {HOSTILE: HOSTILE}
    if isinstance(value, list):
        return [spoiled(one) for one in value]
    return HOSTILE if isinstance(value, str) else value


def hostile() -> dict[str, object]:
    more = sdk_event(
        request={
            "url": "a",
            "method": "b",
            "headers": {"a": "b"},
            "data": "c",
            "query_string": "d",
        },
        breadcrumbs=[{"message": "a", "category": "b", "level": "c", "data": {"a": "b"}}],
        tags={"a": "b"},
        contexts={"a": {"b": "c"}},
        user={"id": "a"},
        server_name="a",
        transaction="a",
        logentry={"message": "a"},
        extra={"a": {"b": "c"}, "password": "d"},
        sdk={"name": "a", "version": "b"},
    )
    made = spoiled(more)
    assert isinstance(made, dict)
    return made | {"event_id": "7" * 32, "fingerprint": [HOSTILE], "level": "error"}


def test_everything_a_client_sends_is_text(visitor: Visitor, dsn: str, slug: str) -> None:
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    send(dsn, hostile())
    page = listed(visitor, slug, 1)
    page.locator("tbody a").first.click()
    expect(page.locator("h1")).to_contain_text("<img src=x onerror=alert(1)>")
    page.evaluate("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
    assert page.locator("main img").count() == 0
    assert page.locator("main script").count() == 0
    assert "49" not in (page.locator("h1").text_content() or "")
    for path in (f"/p/{slug}/releases", f"/p/{slug}/setup", f"/p/{slug}/issues?q=<script>"):
        assert visitor.go(path).locator("main script").count() == 0
    assert dialogs == []


def test_an_error_is_found_read_and_resolved(visitor: Visitor, dsn: str, slug: str) -> None:
    send(dsn, sdk_event(1), sdk_event(2), sdk_event(3, "ValueError"))
    page = listed(visitor, slug, 2)
    page.get_by_label("Search").fill("keyerr")
    page.get_by_role("button", name="Show").click()
    expect(page.locator("tbody tr")).to_have_count(1)
    page.locator("tbody a").click()
    expect(page.locator(".call.own .culprit")).to_contain_text("total += line.price")
    page.get_by_role("link", name="Earlier").click()
    expect(page.get_by_role("link", name="Later")).to_be_visible()
    page.get_by_role("button", name="Resolve", exact=True).click()
    expect(page.locator(".headline")).to_contain_text("resolved")
    expect(page.locator(".story")).to_contain_text("ada resolved it.", ignore_case=True)
    page.get_by_role("button", name="Reopen").click()
    page.get_by_role("button", name="100 more").click()
    expect(page.locator(".actions")).to_contain_text("until it has happened 102 times")
    visitor.page.set_viewport_size({"width": 360, "height": 740})
    for path in (
        f"/p/{slug}/issues?state=",
        f"/p/{slug}/releases",
        page.url.removeprefix(visitor.base),
    ):
        assert visitor.go(path).evaluate("document.documentElement.scrollWidth") <= 360, path


def test_errors_are_merged_and_split_manually(visitor: Visitor, dsn: str, slug: str) -> None:
    send(dsn, sdk_event(1), sdk_event(2, "ValueError"))
    page = listed(visitor, slug, 2)
    first, other = (page.locator("tbody a").nth(n).get_attribute("href") or "" for n in (0, 1))
    page = visitor.go(first)
    page.get_by_label("Merge into issue").fill(f"#{other.rpartition('/')[2]}")
    page.get_by_role("button", name="Merge").click()
    expect(page).to_have_url(re.compile(f"{other}$"))
    expect(page.locator(".together")).to_have_count(2)
    expect(page.locator(".facts")).to_contain_text("Events2")
    assert visitor.go(first).url.endswith(other)
    page.get_by_role("button", name="Split off").first.click()
    expect(page.locator(".together")).to_have_count(1)
    expect(page.locator(".facts")).to_contain_text("Events1")
