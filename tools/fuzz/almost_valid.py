"""Strategies for inputs that are almost right, from which most faults are a step away."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

from hypothesis import strategies as st

MAX_DAMAGE = 3

NASTY_TEXTS = (
    "", " ", "\n", "\r\n\r\n", "\0", "\u2028", "\u202e", "\ufeff", "\x1b[2J", "é" * 300,
    "null", "-1", "1e999", "9" * 5000, "{" * 50, "[" * 3000, "<script>", "../../etc/passwd",
    "%0a", "${jndi:x}", "{{ x }}", "password=x", "eyJ-eyJ-", "=?utf-8?q?x?=", "0" * 32,
)  # fmt: skip
NASTY_NUMBERS = (0, -1, 2**31, 2**53, 2**63, 2**64, 10**400)


_TEXTS = st.text(max_size=40) | st.sampled_from(NASTY_TEXTS)
_NUMBERS = st.integers() | st.floats() | st.sampled_from(NASTY_NUMBERS)
_JSON_VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | _NUMBERS | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=12,
)


@st.composite
def _texts(draw: st.DrawFn) -> str:
    return draw(_TEXTS)


@st.composite
def _json_values(draw: st.DrawFn) -> Any:
    return draw(_JSON_VALUES)


TEXTS = _texts()
JSON_VALUES = _json_values()
"""Drawn by functions, whose names hypothesis prints in place of all that they may draw."""


def json_objects(
    required: Mapping[str, Any], optional: Mapping[str, Any]
) -> st.SearchStrategy[Any]:
    """Return objects whose values are mostly of their form, and sometimes anything."""
    return st.fixed_dictionaries(
        {name: value | JSON_VALUES for name, value in required.items()},
        optional={name: value | JSON_VALUES for name, value in optional.items()},
    )


def damaged(inputs: st.SearchStrategy[bytes]) -> st.SearchStrategy[bytes]:
    """Return *inputs*, some of them with bytes cut out, put in or replaced."""
    damage = st.tuples(st.integers(0, 4000), st.integers(0, 8), st.binary(max_size=4))

    def apply(whole: bytes, places: list[tuple[int, int, bytes]]) -> bytes:
        for at, removed, added in places:
            whole = whole[:at] + added + whole[at + removed :]
        return whole

    return inputs | st.builds(apply, inputs, st.lists(damage, max_size=MAX_DAMAGE))


def encoded(values: st.SearchStrategy[Any]) -> st.SearchStrategy[bytes]:
    """Return JSON of *values*, some of it damaged."""
    return damaged(values.map(lambda value: json.dumps(value).encode()))


def texts_as_bytes(texts: st.SearchStrategy[str]) -> st.SearchStrategy[bytes]:
    """Return *texts* in UTF-8."""
    return texts.map(lambda text: text.encode("utf-8", "replace"))
