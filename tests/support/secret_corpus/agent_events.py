"""Lets the agent meet a case of the corpus as an application would bring it about."""

from __future__ import annotations

import ast
import json
from functools import partial
from types import TracebackType
from typing import Any
from urllib.parse import urlencode

from tests.support.captured_errors import (
    CAPTURED_BY_TEST,
    ORIGIN,
    ErrorCapture,
    event,
    exception_of,
)
from tests.support.secret_corpus.cases import SecretCase
from tests.support.wsgi import environ_of

from bugsly.probes.errors.event_encoder import encode_without_secrets
from bugsly.probes.errors.request_context import read_request
from bugsly.probes.errors.safe_repr import SafeRepr
from bugsly.probes.errors.scope import ErrorScope


def agent_event(case: SecretCase) -> bytes:
    """Return the event that the agent makes of *case*, as it leaves the process."""
    return _CARRIERS[case.carrier](case)


def _message(case: SecretCase) -> bytes:
    return encode_without_secrets(event(message=case.text, template=case.text), ORIGIN)


def _exception(case: SecretCase) -> bytes:
    return _with_locals({"seven": 7}, case.text)


def _locals(case: SecretCase) -> bytes:
    return _with_locals(read_assignment(case.text))


def _data(case: SecretCase) -> bytes:
    """Extra data has no place in the agent's events but variables."""
    return _with_locals({"data": json.loads(case.text)})


def _breadcrumb(case: SecretCase) -> bytes:
    scope = ErrorScope()
    scope.add_breadcrumb("shop", "info", case.text, {"line": case.text})
    return encode_without_secrets(event(crumbs=scope.crumbs), ORIGIN)


def _headers(case: SecretCase) -> bytes:
    given = {
        f"HTTP_{name.upper().replace('-', '_')}": value
        for name, value in json.loads(case.text).items()
    }
    return _request(**given)


def _query(case: SecretCase) -> bytes:
    return _request(QUERY_STRING=case.text)


def _form(case: SecretCase) -> bytes:
    """A form is read by Werkzeug, whose mapping the agent formats; its raw text may be a local."""
    fields = json.loads(case.text)
    return _with_locals(
        {"form": {name: [value] for name, value in fields.items()}, "raw": urlencode(fields)}
    )


def _request(**environ: str) -> bytes:
    asked = read_request(environ_of("/orders/7", "POST", **environ), SafeRepr())
    return encode_without_secrets(event(asked=asked), ORIGIN)


def _with_locals(values: dict[str, Any], text: str = "seven") -> bytes:
    """Return the event of an error that says *text*, in a frame with these variables."""
    failing = compile(f"raise ValueError({text!r})", "failing.py", "exec")
    error = exception_of(partial(exec, failing, {}, values))
    error.__traceback__ = innermost(error.__traceback__)
    capture = ErrorCapture()
    capture.errors.capture_exception(error, CAPTURED_BY_TEST)
    return json.dumps(capture.encoded_events[-1]).encode()


def innermost(traceback: TracebackType | None) -> TracebackType:
    """Return the last call of *traceback*: the others are of the test."""
    assert traceback is not None
    while traceback.tb_next is not None:
        traceback = traceback.tb_next
    return traceback


def read_assignment(text: str) -> dict[str, Any]:
    """Return the variable of a line such as `rate = 7`."""
    name, _, literal = text.partition(" = ")
    return {name: ast.literal_eval(literal)}


_CARRIERS = {
    "log": _message,
    "exception": _exception,
    "sql": _exception,
    "command": _message,
    "locals": _locals,
    "headers": _headers,
    "query": _query,
    "form": _form,
    "json": _data,
    "context": _data,
    "breadcrumb": _breadcrumb,
}
