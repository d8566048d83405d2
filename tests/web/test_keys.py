"""The page of keys."""

import pytest
from tests.support.clock import FakeClock
from tests.support.site_harness import SiteHarness

from bugsly_server.clock import DAY, SECOND
from bugsly_server.model.project_key import ProjectKey, ProjectKeyKind
from bugsly_server.store.meta import project_keys, projects

PAGE = "/p/shop/keys"


def keys(site: SiteHarness, slug: str = "shop") -> list[ProjectKey]:
    """Return the keys of a project, newest first."""
    with site.database.writing() as connection:
        project = projects.ensure(connection, slug, site.clock())
        return project_keys.list_of_project(connection, project.id)


def key_of(site: SiteHarness, kind: ProjectKeyKind) -> ProjectKey:
    (found,) = [one for one in keys(site) if one.kind is kind]
    return found


def post(site: SiteHarness, action: str = "", **fields: str) -> str:
    """Send a form; return the page that refuses it, empty where it is accepted."""
    answer = site.client.post(f"{PAGE}{action}", data=fields)
    return "" if answer.status_code == 303 else answer.text


def advance(site: SiteHarness, micros: int) -> None:
    assert isinstance(site.clock, FakeClock)
    site.clock.advance(micros)


def test_a_project_begins_with_a_key_of_each_kind(visited: SiteHarness) -> None:
    page = visited.client.get(PAGE).text
    for kind in ProjectKeyKind:
        assert f"http://{key_of(visited, kind).public}@bugs.test/1" in page
    assert page.count("<dd>never</dd>") == 2


def test_the_set_up_page_says_which_dsn_is_for_the_browser(visited: SiteHarness) -> None:
    page = visited.client.get("/p/shop/setup").text
    agent, sdk = (
        key_of(visited, kind).public for kind in (ProjectKeyKind.AGENT, ProjectKeyKind.SDK)
    )
    assert f"export BUGSLY_DSN=http://{agent}@bugs.test/1" in page
    assert f"Sentry.init({{ dsn: &#34;http://{sdk}@bugs.test/1&#34; }})" in page
    assert page.count(agent) == 1


def test_the_set_up_page_says_so_where_a_kind_has_no_key(visited: SiteHarness) -> None:
    post(visited, "/revoke", key=key_of(visited, ProjectKeyKind.SDK).public)
    assert "No SDK key yet." in visited.client.get("/p/shop/setup").text


def test_a_key_is_made_with_its_pages(visited: SiteHarness) -> None:
    advance(visited, SECOND)
    origins = "https://Shop.test/\r\nhttps://*.shop.test"
    assert post(visited, name="front", kind="sdk", origins=origins) == ""
    made = keys(visited)[0]
    assert (made.name, made.kind) == ("front", ProjectKeyKind.SDK)
    assert made.origins == ("https://shop.test", "https://*.shop.test")


def test_name_and_pages_are_changed(visited: SiteHarness) -> None:
    sdk = key_of(visited, ProjectKeyKind.SDK)
    assert post(visited, "/change", key=sdk.public, name="front", origins="http://a.test") == ""
    changed = key_of(visited, ProjectKeyKind.SDK)
    assert (changed.name, changed.origins) == ("front", ("http://a.test",))


@pytest.mark.parametrize("action", ["", "/change"])
def test_what_is_no_origin_is_refused_with_an_example(visited: SiteHarness, action: str) -> None:
    sdk = key_of(visited, ProjectKeyKind.SDK)
    page = post(visited, action, key=sdk.public, kind="sdk", origins="shop.test <b>")
    assert "origin: shop.test is none → write it as https://shop.example.com" in page
    assert ("shop.test &lt;b&gt;</textarea>" in page) is (action == "")
    assert len(keys(visited)) == 2
    assert key_of(visited, ProjectKeyKind.SDK) == sdk


def test_after_a_rotation_both_keys_are_shown_until_the_old_one_ends(visited: SiteHarness) -> None:
    old = key_of(visited, ProjectKeyKind.AGENT)
    advance(visited, SECOND)
    assert post(visited, "/rotate", key=old.public, overlap="7d") == ""
    new, *_ = keys(visited)
    page = visited.client.get(PAGE).text
    assert new.public in page
    assert old.public in page
    assert "being replaced" in page
    assert old.public not in visited.client.get("/p/shop/setup").text
    advance(visited, 7 * DAY)
    assert '<span class="verdict growing">ended</span>' in visited.client.get(PAGE).text


def test_a_rotation_without_an_end_keeps_the_old_key(visited: SiteHarness) -> None:
    old = key_of(visited, ProjectKeyKind.SDK)
    assert post(visited, "/rotate", key=old.public, overlap="") == ""
    assert {one.ends_at for one in keys(visited)} == {None}


def test_a_revoked_key_is_gone(visited: SiteHarness) -> None:
    for key in keys(visited):
        assert post(visited, "/revoke", key=key.public) == ""
    assert keys(visited) == []
    assert "nothing can report to this project" in visited.client.get(PAGE).text


@pytest.mark.parametrize("action", ["/change", "/rotate", "/revoke"])
def test_a_key_of_another_project_is_left_alone(visited: SiteHarness, action: str) -> None:
    others = keys(visited, "other")
    for other in others:
        assert post(visited, action, key=other.public, name="mine", origins="*") == ""
    assert keys(visited, "other") == others


def test_a_stranger_sees_no_key(site: SiteHarness) -> None:
    site.log_in()
    site.client.cookies.clear()
    assert site.client.get(PAGE).headers["location"] == "/login"
