import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly.protocol.envelope import (
    MAX_HEADER_BYTES,
    MAX_ITEMS,
    InvalidEnvelope,
    build_envelope,
    parse_envelope,
)

HEADERS = st.dictionaries(st.text(max_size=10), st.integers() | st.text(max_size=20), max_size=4)
KINDS = st.text(min_size=1, max_size=20)
ITEMS = st.lists(st.tuples(KINDS, st.binary(max_size=200)), max_size=MAX_ITEMS)


def item(payload: bytes, **header: Any) -> bytes:
    return json.dumps({"type": "memory", **header}).encode() + b"\n" + payload


def sentence_of(body: bytes) -> str:
    with pytest.raises(InvalidEnvelope) as raised:
        parse_envelope(body)
    return str(raised.value)


@given(HEADERS, ITEMS)
def test_what_is_built_reads_back(header: dict[str, Any], items: list[tuple[str, bytes]]) -> None:
    read = parse_envelope(build_envelope(header, items))
    assert read.header == header
    assert [(one.type, one.payload) for one in read.items] == items
    assert read.beyond == 0


@given(st.binary(max_size=300))
def test_any_bytes_are_an_envelope_or_a_sentence(body: bytes) -> None:
    with suppress(InvalidEnvelope):
        read = parse_envelope(body)
        assert sum(len(one.payload) for one in read.items) <= len(body)


@pytest.mark.parametrize(
    ("body", "payloads"),
    [
        (b"{}", []),
        (b"{}\n", []),
        (b"{}\n\n\n", []),
        (b"{}\n" + item(b"abc", length=3), [b"abc"]),
        (b"{}\n" + item(b"abc\n", length=3), [b"abc"]),
        (b"{}\n\n" + item(b"a\nb\n", length=3) + b"\n" + item(b"", length=0), [b"a\nb", b""]),
        (b"{}\n" + item(b"abc"), [b"abc"]),
        (b"{}\n" + item(b"abc\n") + item(b"def\n"), [b"abc", b"def"]),
        (b"{}\n" + item(b"abc\r\n"), [b"abc\r"]),
        (b"{}\r\n" + item(b"abc", length=3), [b"abc"]),
        (b'{}\n{"type":"memory","length":3}\r\nabc\n', [b"abc"]),
        (b'{}\n{"type":"memory"}', [b""]),
        (b'{}\n{"type":"memory","length":null}\nabc\n', [b"abc"]),
    ],
)
def test_framing_that_is_legal_is_read(body: bytes, payloads: list[bytes]) -> None:
    assert [one.payload for one in parse_envelope(body).items] == payloads


@pytest.mark.parametrize(
    ("body", "sentence"),
    [
        (b"", "the envelope's header is not JSON"),
        (b"\n{}", "the envelope's header is not JSON"),
        (b"hello", "the envelope's header is not JSON"),
        (b"\xff\xfe", "the envelope's header is not JSON"),
        (b"[]", "the envelope's header is not a JSON object"),
        (b"1", "the envelope's header is not a JSON object"),
        (b"{}\nabc\n", "the header of item 1 is not JSON"),
        (b"{}\n[]\n", "the header of item 1 is not a JSON object"),
        (b"{}\n" + item(b"abc\n", length=3) + b"abc\n", "the header of item 2 is not JSON"),
        (b"{}\n" + item(b"abc\n", length=5), "item 1 says 5 bytes, and fewer follow"),
        (b"{}\n" + item(b"abc\n", length=2), "item 1 says 2 bytes, and no newline follows them"),
        (b"{}\n" + item(b"a\r\nb", length=1), "item 1 says 1 bytes, and no newline follows them"),
        (b"{}\n" + item(b"abc\n", length=-1), "the length of item 1 is no count of bytes"),
        (b"{}\n" + item(b"abc\n", length="3"), "the length of item 1 is no count of bytes"),
        (b"{}\n" + item(b"abc\n", length=3.0), "the length of item 1 is no count of bytes"),
        (b"{}\n" + item(b"abc\n", length=True), "the length of item 1 is no count of bytes"),
        (
            b'{"a":"%s"}' % (b"x" * MAX_HEADER_BYTES),
            f"the envelope's header is longer than {MAX_HEADER_BYTES} bytes",
        ),
        (
            b"{}\n" + item(b"", note="x" * MAX_HEADER_BYTES),
            f"the header of item 1 is longer than {MAX_HEADER_BYTES} bytes",
        ),
        (b"[" * 8000, "the envelope's header is not JSON"),
        (b'{"a":%s}' % (b"9" * 5000), "the envelope's header is not JSON"),
    ],
)
def test_framing_that_breaks_is_named(body: bytes, sentence: str) -> None:
    assert sentence_of(body) == sentence


def test_nesting_too_deep_for_the_parser_is_no_more_than_an_invalid_envelope() -> None:
    with suppress(InvalidEnvelope):
        read = parse_envelope(b'{"a":%s1%s}' % (b"[" * 4000, b"]" * 4000))
        assert list(read.header) == ["a"]


@pytest.mark.parametrize("kind", [None, 7, ["memory"]])
def test_an_item_whose_type_is_no_text_has_none(kind: object) -> None:
    (read,) = parse_envelope(b"{}\n" + item(b"", type=kind)).items
    assert read.type == ""


def test_items_beyond_the_hundredth_are_counted_and_not_read() -> None:
    read = parse_envelope(build_envelope({}, [("memory", b"%d" % n) for n in range(130)]))
    assert [one.payload for one in read.items] == [b"%d" % n for n in range(100)]
    assert read.beyond == 30


def test_an_item_beyond_the_hundredth_still_has_to_be_framed() -> None:
    body = build_envelope({}, [("memory", b"")] * 100) + item(b"abc", length=9)
    assert sentence_of(body) == "item 101 says 9 bytes, and fewer follow"
