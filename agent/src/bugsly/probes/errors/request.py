"""Writes down the request that was being answered, from what is in memory of it already."""

from __future__ import annotations

from itertools import islice
from typing import TYPE_CHECKING, Any

from bugsly.guard import answer_of
from bugsly.protocol.event import Asked
from bugsly.redact import GONE, is_secret_name

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIEnvironment

    from bugsly.probes.errors.show import Show

LONGEST_URL = 2_000
LONGEST_HEADER = 500
MOST_HEADERS = 50
LARGEST_BODY = 10_000
"""Bytes of a body that is told."""
PERSONAL = frozenset(
    {"Forwarded", "X-Forwarded-For", "X-Real-Ip", "Cf-Connecting-Ip", "True-Client-Ip"}
)
"""Headers that name the person who asks."""
BODIES = ("form", "_cached_json")
"""Where Werkzeug keeps a body that the application had parsed."""


def asked(environ: WSGIEnvironment, show: Show | None) -> Asked:
    """Return the request of *environ*; its body only where it was parsed and is small."""
    path = _text(environ.get("SCRIPT_NAME")) + _text(environ.get("PATH_INFO"))
    host = _text(environ.get("HTTP_HOST") or environ.get("SERVER_NAME"))
    return Asked(
        method=_text(environ.get("REQUEST_METHOD"))[:20],
        url=f"{_text(environ.get('wsgi.url_scheme'))}://{host}{path}"[:LONGEST_URL],
        query=_text(environ.get("QUERY_STRING"))[:LONGEST_URL],
        headers=dict(islice(_headers(environ).items(), MOST_HEADERS)),
        body="" if show is None else _body(environ, show),
    )


def _headers(environ: WSGIEnvironment) -> dict[str, str]:
    headers = {}
    for name, value in list(environ.items()):
        if name.startswith("HTTP_") or name in {"CONTENT_TYPE", "CONTENT_LENGTH"}:
            header = name.removeprefix("HTTP_").replace("_", "-").title()
            if header not in PERSONAL and value:
                headers[header] = GONE if is_secret_name(header) else _text(value)[:LONGEST_HEADER]
    return headers


def _body(environ: WSGIEnvironment, show: Show) -> str:
    length = _text(environ.get("CONTENT_LENGTH"))
    request: Any = environ.get("werkzeug.request")
    if request is None or not length.isdigit() or int(length) > LARGEST_BODY:
        return ""
    kept: dict[str, Any] = answer_of(lambda: vars(request), {})
    parsed = next((kept[name] for name in BODIES if kept.get(name)), None)
    if parsed is kept.get("_cached_json") and type(parsed) is tuple:
        parsed = parsed[0]
    return show.value(parsed) if issubclass(type(parsed), (dict, list)) else ""


def _text(value: object) -> str:
    """Return *value* of an environ, whose bytes PEP 3333 wants as Latin-1."""
    if type(value) is not str:
        return ""
    try:
        return value.encode("latin-1").decode("utf-8", "replace")
    except UnicodeEncodeError:
        return value
