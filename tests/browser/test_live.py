"""Live updates, charts, keyboard and layout, in a real browser on a real server."""

import re

import pytest
from playwright.sync_api import Page, expect
from tests.support.chromium import Visitor
from tests.support.http_worker import ReportingWorker

pytestmark = pytest.mark.browser


def _curves(page: Page) -> int:
    """Return how many pixels of the first chart are drawn on."""
    count: int = page.evaluate(
        """() => {
            const canvas = document.querySelector("canvas");
            if (!canvas) return 0;
            const { width, height } = canvas;
            const pixels = canvas.getContext("2d").getImageData(0, 0, width, height).data;
            let drawn = 0;
            for (let i = 3; i < pixels.length; i += 4) if (pixels[i] > 0) drawn += 1;
            return drawn;
        }"""
    )
    return count


def _await_workers(visitor: Visitor, slug: str, count: int) -> None:
    """Return when *count* workers are known; the set-up page says so by itself."""
    said = "1 worker reports" if count == 1 else f"{count} workers report"
    expect(visitor.go(f"/p/{slug}/setup").locator("#light")).to_contain_text(said)


def test_the_set_up_page_turns_green_by_itself(visitor: Visitor, dsn: str, slug: str) -> None:
    page = visitor.go(f"/p/{slug}/setup")
    expect(page.locator("#light")).to_contain_text("Waiting for the first sample.")
    expect(page.locator("#dsn")).to_contain_text(dsn)
    ReportingWorker(dsn).report()
    expect(page.locator("#light")).to_contain_text("Samples arrive.")


def test_a_new_worker_and_new_samples_show_without_a_reload(
    visitor: Visitor, dsn: str, slug: str
) -> None:
    first = ReportingWorker(dsn, pid=101)
    first.report(samples=5)
    _await_workers(visitor, slug, 1)
    page = visitor.go(f"/p/{slug}/")
    expect(page.locator("#living tbody tr")).to_have_count(1)
    page.evaluate("window.loadedOnce = true")
    ReportingWorker(dsn, pid=102).report()
    expect(page.locator("#living tbody tr")).to_have_count(2)
    first.report(samples=40)
    expect(page.locator("#living tr", has_text="101")).to_contain_text("2,250")
    assert page.evaluate("window.loadedOnce")
    assert _curves(page) > 1_000


def test_an_alert_appears_on_the_open_page_and_leads_to_its_issue(
    visitor: Visitor, dsn: str, slug: str
) -> None:
    limit = 2_050_000_000
    steady = [ReportingWorker(dsn, pid=200 + number, limit=limit) for number in range(3)]
    leaking = ReportingWorker(dsn, pid=666, growth=1_000_000, limit=limit)
    for _ in range(6):
        for worker in (*steady, leaking):
            worker.report(samples=10)
    _await_workers(visitor, slug, 4)
    page = visitor.go(f"/p/{slug}/")
    for _ in range(6):
        for worker in (*steady, leaking):
            worker.report(samples=5)
    banner = page.locator(".banner")
    expect(banner).to_contain_text("One worker on web-1 grows apart from its peers")
    banner.click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("grows apart")
    page.get_by_role("button", name="1 day").click()
    expect(page.locator(".headline")).to_contain_text("snoozed")
    page.get_by_role("button", name="Resolve").click()
    expect(page.locator(".headline")).to_contain_text("resolved")
    expect(page.locator(".story")).to_contain_text("ada resolved it.")


def test_dragging_over_the_chart_zooms_and_a_double_click_goes_back(
    visitor: Visitor, dsn: str, slug: str
) -> None:
    ReportingWorker(dsn).report(samples=60)
    _await_workers(visitor, slug, 1)
    page = visitor.go(f"/p/{slug}/")
    over = page.locator(".u-over")
    expect(over).to_be_visible()
    box = over.bounding_box()
    assert box is not None
    with page.expect_request(re.compile(r"chart\.json\?since=")):
        page.mouse.move(box["x"] + 100, box["y"] + 50)
        page.mouse.down()
        page.mouse.move(box["x"] + 400, box["y"] + 60, steps=5)
        page.mouse.up()
    with page.expect_request(re.compile(r"chart\.json\?span=")):
        over.dblclick()


def test_a_worker_page_has_two_charts(visitor: Visitor, dsn: str, slug: str) -> None:
    ReportingWorker(dsn, growth=300_000).report(samples=60)
    _await_workers(visitor, slug, 1)
    page = visitor.go(f"/p/{slug}/")
    page.locator("#living a").first.click()
    expect(page.locator("canvas")).to_have_count(2)
    expect(page.locator("main")).to_contain_text("GET /items/<int:id>")
    assert _curves(page) > 1_000


def test_a_worker_with_one_sample_has_no_chart_until_there_are_more(
    visitor: Visitor, dsn: str, slug: str
) -> None:
    young = ReportingWorker(dsn)
    young.report()
    _await_workers(visitor, slug, 1)
    page = visitor.go(f"/p/{slug}/")
    page.locator("#living a").first.click()
    expect(page.get_by_text("Too few samples yet.")).to_have_count(2)
    young.report(samples=30)
    expect(page.locator("canvas")).to_have_count(2)
    expect(page.get_by_text("Too few samples yet.")).to_have_count(0)


def test_the_keyboard_moves_through_rows_and_pages(visitor: Visitor, dsn: str, slug: str) -> None:
    for pid in (301, 302):
        ReportingWorker(dsn, pid=pid).report()
    _await_workers(visitor, slug, 2)
    page = visitor.go(f"/p/{slug}/")
    expect(page.locator("#living tbody tr")).to_have_count(2)
    page.keyboard.press("j")
    page.keyboard.press("j")
    expect(page.locator("tr.here")).to_contain_text("302")
    page.keyboard.press("Enter")
    expect(page.get_by_role("heading", level=1)).to_contain_text("302")
    page.keyboard.press("g")
    page.keyboard.press("i")
    expect(page).to_have_url(re.compile(f"/p/{slug}/issues$"))
    page.keyboard.press("?")
    expect(page.get_by_role("dialog")).to_be_visible()


def test_the_theme_changes_and_is_remembered(visitor: Visitor, dsn: str, slug: str) -> None:
    ReportingWorker(dsn).report(samples=5)
    _await_workers(visitor, slug, 1)
    page = visitor.go(f"/p/{slug}/")
    light = page.evaluate("getComputedStyle(document.body).backgroundColor")
    page.keyboard.press("t")
    dark = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert light != dark
    page.reload()
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == dark


def test_no_page_is_wider_than_a_phone(visitor: Visitor, dsn: str, slug: str) -> None:
    ReportingWorker(dsn, host="a-host-with-a-rather-long-name.example.com").report(samples=5)
    _await_workers(visitor, slug, 1)
    worker = visitor.go(f"/p/{slug}/").locator("#living a").first.get_attribute("href")
    visitor.page.set_viewport_size({"width": 360, "height": 740})
    for path in (f"/p/{slug}/", f"/p/{slug}/issues", f"/p/{slug}/setup", worker, "/account"):
        page = visitor.go(path or "")
        assert page.evaluate("document.documentElement.scrollWidth") <= 360, path


def test_hostile_names_are_text_in_the_page_and_in_the_chart(
    visitor: Visitor, dsn: str, slug: str
) -> None:
    hostile = "<img src=x onerror=alert(1)>"
    ReportingWorker(dsn, host=hostile, release=hostile).report(samples=5)
    _await_workers(visitor, slug, 1)
    dialogs: list[str] = []
    visitor.page.on("dialog", lambda dialog: dialogs.append(dialog.message))
    page = visitor.go(f"/p/{slug}/")
    expect(page.locator("#living")).to_contain_text(hostile)
    page.locator(".u-over").hover()
    assert page.locator("main img").count() == 0
    assert dialogs == []
