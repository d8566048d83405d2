import asyncio
from collections import Counter
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text
from starlette.testclient import TestClient
from tests.support.asgi_client import asgi_request
from tests.support.clock import FakeClock
from tests.support.site_harness import BASE, HOST, OWNER, SiteHarness, site_harness

from bugsly_server.clock import DAY, HOUR, MINUTE
from bugsly_server.store.meta import accounts

NEW = {"password": "a brand new one", "old_password": OWNER["password"]}
WRONG = {**OWNER, "password": "wrong horse"}


def test_only_the_right_password_logs_in(site: SiteHarness) -> None:
    site.claim()
    site.client.cookies.clear()
    wrong = site.client.post("/login", data=WRONG)
    assert wrong.status_code == 403
    assert "Name or password is wrong." in wrong.text
    assert site.client.post("/login", data=OWNER).headers["location"] == "/"
    assert site.client.get("/account").status_code == 200


def test_an_unknown_name_gets_the_same_answer_as_a_wrong_password(site: SiteHarness) -> None:
    site.claim()
    unknown = site.client.post("/login", data={"name": "eve", "password": "wrong horse"})
    wrong = site.client.post("/login", data=WRONG)
    assert unknown.text == wrong.text


@pytest.mark.parametrize("step", [MINUTE, -HOUR, 400 * DAY])
def test_after_ten_wrong_passwords_the_right_one_has_to_wait_whatever_the_clock_does(
    site: SiteHarness, step: int
) -> None:
    site.claim()
    site.client.cookies.clear()
    for _ in range(10):
        site.client.post("/login", data=WRONG)
    _clock(site).advance(step)
    refused = site.client.post("/login", data=OWNER)
    assert refused.status_code == 429
    assert 0 < int(refused.headers["retry-after"]) <= 60
    assert "Too many attempts. Try again in 1 minute" in refused.text


def test_a_hundred_attempts_at_once_are_no_more_than_one_by_one(site: SiteHarness) -> None:
    site.claim()
    headers = [
        (b"host", HOST.encode()),
        (b"content-type", b"application/x-www-form-urlencoded"),
    ]
    body = b"name=ada&password=wrong+horse"

    async def try_all() -> Counter[int]:
        attempts = (
            asgi_request(site.server.asgi, "/login", headers=headers, parts=[body])
            for _ in range(120)
        )
        return Counter(reply.status for reply in await asyncio.gather(*attempts))

    assert asyncio.run(try_all()) == {403: 10, 429: 110}


def test_strangers_do_not_lock_out_a_browser_that_has_logged_in_before(site: SiteHarness) -> None:
    site.claim()
    site.client.post("/logout")
    stranger = TestClient(site.server.asgi, base_url=BASE)
    for _ in range(11):
        answer = stranger.post("/login", data=WRONG)
    assert answer.status_code == 429
    assert site.client.post("/login", data=OWNER).status_code == 303


def test_the_mark_of_a_browser_opens_nothing_and_cannot_be_made_up(site: SiteHarness) -> None:
    site.claim()
    mark = site.client.cookies["bugsly-device-80"]
    site.client.cookies.clear()
    site.client.cookies.set("bugsly-device-80", mark)
    assert site.client.get("/account").headers["location"] == "/login"
    made_up = f"{'0' * 32}.{mark.partition('.')[2]}"
    for number in range(11):
        site.client.cookies.clear()
        site.client.cookies.set("bugsly-device-80", made_up if number % 2 else "x")
        answer = site.client.post("/login", data=WRONG)
    assert answer.status_code == 429


@pytest.mark.parametrize("charset", ["unicode_escape", "utf-7", "no-such-thing"])
def test_a_form_in_any_charset_is_a_wrong_login(site: SiteHarness, charset: str) -> None:
    site.claim()
    fields = "".join(
        f'--x\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n\\ud800+2AA-\r\n'
        for name in ("name", "password")
    )
    answer = site.client.post(
        "/login",
        content=f"{fields}--x--\r\n",
        headers={"content-type": f"multipart/form-data; boundary=x; charset={charset}"},
    )
    assert answer.status_code == 403


def test_over_https_cookies_are_secure_and_belong_to_this_host_alone(tmp_path: Path) -> None:
    with site_harness(tmp_path, public_url=f"https://{HOST}") as site:
        made = site.claim()
        cookies = made.headers.get_list("set-cookie")
        assert [cookie.partition("=")[0] for cookie in cookies] == [
            "__Host-bugsly-80",
            "__Host-bugsly-device-80",
        ]
        for cookie in cookies:
            assert {"HttpOnly", "Path=/", "SameSite=lax", "Secure"} <= set(cookie.split("; "))
            assert "Domain" not in cookie
        gone = site.client.post("/logout").headers["set-cookie"]
        assert {"Max-Age=0", "Secure", "Path=/"} <= set(gone.split("; "))


@pytest.mark.parametrize(
    ("given", "header"),
    [
        ({"hsts_days": "365", "public_url": "https://bugs.test"}, "max-age=31536000"),
        ({"hsts_days": "365", "public_url": "http://bugs.test"}, None),
        ({"public_url": "https://bugs.test"}, None),
    ],
)
def test_browsers_are_kept_on_https_where_it_is_asked_for(
    tmp_path: Path, given: dict[str, Any], header: str | None
) -> None:
    with site_harness(tmp_path, **given) as site:
        assert site.client.get("/login").headers.get("strict-transport-security") == header


def test_a_link_logs_in_its_first_visitor_only(site: SiteHarness) -> None:
    with site.database.writing() as connection:
        secret = accounts.make_link(connection, accounts.first(connection), site.clock())
    assert site.client.get(f"/enter/{secret}").headers["location"] == "/"
    assert site.client.get("/account").status_code == 200
    site.client.cookies.clear()
    again = site.client.get(f"/enter/{secret}")
    assert again.status_code == 403
    assert "That link was already used or has expired." in again.text


def test_a_link_expires_after_half_a_day(site: SiteHarness) -> None:
    with site.database.writing() as connection:
        secret = accounts.make_link(connection, accounts.first(connection), site.clock())
    _clock(site).advance(12 * HOUR)
    assert site.client.get(f"/enter/{secret}").status_code == 403


def test_a_session_ends_by_itself_after_thirty_days(visited: SiteHarness) -> None:
    _clock(visited).advance(30 * DAY)
    assert visited.client.get("/account").headers["location"] == "/login"


def test_logging_out_ends_the_session_even_if_the_cookie_is_kept(visited: SiteHarness) -> None:
    kept = visited.client.cookies["bugsly-80"]
    visited.client.post("/logout")
    visited.client.cookies.set("bugsly-80", kept)
    assert visited.client.get("/account").headers["location"] == "/login"


def test_a_new_password_ends_the_other_sessions(visited: SiteHarness) -> None:
    other = visited.client.cookies["bugsly-80"]
    visited.client.cookies.clear()
    with visited.database.writing() as connection:
        owner = accounts.by_name(connection, "owner")
        assert owner is not None
        mine = accounts.open_session(connection, owner.id, visited.clock())
    visited.client.cookies.set("bugsly-80", mine)
    answer = visited.client.post("/account/password", data={"password": "a brand new one"})
    assert answer.status_code == 303
    assert visited.client.get("/account").status_code == 200
    visited.client.cookies.clear()
    visited.client.cookies.set("bugsly-80", other)
    assert visited.client.get("/account").headers["location"] == "/login"


def test_a_password_is_changed_by_those_only_who_know_the_old_one(site: SiteHarness) -> None:
    site.claim()
    for old in ({}, {"old_password": "wrong horse"}):
        refused = site.client.post("/account/password", data={"password": "a brand new one", **old})
        assert refused.status_code == 422
        assert "The old password is wrong." in refused.text
    site.client.post("/account/password", data=NEW)
    site.client.post("/logout")
    assert site.client.post("/login", data=OWNER).status_code == 403
    right = {"name": OWNER["name"], "password": NEW["password"]}
    assert site.client.post("/login", data=right).status_code == 303


def test_the_old_password_cannot_be_guessed_with_a_session(site: SiteHarness) -> None:
    site.claim()
    for _ in range(10):
        site.client.post("/account/password", data={**NEW, "old_password": "wrong horse"})
    refused = site.client.post("/account/password", data=NEW)
    assert refused.status_code == 422
    assert "Too many attempts." in refused.text


def test_a_new_password_ends_api_tokens_and_links(site: SiteHarness) -> None:
    site.claim()
    with site.database.writing() as connection:
        owner = accounts.first(connection)
        assert owner is not None
        token = accounts.make_token(connection, owner.id, "ci", site.clock())
        link = accounts.make_link(connection, owner, site.clock())
    site.client.post("/account/password", data=NEW)
    assert site.client.get("/account").status_code == 200
    headers = {"authorization": f"Bearer {token}"}
    assert site.client.get("/api/v1/workers", headers=headers).status_code == 401
    assert site.client.get(f"/enter/{link}").status_code == 403


def test_no_secret_is_stored_as_plain_text(site: SiteHarness) -> None:
    site.claim()
    session = next(iter(site.client.cookies.jar)).value
    page = site.client.post("/account/tokens", data={"name": "laptop"}).text
    token = page[page.index("bugsly_") :].split("<", 1)[0]
    with site.database.reading() as connection:
        stored = str(
            [
                list(connection.execute(text(f"SELECT * FROM {table}")))
                for table in ("account", "session", "token", "login_link")
            ]
        )
    assert "$argon2id$" in stored
    for secret in (OWNER["password"], session, token):
        assert secret is not None
        assert secret not in stored


def _clock(site: SiteHarness) -> FakeClock:
    assert isinstance(site.clock, FakeClock)
    return site.clock
