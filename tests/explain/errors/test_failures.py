"""Code that really fails, and what is said of it."""

import socket
from collections.abc import Iterator
from importlib import import_module

import pytest
from tests.support.failures import FAMILIES, VIEWS_FILE, Failure
from tests.support.web_server import WebServer

from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.model.error_explanation import ErrorContext

CASES = [
    pytest.param(case, id=f"{family}-{number}-{case.rule}")
    for family in FAMILIES
    for number, case in enumerate(import_module(f"tests.support.failures.{family}").CASES)
]


@pytest.fixture(scope="module")
def ports() -> Iterator[dict[str, int]]:
    """Ports that are shut, that never answer, and that speak no TLS."""
    with socket.create_server(("127.0.0.1", 0)) as silent, WebServer() as plain:
        with socket.create_server(("127.0.0.1", 0)) as shut:
            port = shut.getsockname()[1]
        yield {"port": port, "silent": silent.getsockname()[1], "plain": plain.port}


@pytest.mark.parametrize("case", CASES)
def test_what_failed_is_explained_by_its_own_names(case: Failure, ports: dict[str, int]) -> None:
    found = explain_error(case.event(**ports), ErrorContext())
    assert found is not None
    text = f"{found.title}\n{found.what}\n{found.why}\n{found.fix}\n{found.unless}"
    assert (found.rule, [one for one in case.mentions if one not in text], text) == (
        case.rule,
        [],
        text,
    )
    assert found.where[0].line == f"{VIEWS_FILE}:{case.line}"
    assert [one for one in case.diff if one not in found.diff.splitlines()] == []
    assert found.confidence >= 0.7
