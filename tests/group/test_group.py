"""Which events are the same error."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import event, frame, library, thrown

from bugsly_server.group.fingerprint import group
from bugsly_server.group.naming import place, title
from bugsly_server.group.normal import normal
from bugsly_server.model.event import Event

PLAIN = event(thrown(library(), frame()))


def same(one: Event, other: Event) -> bool:
    return group(one).fingerprint == group(other).fingerprint


@pytest.mark.parametrize(
    "other",
    [
        event(thrown(library(), frame(line=47)), release="2.0", server_name="web-2"),
        event(thrown(library(), library(), frame(path="/app/shop/views.py"))),
        event(thrown(frame(), value="'something else'")),
        event(thrown(library(), frame(), frame())),
        event(thrown(library(), frame(), frame("<listcomp>"), library())),
        event(thrown(frame(locals={"line": "Line 7"}))),
        event(thrown(frame(code="total  += line.price"))),
        event(thrown(frame()), user="7", message="other", endpoint="GET /other"),
        event(thrown(frame()), fingerprint=("{{ default }}",)),
    ],
    ids=[
        *("another release and line", "another host", "another value", "a recursion"),
        *("Python before 3.12", "other locals", "other white space", "another endpoint"),
        "the fingerprint that stands for ours",
    ],
)
def test_these_are_the_same_error(other: Event) -> None:
    assert same(PLAIN, other)


@pytest.mark.parametrize(
    "other",
    [
        event(thrown(frame(), type="ValueError")),
        event(thrown(frame("pay"))),
        event(thrown(frame(module="shop.admin"))),
        event(thrown(frame(code="total -= 1"))),
        event(thrown(frame()), thrown(frame(), type="OSError", relation="cause")),
        event(thrown(frame()), fingerprint=("mine",)),
        event(thrown(frame()), fingerprint=("{{ default }}", "tenant-7")),
        event(message="KeyError"),
    ],
)
def test_these_are_others(other: Event) -> None:
    assert not same(PLAIN, other)


def test_without_calls_of_the_application_those_of_libraries_count() -> None:
    assert same(event(thrown(library())), event(thrown(library(), value="other")))
    assert not same(event(thrown(library())), event(thrown(library("full_dispatch_request"))))


def test_without_a_stack_the_message_counts_made_normal() -> None:
    assert same(event(message="order 7 of a@b.example"), event(message="order 8 of c@d.example"))
    assert not same(event(message="order 7"), event(message="payment 7"))
    assert same(event(thrown(value="at 0x7f01")), event(thrown(value="at 0x9a22")))


def test_a_script_that_was_built_again_is_the_same_file() -> None:
    built = [
        frame(module="", file=f"https://shop.test/static/main.{name}.js?v=1", code="")
        for name in ("8f3a2b1c", "0d1e2f3a")
    ]
    assert same(event(thrown(built[0])), event(thrown(built[1])))


def test_a_fingerprint_of_its_own_brings_different_errors_together() -> None:
    mine = ("db", "down")
    assert same(
        event(thrown(frame()), fingerprint=mine),
        event(thrown(frame("pay"), type="OSError"), fingerprint=mine),
    )


def test_it_is_said_why() -> None:
    assert group(PLAIN).because == (
        "the exception is the same: KeyError",
        "the same calls lead to it: shop.views.checkout",
        "the same line raises it: total += line.price",
    )
    own = replace(PLAIN, fingerprint=("mine",))
    assert group(own).because == ("the application gave them the same fingerprint: mine",)


def test_the_first_version_is_kept() -> None:
    assert group(PLAIN).fingerprint == "1/e1afaef1a30234a8e6b18defca1513b6"


def test_an_error_has_a_title_and_a_place() -> None:
    assert title(PLAIN) == "KeyError: 'currency'"
    assert place(PLAIN) == "checkout in shop/views.py"
    assert title(event(thrown(value="a\n\n b"))) == "KeyError: a b"
    assert title(event()) == "an event without a message"
    assert len(title(event(message="x" * 5_000))) == 200


@pytest.mark.parametrize(
    ("text", "made"),
    [
        ("order 12 of 1,204.50", "order <number> of <number>"),
        ("at 0x7f0a12", "at <address>"),
        ("user 9ec79c33-ec99-42ab-8353-589fcb2e04dc", "user <uuid>"),
        ("commit 1057b0e", "commit <hash>"),
        ("defaced facade", "defaced facade"),
        ("from 10.0.0.7 to ada@shop.example", "from <ip> to <email>"),
        ("since 2026-11-25T04:05:06.7Z", "since <time>"),
        ("a\n  b\t c", "a b c"),
    ],
)
def test_what_differs_from_event_to_event_is_replaced_by_its_kind(text: str, made: str) -> None:
    assert normal(text) == made


@given(st.text(max_size=900) | st.text(alphabet="0123456789abcdefx-.:@ +eE", max_size=60))
def test_what_is_normal_stays_as_it_is(text: str) -> None:
    assert normal(normal(text)) == normal(text)


@given(
    st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_lines_values_and_releases_never_part_an_error(
    lines: list[int], value: str, release: str
) -> None:
    def at(numbers: list[int], said: str, version: str) -> Event:
        calls = [frame(name, line=n) for name, n in zip("abc", numbers, strict=True)]
        return event(thrown(*calls, value=said), release=version)

    assert same(at([1, 2, 3], "", "1"), at(lines, value, release))
