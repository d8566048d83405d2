"""What is removed from an event before it touches the disk, and what stays."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly.redact import REDACTED, find_secrets
from bugsly_server.scrub.scrubber import MAX_TEXT_LENGTH, MAX_VALUES, Scrubber

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=12), inner, max_size=4)
    ),
    max_leaves=20,
)


def scrubbed(loose: dict[str, Any], *names: str) -> dict[str, Any]:
    return Scrubber(names).scrub(loose).payload


@pytest.mark.parametrize(
    "key",
    [
        *("password", "Password", "db_password", "userPassword", "PASSWD", "api_key", "apiKey"),
        *("X-Api-Key", "Authorization", "Cookie", "csrf_token", "sessionid", "session_key"),
        *("SECRET_KEY", "client_secret", "AWS_SECRET_ACCESS_KEY", "accessToken", "cvv"),
    ],
)
def test_the_value_of_a_key_that_names_a_secret_is_removed(key: str) -> None:
    assert scrubbed({key: "x7"}) == {key: REDACTED}
    assert scrubbed({key: {"a": ["x7"]}}) == {key: REDACTED}
    assert scrubbed({"headers": [[key, "x7"]]}) == {"headers": [[key, REDACTED]]}


@pytest.mark.parametrize(
    "key", ["author", "authority", "tokenizer", "keyboard", "session", "passenger", "monkey", "key"]
)
def test_the_value_of_a_key_that_only_resembles_one_stays(key: str) -> None:
    assert scrubbed({key: "x7"}) == {key: "x7"}


@pytest.mark.parametrize("value", [None, True, False, "", "None", "''", [], {}])
def test_a_secret_that_is_missing_is_seen_to_be_missing(value: object) -> None:
    assert scrubbed({"password": value}) == {"password": value}


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        ("postgres://ada:hunter2@db/x", f"postgres://ada:{REDACTED}@db/x"),
        ("amqp://:hunter2@mq", f"amqp://:{REDACTED}@mq"),
        ("http://shop.test/a:b@c", "http://shop.test/a:b@c"),
        ("/orders?token=[Filtered]&a=b", "/orders?token=[Filtered]&a=b"),
        (
            "http://shop.test:5173/node_modules/@sentry/core/index.js",
            "http://shop.test:5173/node_modules/@sentry/core/index.js",
        ),
        ("-----BEGIN RSA PRIVATE KEY-----\nMIIE\n-----END RSA PRIVATE KEY-----", REDACTED),
        ("-----BEGIN PRIVATE KEY-----\ncut short", REDACTED),
        ("-----BEGIN CERTIFICATE-----\nMIIE", "-----BEGIN CERTIFICATE-----\nMIIE"),
        ("t eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2ln", f"t {REDACTED}"),
        (f"ghp_{'a1' * 18}", REDACTED),
        (f"sk-{'a1' * 16}", REDACTED),
        ("flask-sqlalchemy-and-a-long-name", "flask-sqlalchemy-and-a-long-name"),
        ("AKIAIOSFODNN7EXAMPLE", REDACTED),
        ("Bearer abc.def-123", f"Bearer {REDACTED}"),
        ("the bearer of this", "the bearer of this"),
        ("Basic YWRhOmh1bnRlcjI=", f"Basic {REDACTED}"),
        ("a=1&password=x7&b=2", f"a=1&password={REDACTED}&b=2"),
        ("{'password': 'x7', 'a': 1}", f"{{'password': {REDACTED}, 'a': 1}}"),
        ('{"api_key": "x7"}', f'{{"api_key": {REDACTED}}}'),
        ("card 4111 1111 1111 1111.", f"card {REDACTED}."),
        ("4111-1111-1111-1111", REDACTED),
        ("4111 1111 1111 1112", "4111 1111 1111 1112"),
        ("order 12345678", "order 12345678"),
        ("KeyError: 'token'", "KeyError: 'token'"),
    ],
)
def test_a_part_of_a_text_that_looks_like_a_secret_is_removed(text: str, clean: str) -> None:
    assert scrubbed({"a": {"b": [text]}}) == {"a": {"b": [clean]}}


def test_a_card_number_may_come_as_a_number() -> None:
    assert scrubbed({"a": 4111111111111111, "b": 1732500000000000}) == {
        "a": REDACTED,
        "b": 1732500000000000,
    }


def test_a_key_that_is_a_secret_itself_is_removed() -> None:
    assert scrubbed({"a": {f"ghp_{'a1' * 18}": 1}}) == {"a": {REDACTED: 1}}


def test_a_key_that_is_a_secret_goes_though_its_value_was_clean_before() -> None:
    scrubber = Scrubber()
    assert scrubber.scrub({"a": "fine"}).payload == {"a": "fine"}
    assert scrubber.scrub({f"ghp_{'a1' * 18}": "fine"}).payload == {REDACTED: "fine"}


@pytest.mark.parametrize(
    ("number", "card"),
    [
        ("4111 1111 1111 1112", "4111 1111 1111 1111"),
        ("5" + "\u0661" * 15, "4" + "\u0661" * 15),
    ],
)
def test_a_number_that_is_no_card_does_not_vouch_for_one(number: str, card: str) -> None:
    scrubber = Scrubber()
    assert scrubber.scrub({"a": number}).payload == {"a": number}
    assert scrubber.scrub({"a": card}).payload == {"a": REDACTED}


def test_source_keeps_its_code_and_loses_its_secret_literals() -> None:
    frame = {
        "context_line": "    password = form.password",
        "pre_context": ["    token = 'x7'", "    url = 'pg://a:x7@db'", f"  k = 'ghp_{'a1' * 18}'"],
    }
    assert scrubbed({"frames": [frame]}) == {
        "frames": [
            {
                "context_line": "    password = form.password",
                "pre_context": [
                    f"    token = '{REDACTED}'",
                    f"    url = 'pg://a:{REDACTED}@db'",
                    f"  k = '{REDACTED}'",
                ],
            }
        ]
    }


def test_what_was_source_is_not_taken_for_a_clean_value_later() -> None:
    scrubber = Scrubber()
    line = "password=hunter2"
    assert scrubber.scrub({"context_line": line}).payload == {"context_line": line}
    assert scrubber.scrub({"message": line}).payload == {"message": f"password={REDACTED}"}


def test_a_project_may_name_more() -> None:
    assert scrubbed({"IBAN": "x7", "Kunden-Nr": "x7"}, "iban", "kunden_nr") == {
        "IBAN": REDACTED,
        "Kunden-Nr": REDACTED,
    }


def test_removals_say_where_and_why_and_never_what() -> None:
    found = Scrubber().scrub({"request": {"headers": {"Cookie": "x7"}, "url": "a://b:x7@c"}})
    assert found.removed == [
        ("request.headers.Cookie", "key that speaks of a secret"),
        ("request.url", "password in an address"),
    ]
    path = Scrubber().scrub({f"ghp_{'a1' * 18}": {"password": "x7"}}).removed[0].path
    assert path == f"{REDACTED}.password"


def test_a_text_is_cut_and_so_are_depth_and_breadth() -> None:
    deep: dict[str, Any] = {}
    inner = deep
    for _ in range(100):
        inner["a"] = inner = {}
    wide = {"a": [0] * MAX_VALUES * 2, "b": ["late"]}
    long = Scrubber().scrub({"a": "x" * (MAX_TEXT_LENGTH + 1)})
    assert len(long.payload["a"]) == MAX_TEXT_LENGTH
    assert sum(long.truncated.values()) == 1
    assert json.dumps(scrubbed(deep)).count("{") < 40
    assert len(scrubbed(wide)["a"]) <= MAX_VALUES


@given(st.dictionaries(st.text(max_size=12), JSON, max_size=6))
def test_what_is_clean_stays_as_it_is(loose: dict[str, Any]) -> None:
    once = scrubbed(json.loads(json.dumps(loose)))
    assert scrubbed(json.loads(json.dumps(once))) == once


@pytest.mark.parametrize("piece", ["eyJ-", "-eyJ", "a.eyJ-", "x://y:", "token", "basic "])
def test_many_starts_of_a_secret_end_within_the_time_of_a_test(piece: str) -> None:
    assert find_secrets(f"a {piece * 50_000}").text.startswith("a ")
