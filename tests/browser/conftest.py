"""A real server and a real browser, shared by the tests of one file."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Browser
from tests.support.bugsly_command import run_bugsly, running_bugsly
from tests.support.chromium import Visitor, chromium

PASSWORD = "correct horse"


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as launched:
        yield launched


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("data")


@pytest.fixture(scope="module")
def claim_link(folder: Path) -> Iterator[str]:
    """Return the link that a server prints as long as it has no account."""
    with running_bugsly("serve", "--port", "0", "--data-dir", str(folder)) as server:
        yield server.await_output(r"Create the owner's at (\S+)")


@pytest.fixture(scope="module")
def base(claim_link: str) -> str:
    return claim_link.partition("/welcome")[0]


@pytest.fixture(scope="module")
def session(browser: Browser, claim_link: str) -> str:
    """Make the owner's account in the browser; return its session as `name=value`."""
    context = browser.new_context()
    page = context.new_page()
    page.goto(claim_link)
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Create the account").click()
    page.wait_for_url("**/p/app/setup")
    (cookie,) = (one for one in context.cookies() if "device" not in one["name"])
    context.close()
    return f"{cookie['name']}={cookie['value']}"


@pytest.fixture
def visitor(browser: Browser, base: str, session: str) -> Iterator[Visitor]:
    """Open a window with the session in it; nothing may complain while it is open."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    name, _, value = session.partition("=")
    context.add_cookies([{"name": name, "value": value, "url": base}])
    opened = Visitor(context, base)
    yield opened
    context.close()
    assert opened.complaints == []


@pytest.fixture
def dsn(base: str, folder: Path, request: pytest.FixtureRequest) -> str:
    """Return the DSN of a project of this test's own."""
    slug = request.node.name.replace("_", "-").split("[")[0][-40:].strip("-")
    printed = run_bugsly("dsn", slug, "--data-dir", str(folder), BUGSLY_PUBLIC_URL=base)
    return printed.stdout.strip()


@pytest.fixture
def slug(request: pytest.FixtureRequest) -> str:
    name: str = request.node.name
    return name.replace("_", "-").split("[")[0][-40:].strip("-")
