import pytest
from starlette.testclient import TestClient
from tests.support.site_harness import BASE, SiteHarness

PAGES = [
    "/p/shop/",
    "/p/shop/issues",
    "/p/shop/setup",
    "/p/shop/keys",
    "/account",
    "/login",
    "/nowhere",
]
POSTS = [
    "/account/password",
    "/account/tokens",
    "/account/projects",
    "/p/shop/issues/1/resolve",
    "/p/shop/issues/1/snooze",
    "/p/shop/keys",
    "/p/shop/keys/change",
    "/p/shop/keys/rotate",
    "/p/shop/keys/revoke",
    "/logout",
    "/login",
    "/welcome",
]


@pytest.mark.parametrize("path", PAGES)
def test_every_page_carries_the_headers_that_protect_it(visited: SiteHarness, path: str) -> None:
    visited.report()
    headers = visited.client.get(path).headers
    assert "script-src 'self'" in headers["content-security-policy"]
    assert "unsafe" not in headers["content-security-policy"]
    assert headers["x-frame-options"] == "DENY"
    assert headers["x-content-type-options"] == "nosniff"
    assert headers["referrer-policy"] == "same-origin"
    assert headers["cache-control"] == "no-store"


@pytest.mark.parametrize("path", POSTS)
@pytest.mark.parametrize(
    "headers",
    [{"sec-fetch-site": "cross-site"}, {"sec-fetch-site": "same-site"}, {"origin": "http://evil"}],
)
def test_a_form_sent_by_another_site_is_refused(
    visited: SiteHarness, path: str, headers: dict[str, str]
) -> None:
    answer = visited.client.post(path, data={"name": "x"}, headers=headers)
    assert answer.status_code == 403
    assert answer.text == "form: sent by another site → open this page itself"


@pytest.mark.parametrize("headers", [{"sec-fetch-site": "same-origin"}, {"origin": BASE}, {}])
def test_a_form_of_our_own_is_accepted(visited: SiteHarness, headers: dict[str, str]) -> None:
    answer = visited.client.post("/account/tokens", data={"name": "x"}, headers=headers)
    assert answer.status_code == 200


@pytest.mark.parametrize(
    "path", ["/p/shop/", "/p/shop/workers/1", "/p/shop/issues/1", "/p/shop/setup", "/account"]
)
def test_a_stranger_sees_no_page(visited: SiteHarness, path: str) -> None:
    visited.report()
    visited.client.cookies.clear()
    answer = visited.client.get(path)
    assert answer.status_code == 303
    assert answer.headers["location"] == "/login"


@pytest.mark.parametrize(
    "path", ["/p/shop/chart.json", "/p/shop/live", "/p/shop/workers/1/chart.json"]
)
def test_what_a_page_fetches_is_refused_without_a_redirect(visited: SiteHarness, path: str) -> None:
    visited.client.cookies.clear()
    assert visited.client.get(path).status_code == 401


def test_hostile_names_are_shown_and_never_run(visited: SiteHarness) -> None:
    hostile = "<script>alert(1)</script>"
    visited.report(host=hostile, release=f'"{hostile}', server=hostile)
    for path in ("/p/shop/", "/p/shop/workers/1", "/p/shop/setup"):
        page = visited.client.get(path).text
        assert "&lt;script&gt;alert(1)" in page
        assert "<script>alert" not in page


def test_a_page_that_fails_does_not_say_why(
    visited: SiteHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_args: object) -> None:
        raise RuntimeError("the database password is hunter2")

    visited.report()
    monkeypatch.setattr("bugsly_server.web.overview_page.sparks", broken)
    with pytest.raises(RuntimeError):
        visited.client.get("/p/shop/")
    browser = TestClient(visited.server.asgi, base_url=BASE, raise_server_exceptions=False)
    browser.cookies = visited.client.cookies
    answer = browser.get("/p/shop/")
    assert answer.status_code == 500
    assert "This page failed" in answer.text
    assert "hunter2" not in answer.text


def test_the_api_needs_a_token_and_says_where_to_make_one(visited: SiteHarness) -> None:
    assert visited.client.get("/api/v1/workers").json() == {
        "detail": "token: is unknown → make one on the account page"
    }
    page = visited.client.post("/account/tokens", data={"name": "laptop"}).text
    token = page[page.index("bugsly_") :].split("<", 1)[0]
    visited.report()
    headers = {"authorization": f"Bearer {token}"}
    workers = visited.client.get("/api/v1/workers", headers=headers).json()
    assert [one["pid"] for one in workers["shop"]] == [4242]
    visited.client.post("/account/tokens/1/revoke")
    assert visited.client.get("/api/v1/workers", headers=headers).status_code == 401
