import pytest
from tests.support.site_harness import OWNER, SiteHarness

from bugsly_server.store.meta import accounts


def test_the_first_visit_makes_the_owners_account_and_lets_them_in(site: SiteHarness) -> None:
    assert site.client.get("/").headers["location"] == "/welcome"
    assert "Create the owner's account" in site.client.get("/welcome").text
    made = site.claim()
    assert made.status_code == 303
    assert "HttpOnly" in made.headers["set-cookie"]
    assert "SameSite=lax" in made.headers["set-cookie"]
    assert site.client.get("/").headers["location"] == "/p/shop/"


@pytest.mark.parametrize("given", [{}, {"code": ""}, {"code": "7KQF-3M9T-XW2P"}])
def test_a_server_belongs_to_nobody_who_lacks_the_code(
    site: SiteHarness, given: dict[str, str]
) -> None:
    refused = site.client.post("/welcome", data={**OWNER, **given})
    assert refused.status_code == 403
    assert "This code is not valid." in refused.text
    assert "set-cookie" not in refused.headers
    with site.database.reading() as connection:
        assert not accounts.has_any(connection)


def test_the_printed_link_carries_the_code(site: SiteHarness) -> None:
    page = site.client.get("/welcome", params={"code": '7KQF"><b>'}).text
    assert 'value="7KQF&#34;&gt;&lt;b&gt;"' in page


def test_only_the_first_visitor_can_make_an_account(site: SiteHarness) -> None:
    with site.database.writing() as connection:
        code = accounts.make_claim_code(connection, site.clock())
    site.claim()
    site.client.cookies.clear()
    second = site.client.post("/welcome", data={**OWNER, "name": "eve", "code": code})
    assert second.headers["location"] == "/login"
    with site.database.reading() as connection:
        assert accounts.names(connection) == ["ada"]


def test_a_short_password_is_refused_with_the_rule_and_the_code_stays_valid(
    site: SiteHarness,
) -> None:
    answer = site.claim(password="short")
    assert answer.status_code == 422
    assert "A password needs at least 10 characters." in answer.text
    assert site.claim().status_code == 303


def test_a_link_printed_before_somebody_made_the_account_does_not_log_in_to_it(
    site: SiteHarness,
) -> None:
    with site.database.writing() as connection:
        link = accounts.make_link(connection, accounts.first(connection), site.clock())
    site.claim()
    site.client.cookies.clear()
    assert site.client.get(f"/enter/{link}").status_code == 403
    assert site.client.get("/account").headers["location"] == "/login"
