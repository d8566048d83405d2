"""Every regular expression of the product takes time in proportion to the length of its text."""

import re
from collections import deque
from collections.abc import Callable
from typing import Any

import pytest
from tests.support.pattern_attacks import attack_pieces, time_growth
from tests.support.product_patterns import ProductPattern, product_patterns

from bugsly.redact import redact_source, redact_text
from bugsly_server.explain.llm.scrub import scrub

MAX_EXPONENT = 1.3


def application_of(found: ProductPattern) -> Callable[[str], object]:
    """Return what applies an expression to a whole text, as the product does."""
    compiled: Any = re.compile(found.pattern, found.flags)

    def apply(text: str) -> object:
        subject = text if isinstance(found.pattern, str) else text.encode()
        if found.anchored:
            return (compiled.match(subject), compiled.fullmatch(subject))
        return deque(compiled.finditer(subject), maxlen=0)

    return apply


def test_expressions_are_found_wherever_they_stand() -> None:
    found = {pattern.where.partition(":")[0] for pattern in product_patterns()}
    assert {
        "bugsly.redact.secret_forms",
        "bugsly.redact.service_keys",
        "bugsly.protocol.envelope",
        "bugsly_server.explain.llm.answer",
        "bugsly_server.explain.errors.rules.none_values",
        "bugsly_server.diagnose.source_analysis.suspect_calls",
        "known_leaks.toml",
    } <= found
    assert len(product_patterns()) > 250


def test_a_quadratic_expression_is_seen() -> None:
    assert time_growth(re.compile("a*b").search, "", "a") > MAX_EXPONENT


def test_an_exponential_expression_is_seen() -> None:
    assert time_growth(re.compile(r"(?:a+)+b").match, "", "a") > MAX_EXPONENT


def test_every_expression_takes_time_in_proportion() -> None:
    slow = {
        f"{found.where} {found.pattern!r}": (prefix, piece, round(growth, 2))
        for found in product_patterns()
        for prefix, piece in attack_pieces(found.pattern, found.flags)
        if (growth := time_growth(application_of(found), prefix, piece)) > MAX_EXPONENT
    }
    assert slow == {}


@pytest.mark.parametrize("redact", [redact_text, redact_source, scrub])
def test_scrubbing_as_a_whole_takes_time_in_proportion(redact: Callable[[str], object]) -> None:
    pieces = [
        *(
            "eyJ-",
            "token",
            "password=",
            "password: ",
            "'token', ",
            "x://y:",
            "insert into a values (",
            "token:[",
        ),
        *("[parameters: (", "token='", "key (a)=(", "<token>", "name='token' value=", "mysql -u "),
        *("password\n  [type=a, input_value=", '\\"token\\":', "Cookie: a=", "token is "),
    ]
    slow = {
        piece: growth
        for piece in pieces
        if (growth := time_growth(redact, "", piece)) > MAX_EXPONENT
    }
    assert slow == {}
