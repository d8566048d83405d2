from sqlalchemy import text
from tests.support.clock import FakeClock
from tests.support.site_harness import SiteHarness

from bugsly_server.clock import DAY, HOUR, MINUTE
from bugsly_server.store.meta import accounts

OWNER = {"name": "ada", "password": "correct horse"}


def test_the_first_visit_makes_the_owners_account_and_lets_them_in(site: SiteHarness) -> None:
    assert site.client.get("/").headers["location"] == "/welcome"
    assert "Create the owner's account." in site.client.get("/welcome").text
    made = site.client.post("/welcome", data=OWNER)
    assert made.status_code == 303
    assert "HttpOnly" in made.headers["set-cookie"]
    assert "SameSite=lax" in made.headers["set-cookie"]
    assert site.client.get("/").headers["location"] == "/p/shop/"


def test_only_the_first_visitor_can_make_an_account(site: SiteHarness) -> None:
    site.client.post("/welcome", data=OWNER)
    site.client.cookies.clear()
    second = site.client.post("/welcome", data={"name": "eve", "password": "long enough too"})
    assert second.headers["location"] == "/login"
    with site.database.reading() as connection:
        assert accounts.by_name(connection, "eve") is None


def test_a_short_password_is_refused_with_the_rule(site: SiteHarness) -> None:
    answer = site.client.post("/welcome", data={"name": "ada", "password": "short"})
    assert answer.status_code == 422
    assert "A password needs at least 10 characters." in answer.text


def test_only_the_right_password_logs_in(site: SiteHarness) -> None:
    site.client.post("/welcome", data=OWNER)
    site.client.cookies.clear()
    wrong = site.client.post("/login", data={"name": "ada", "password": "wrong horse"})
    assert wrong.status_code == 403
    assert "Name or password is wrong." in wrong.text
    assert site.client.post("/login", data=OWNER).headers["location"] == "/"
    assert site.client.get("/account").status_code == 200


def test_an_unknown_name_gets_the_same_answer_as_a_wrong_password(site: SiteHarness) -> None:
    site.client.post("/welcome", data=OWNER)
    unknown = site.client.post("/login", data={"name": "eve", "password": "wrong horse"})
    wrong = site.client.post("/login", data={"name": "ada", "password": "wrong horse"})
    assert unknown.text == wrong.text


def test_after_ten_wrong_passwords_logins_are_refused_for_a_minute(site: SiteHarness) -> None:
    site.client.post("/welcome", data=OWNER)
    for _ in range(10):
        site.client.post("/login", data={"name": "ada", "password": "wrong horse"})
    assert site.client.post("/login", data=OWNER).status_code == 429
    _clock(site).advance(MINUTE)
    assert site.client.post("/login", data=OWNER).status_code == 303


def test_a_link_logs_in_its_first_visitor_only(site: SiteHarness) -> None:
    with site.database.writing() as connection:
        secret = accounts.make_link(connection, site.clock())
    assert site.client.get(f"/enter/{secret}").headers["location"] == "/"
    assert site.client.get("/account").status_code == 200
    site.client.cookies.clear()
    again = site.client.get(f"/enter/{secret}")
    assert again.status_code == 403
    assert "That link was already used or has expired." in again.text


def test_a_link_expires_after_half_a_day(site: SiteHarness) -> None:
    with site.database.writing() as connection:
        secret = accounts.make_link(connection, site.clock())
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


def test_no_secret_is_stored_as_plain_text(site: SiteHarness) -> None:
    site.client.post("/welcome", data=OWNER)
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
