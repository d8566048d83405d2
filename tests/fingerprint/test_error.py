"""Which events are grouped into the same error."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.support.events import event, exception_value, frame, library_frame

from bugsly_server.fingerprint.error import group_event
from bugsly_server.fingerprint.error_title import error_location, error_title
from bugsly_server.fingerprint.normalized_text import normalize_text
from bugsly_server.model.event import ErrorEvent

PLAIN = event(exception_value(library_frame(), frame()))


def is_same_error(first: ErrorEvent, second: ErrorEvent) -> bool:
    return group_event(first).fingerprint == group_event(second).fingerprint


@pytest.mark.parametrize(
    "other",
    [
        event(exception_value(library_frame(), frame(line=47)), release="2.0", server_name="web-2"),
        event(exception_value(library_frame(), library_frame(), frame(path="/app/shop/views.py"))),
        event(exception_value(frame(), value="'something else'")),
        event(exception_value(library_frame(), frame(), frame())),
        event(exception_value(library_frame(), frame(), frame("<listcomp>"), library_frame())),
        event(exception_value(frame(locals={"line": "Line 7"}))),
        event(exception_value(frame(code="total  += line.price"))),
        event(exception_value(frame()), user="7", message="other", endpoint="GET /other"),
        event(exception_value(frame()), fingerprint=("{{ default }}",)),
    ],
    ids=[
        *("another release and line", "another host", "another value", "a recursion"),
        *("Python before 3.12", "other locals", "other white space", "another endpoint"),
        "the fingerprint that stands for ours",
    ],
)
def test_these_are_the_same_error(other: ErrorEvent) -> None:
    assert is_same_error(PLAIN, other)


@pytest.mark.parametrize(
    "other",
    [
        event(exception_value(frame(), type="ValueError")),
        event(exception_value(frame("pay"))),
        event(exception_value(frame(module="shop.admin"))),
        event(exception_value(frame(code="total -= 1"))),
        event(exception_value(frame()), exception_value(frame(), type="OSError", relation="cause")),
        event(exception_value(frame()), fingerprint=("mine",)),
        event(exception_value(frame()), fingerprint=("{{ default }}", "tenant-7")),
        event(message="KeyError"),
    ],
)
def test_these_are_different_errors(other: ErrorEvent) -> None:
    assert not is_same_error(PLAIN, other)


def test_without_calls_of_the_application_those_of_libraries_count() -> None:
    assert is_same_error(
        event(exception_value(library_frame())),
        event(exception_value(library_frame(), value="other")),
    )
    assert not is_same_error(
        event(exception_value(library_frame())),
        event(exception_value(library_frame("full_dispatch_request"))),
    )


def test_without_a_stack_the_normalized_message_counts() -> None:
    assert is_same_error(
        event(message="order 7 of a@b.example"), event(message="order 8 of c@d.example")
    )
    assert not is_same_error(event(message="order 7"), event(message="payment 7"))
    assert is_same_error(
        event(exception_value(value="at 0x7f01")), event(exception_value(value="at 0x9a22"))
    )


def test_a_script_that_was_built_again_is_the_same_file() -> None:
    built = [
        frame(module="", file=f"https://shop.test/static/main.{name}.js?v=1", code="")
        for name in ("8f3a2b1c", "0d1e2f3a")
    ]
    assert is_same_error(event(exception_value(built[0])), event(exception_value(built[1])))


def test_a_fingerprint_of_the_client_groups_different_errors() -> None:
    mine = ("db", "down")
    assert is_same_error(
        event(exception_value(frame()), fingerprint=mine),
        event(exception_value(frame("pay"), type="OSError"), fingerprint=mine),
    )


def test_the_reasons_are_given_in_words() -> None:
    assert group_event(PLAIN).reasons == (
        "the exception is the same: KeyError",
        "the same calls lead to it: shop.views.checkout",
        "the same line raises it: total += line.price",
    )
    own = replace(PLAIN, fingerprint=("mine",))
    assert group_event(own).reasons == ("the application gave them the same fingerprint: mine",)


def test_the_fingerprints_of_version_1_do_not_change() -> None:
    assert group_event(PLAIN).fingerprint == "1/e1afaef1a30234a8e6b18defca1513b6"


def test_an_error_has_a_title_and_a_location() -> None:
    assert error_title(PLAIN) == "KeyError: 'currency'"
    assert error_location(PLAIN) == "checkout in shop/views.py"
    assert error_title(event(exception_value(value="a\n\n b"))) == "KeyError: a b"
    assert error_title(event()) == "an event without a message"
    assert len(error_title(event(message="x" * 5_000))) == 200


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
    assert normalize_text(text) == made


@given(st.text(max_size=900) | st.text(alphabet="0123456789abcdefx-.:@ +eE", max_size=60))
def test_a_normalized_text_stays_as_it_is(text: str) -> None:
    assert normalize_text(normalize_text(text)) == normalize_text(text)


@given(
    st.lists(st.integers(0, 10**6), min_size=3, max_size=3),
    st.text(max_size=20),
    st.text(max_size=20),
)
def test_lines_values_and_releases_never_split_an_error(
    lines: list[int], value: str, release: str
) -> None:
    def at(numbers: list[int], said: str, version: str) -> ErrorEvent:
        calls = [frame(name, line=n) for name, n in zip("abc", numbers, strict=True)]
        return event(exception_value(*calls, value=said), release=version)

    assert is_same_error(at([1, 2, 3], "", "1"), at(lines, value, release))
