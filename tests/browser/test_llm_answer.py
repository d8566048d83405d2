"""The panel of the language model: progress, answer, and hostile answers."""

import json
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.support.bugsly_command import running_bugsly
from tests.support.chromium import Visitor
from tests.support.events import payload
from tests.support.llm_server import TwoPartReply, llm_answer, whole_reply
from tests.support.web_server import WebServer

from bugsly.protocol.dsn import parse_dsn
from bugsly.protocol.envelope import build_envelope

pytestmark = pytest.mark.browser

CITED = [{"exception": 0, "frame": 0, "shows": "a call of `flask`"}]
HOSTILE = (
    "![x](https://evil.example/p.png) [y](javascript:alert(1)) <script>alert(1)</script>"
    " <img src=x onerror=alert(1)> </pre></details><svg onload=alert(1)> ```<b>"
)


@pytest.fixture(scope="module")
def model() -> Iterator[WebServer]:
    with WebServer() as server:
        yield server


@pytest.fixture(scope="module")
def claim_link(folder: Path, model: WebServer) -> Iterator[str]:
    asked = ("--model-url", f"{model.url}v1", "--model-name", "small")
    with running_bugsly("serve", "--port", "0", "--data-dir", str(folder), *asked) as server:
        yield server.await_output(r"Create the owner's at (\S+)")


def failed(visitor: Visitor, dsn: str, slug: str, kind: str) -> Page:
    """Let the app fail, and open the page of that error."""
    to = parse_dsn(dsn)
    request = urllib.request.Request(
        f"{to.scheme}://{to.host}:{to.port}{to.path}",
        build_envelope({}, [("event", payload(kind=kind))]),
        {"X-Sentry-Auth": f"Sentry sentry_key={to.key}"},
    )
    urllib.request.urlopen(request, timeout=10).close()
    row = visitor.page.locator(".rows td.what a")
    for _ in range(100):
        visitor.go(f"/p/{slug}/issues")
        if row.count():
            break
    row.first.click()
    return visitor.page


def test_the_answer_of_a_model_appears_on_the_open_page(
    visitor: Visitor, dsn: str, slug: str, model: WebServer
) -> None:
    slow = TwoPartReply(json.dumps(llm_answer(evidence=CITED)))
    model.responders[:] = [slow]
    page = failed(visitor, dsn, slug, "KeyError")
    page.get_by_text("Ask the model").click()
    page.get_by_role("button", name="Send it to the model").click()
    expect(page.get_by_role("status")).to_contain_text("characters so far")
    slow.may_finish.set()
    expect(page.locator("#advice")).to_contain_text("find() gave None.")
    page.locator('#advice a[href="#frame-0-0"]').click()
    expect(page.locator("#frame-0-0:target")).to_be_in_viewport()


def test_a_hostile_answer_is_text(visitor: Visitor, dsn: str, slug: str, model: WebServer) -> None:
    said = llm_answer(
        summary=f"It says {HOSTILE}",
        cause=HOSTILE,
        fix=[HOSTILE],
        evidence=[{"exception": 0, "frame": 1, "shows": HOSTILE}],
        patch=f"@@ -1 +1 @@\n+{HOSTILE}",
    )
    model.responders[:] = [whole_reply(json.dumps(said))]
    dialogs: list[str] = []
    fetched: list[str] = []
    visitor.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    visitor.page.on("request", lambda request: fetched.append(request.url))
    page = failed(visitor, dsn, slug, "OSError")
    page.get_by_text("Ask the model").click()
    page.get_by_role("button", name="Send it to the model").click()
    expect(page.locator("#advice")).to_contain_text("It says")
    assert page.locator("#advice :is(img, script, svg, b, iframe)").count() == 0
    assert page.locator("#advice a:not([href^='#frame-'])").count() == 0
    page.set_viewport_size({"width": 360, "height": 740})
    assert page.evaluate("document.documentElement.scrollWidth") <= 360
    assert dialogs == []
    assert [url for url in fetched if not url.startswith(visitor.base)] == []
