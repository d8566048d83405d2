"""Where a person is found, and where they are not."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.errors import Misconfigured
from bugsly_server.model.identity import ERASED, Identity


@pytest.mark.parametrize(
    "text",
    [
        "ada@example.com",
        "mail to ADA@example.com.",
        "<ada@example.com>",
        "q=ada%40example.com&page=2",
        r"{\"message\": \"line\nada@example.com\"}",
        "('ada@example.com',)",
    ],
)
def test_a_person_is_found_in(text: str) -> None:
    person = Identity("ada@example.com")
    assert person.is_in(text)
    assert not person.is_in(person.erased_from(text))
    assert ERASED in person.erased_from(text)


@pytest.mark.parametrize(
    "text",
    ["canada@example.com", "ada@example.com.au", "ada@example.community", "x.ada@example.com"],
)
def test_another_person_is_left_alone(text: str) -> None:
    person = Identity("ada@example.com")
    assert not person.is_in(text)
    assert person.erased_from(text) == text


@pytest.mark.parametrize(
    ("address", "text", "is_found"),
    [
        ("10.1.2.3", "from 10.1.2.3, port 80", True),
        ("10.1.2.3", "from 110.1.2.3", False),
        ("10.1.2.3", "from 10.1.2.34", False),
        ("2001:db8::1", "[2001:db8::1]:443", True),
        ("user-77", "user-777", False),
        ("user-77", "user-77-old", False),
    ],
)
def test_addresses_and_ids_are_whole_words(
    address: str,
    text: str,
    is_found: bool,  # noqa: FBT001 - a case
) -> None:
    assert Identity(address).is_in(text) == is_found


@pytest.mark.parametrize(
    "event",
    [
        {"user": {"id": 42}},
        {"user": {"id": "42"}},
        {"user": {"email": "42"}},
        {"user": {"ip_address": "42"}},
        {"did": "42"},
        {"aggregates": [{"did": 42}]},
    ],
)
def test_a_short_id_is_found_in_the_fields_of_a_user(event: object) -> None:
    assert Identity("42").is_in_payload(msgspec.json.encode(event))


@pytest.mark.parametrize(
    "event", [{"user": {"id": 421}}, {"tags": {"n": "42"}}, {"message": "42"}, [], 42, {"user": 42}]
)
def test_a_short_id_is_found_nowhere_else(event: object) -> None:
    assert not Identity("42").is_in_payload(msgspec.json.encode(event))


@pytest.mark.parametrize("text", ["", "  ", "x" * 201, "a\nb", "\x00abc"])
def test_what_names_nobody_is_refused(text: str) -> None:
    with pytest.raises(Misconfigured, match="write it as the app reports it"):
        Identity(text)


@given(
    st.text(st.characters(categories=["L", "N"]), min_size=6, max_size=30),
    st.sampled_from(['"{}"', "a {} b", "({})", "x={}&y", "\n{}\n", "{}"]),
    st.integers(0, 2),
)
def test_a_name_in_nested_json_is_found(name: str, form: str, depth: int) -> None:
    text = form.format(name)
    for _ in range(depth):
        text = msgspec.json.encode({"data": text}).decode()
    assert Identity(name).is_in_payload(msgspec.json.encode({"extra": {"body": text}}))
