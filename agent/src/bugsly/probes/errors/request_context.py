"""Records the request of an error for its event, from what is in memory already."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from bugsly.introspection import type_internals
from bugsly.protocol.event import CapturedRequest
from bugsly.redact import REDACTED, is_secret_name

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from bugsly.probes.errors.safe_repr import SafeRepr

MAX_URL_LENGTH = 2_000
MAX_HEADER_LENGTH = 500
MAX_HEADERS = 50
MAX_BODY_BYTES = 10_000
"""Size up to which a body is recorded."""
PERSONAL_HEADERS = frozenset(
    {"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"}
)
"""Headers that identify the client."""


def read_request(environ: WSGIEnvironment, safe_repr: SafeRepr | None) -> CapturedRequest:
    """Return the request of *environ*; its body only if it has been parsed and is small."""
    path = _decode_text(environ.get("SCRIPT_NAME")) + _decode_text(environ.get("PATH_INFO"))
    host = _decode_text(environ.get("HTTP_HOST") or environ.get("SERVER_NAME"))
    return CapturedRequest(
        method=_decode_text(environ.get("REQUEST_METHOD"))[:20],
        url=f"{_decode_text(environ.get('wsgi.url_scheme'))}://{host}{path}"[:MAX_URL_LENGTH],
        query=_decode_text(environ.get("QUERY_STRING"))[:MAX_URL_LENGTH],
        headers=dict(islice(_headers(environ).items(), MAX_HEADERS)),
        body="" if safe_repr is None else _body(environ, safe_repr),
    )


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {}
    for name, value in list(environ.items()):
        if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            header = name.removeprefix("HTTP_").replace("_", "-").title()
            if header not in PERSONAL_HEADERS and value:
                headers[header] = (
                    REDACTED if is_secret_name(header) else _decode_text(value)[:MAX_HEADER_LENGTH]
                )
    return headers


def _body(environ: WSGIEnvironment, safe_repr: SafeRepr) -> str:
    length = _decode_text(environ.get("CONTENT_LENGTH"))
    request: Any = environ.get("werkzeug.request")
    if request is None or not length.isdigit() or int(length) > MAX_BODY_BYTES:
        return ""
    read = type_internals.dict_getter(type(request))
    fields: dict[str, Any] = {} if read is None else read(request)
    form: Any = fields.get("form")
    cached = fields.get("_cached_json")
    parsed = cached[0] if type(cached) is tuple and cached else None
    if issubclass(type(form), dict) and dict.__len__(form):
        parsed = form
    return safe_repr.format_value(parsed) if issubclass(type(parsed), (dict, list)) else ""


def _decode_text(value: object) -> str:
    """Return *value* of an environ, whose bytes are decoded as Latin-1 by PEP 3333."""
    if type(value) is not str:
        return ""
    try:
        return value.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return value
