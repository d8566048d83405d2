"""@sentry/browser: plain text from another origin, so that no browser asks beforehand."""

import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import quote, urlsplit
from zlib import crc32

import pytest
from playwright.sync_api import Browser, Page
from tests.support.chromium import chromium
from tests.support.running_server import RunningServer, ServedProject
from tests.support.stored_errors import app_frames, first_event, only_error, release_health
from tests.support.wait import wait_until

from bugsly_server.model.project_key import ProjectKeyKind

pytestmark = pytest.mark.browser

PREFLIGHT = """async ([address, body]) => {
    const headers = { "X-Sentry-Auth": "Sentry sentry_version=7, sentry_key=unknown" };
    const reply = await fetch(address, { method: "POST", headers, body });
    return [reply.status, reply.headers.get("X-Sentry-Error")];
}"""


class ShopRequestHandler(SimpleHTTPRequestHandler):
    """Serves the page and the SDK's modules."""

    def log_message(self, *_: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def shop(npm: Path) -> Iterator[str]:
    with ThreadingHTTPServer(
        ("127.0.0.1", 0), partial(ShopRequestHandler, directory=str(npm))
    ) as listening:
        thread = threading.Thread(target=listening.serve_forever, args=(0.02,))
        thread.start()
        yield f"http://127.0.0.1:{listening.server_port}/page.html"
        listening.shutdown()
        thread.join()


@pytest.fixture
def project(server: RunningServer, request: pytest.FixtureRequest) -> ServedProject:
    """A project of the test's own, with the key that its page may show."""
    return server.project(f"p{crc32(request.node.nodeid.encode())}", ProjectKeyKind.SDK)


@pytest.fixture
def page(browser: Browser, shop: str, dsn: str) -> Iterator[Page]:
    """Open the shop, which has then sent all but an error."""
    page = browser.new_page()
    page.goto(f"{shop}?dsn={quote(dsn)}")
    page.wait_for_function("document.title === 'Shop, open'")
    yield page
    page.close()


def test_an_error_that_nobody_handles_becomes_an_issue(
    server: RunningServer, project: ServedProject, page: Page
) -> None:
    page.get_by_text("Pay").click()
    error = only_error(server, project)
    event = first_event(server, error)
    assert error.title.startswith("TypeError: Cannot read properties of undefined")
    assert error.place.startswith("checkout in http://127.0.0.1:")
    assert (error.release, error.environment) == ("2.0", "staging")
    assert (event.user, event.tags["shop"]) == ("7", "north")
    assert not event.exceptions[0].handled
    assert app_frames(event)[-1].function == "checkout"
    assert {urlsplit(one.file).path for one in app_frames(event)} == {"/page.html"}
    assert [one.function for one in event.exceptions[0].frames if not one.in_app] == [
        "Module.withScope",
        "Object.withScope",
        "AsyncContextStack.withScope",
    ]
    assert ("ui.click", "body > button") in {(one.category, one.message) for one in event.crumbs}
    assert event.asked is not None
    assert "/page.html" in event.asked.url
    assert "Chrome" in event.asked.headers["User-Agent"]
    wait_until(lambda: release_health(server, project).get("2.0") == (1, 1, 0), what="the session")


def test_what_is_not_kept_is_sent_once(
    server: RunningServer, project: ServedProject, page: Page
) -> None:
    assert page.title() == "Shop, open"
    assert server.skipped(project) == {
        "item of type span, not kept": 1,
        "item of type log, not kept": 1,
        "metric that is no process's memory, not kept": 3,
    }


def test_a_page_may_send_headers_of_its_own_and_read_why_it_is_refused(
    server: RunningServer, project: ServedProject, page: Page
) -> None:
    address = f"http://127.0.0.1:{server.port}{project.path}"
    status, why = page.evaluate(PREFLIGHT, [address, "{}"])
    assert status == 403
    assert why.startswith("key 'unknown': unknown in project")
