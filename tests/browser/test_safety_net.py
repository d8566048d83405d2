"""The safety net on the pages: recycled workers, hindrances, proposals and post-mortems."""

from pathlib import Path

import pytest
from playwright.sync_api import Page, expect
from tests.support.chromium import Visitor
from tests.support.recycled_project import write_recycled_project

pytestmark = pytest.mark.browser
NARROW = 390


def at_width(page: Page, path: str) -> int:
    page.set_viewport_size({"width": NARROW, "height": 844})
    page.goto(path)
    width: int = page.evaluate("document.documentElement.scrollWidth")
    return width


@pytest.mark.usefixtures("dsn")
def test_the_safety_net_is_on_every_page_it_concerns(
    visitor: Visitor, slug: str, folder: Path
) -> None:
    write_recycled_project(folder, slug)
    page = visitor.go(f"/p/{slug}/")
    expect(page.locator(".notice").first).to_contain_text("recycled 3 times in 24 hours")
    expect(page.locator(".notice").nth(1)).to_contain_text("raise BUGSLY_RECYCLE_AT")
    page.locator(".banner").click()
    expect(page.locator(".notice").first).to_contain_text("shop.views.request_log")
    expect(page.locator(".story")).to_contain_text("A worker was killed")
    expect(page.locator("#parting")).to_contain_text("shop.views.request_log")
    page.get_by_role("button", name="Copy", exact=True).first.click()
    expect(page.get_by_role("button", name="Copied")).to_be_visible()
    issue = page.url
    page.locator(".story .killed a").click()
    expect(page.locator("#post-mortem")).to_contain_text("Killed by the kernel for lack of memory")
    expect(page.locator("#post-mortem")).to_contain_text("GET /report/<int:year> for 28 s")
    expect(page.locator("#post-mortem canvas")).to_be_visible()
    for path in (issue, page.url, f"{visitor.base}/p/{slug}/"):
        assert at_width(page, path) <= NARROW, path
