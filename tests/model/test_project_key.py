import pytest
from tests.support.clock import START
from tests.support.project_keys import project_key

from bugsly_server.clock import DAY, SECOND
from bugsly_server.model.project_key import (
    InvalidOrigin,
    ProjectKeyKind,
    newest_usable,
    parse_origins,
)


@pytest.mark.parametrize(
    ("allowed", "origin", "is_allowed"),
    [
        ("", None, True),
        ("", "https://shop.test", False),
        ("*", "https://shop.test", True),
        ("*", "null", True),
        ("https://shop.test", "https://shop.test", True),
        ("HTTPS://Shop.test:443/", "https://shop.test", True),
        ("https://shop.test", "http://shop.test", False),
        ("https://shop.test", "https://shop.test:8443", False),
        ("https://shop.test", "https://shop.test.evil.test", False),
        ("https://shop.test", "https://evil-shop.test", False),
        ("https://shop.test", "null", False),
        ("https://shop.test", "", False),
        ("https://*.shop.test", "https://www.shop.test", True),
        ("https://*.shop.test", "https://a.b.shop.test", True),
        ("https://*.shop.test", "https://shop.test", False),
        ("https://*.shop.test", "https://evilshop.test", False),
        ("https://*.shop.test", "http://www.shop.test", False),
        ("https://*.shop.test:8443", "https://www.shop.test:8443", True),
        ("http://[::1]:3000", "http://[::1]:3000", True),
        ("https://one.test\nhttps://two.test", "https://two.test", True),
    ],
)
def test_which_pages_may_use_a_key(allowed: str, origin: str | None, *, is_allowed: bool) -> None:
    key = project_key(ProjectKeyKind.SDK, origins=parse_origins(allowed))
    assert key.allows_origin(origin) is is_allowed


@pytest.mark.parametrize(
    "text",
    [
        "shop.test",
        "https://",
        "https://shop.test/page",
        "https://shop.test?a=1",
        "https://me@shop.test",
        "ftp://shop.test",
        "https://*",
        "https://*.",
        "https://w*.shop.test",
        "https://shop.test:99999",
        "https://[",
        "**",
    ],
)
def test_what_is_no_origin_is_refused(text: str) -> None:
    with pytest.raises(InvalidOrigin, match=r"^.{2,}"):
        parse_origins(f"https://good.test\n{text}")


def test_a_key_ends_at_its_moment() -> None:
    assert not project_key().has_ended(START + 999 * DAY)
    assert not project_key(ends_at=START).has_ended(START - SECOND)
    assert project_key(ends_at=START).has_ended(START)


def test_new_clients_get_the_newest_key_of_their_kind_that_does_not_end() -> None:
    first = project_key(public="first")
    second = project_key(public="second", created_at=START + SECOND)
    ending = project_key(public="ending", created_at=START + DAY, ends_at=START + 2 * DAY)
    keys = [second, first, ending]
    assert newest_usable(keys, ProjectKeyKind.AGENT) == second
    assert newest_usable(keys, ProjectKeyKind.SDK) is None
