"""Reads a reply of the server: accepted, refused, or to be retried after a pause.

A reply that accepts may request expensive probes. Nothing else of its body is read, and all of it
is bounded here: the server may be anybody.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPException
from typing import TYPE_CHECKING

from bugsly.protocol.evidence import ProbeRequest

if TYPE_CHECKING:
    from http.client import HTTPResponse

FIRST_RETRY_SECONDS = 1.0
MAX_RETRY_SECONDS = 60.0
MAX_RETRY_AFTER_SECONDS = 3600.0
MAX_QUOTE_LENGTH = 200
MAX_LOG_TEXT_LENGTH = 400
"""Characters of what the log says of a reply, and as many of what to do."""
MAX_BODY_BYTES = 65_536
"""Of a longer body nothing is used."""
MAX_BODY_SECONDS = 10.0
"""Seconds that reading a body may take."""
MAX_PROBE_REQUESTS = 4
MAX_REQUESTED_FILES = 20
MAX_STRING_LENGTH = 500
MAX_WINDOW_REQUESTS = 100_000
RETRYABLE_STATUSES = frozenset({408, 425, 429})
REDIRECT_REMEDY = "put that address into BUGSLY_DSN; until then samples wait in the worker"
UNTRUSTED_REMEDY = "give it a trusted one, or name its authority's file in SSL_CERT_FILE"


class DeliveryOutcome(Enum):
    """What a reply means for the samples that were sent; the value is what becomes of them."""

    ACCEPTED = ""
    REFUSED = "the samples are dropped, the next try is in a minute"
    RETRY = "samples wait in the worker, up to 1 MB, until it answers"


@dataclass(frozen=True, slots=True)
class ServerReply:
    """What the server replied; *status* 0 means that no reply could be read."""

    status: int
    problem: str = ""
    retry_after: float = 0.0
    remedy: str = ""
    probe_requests: tuple[ProbeRequest, ...] = ()
    errors_rate_limited_seconds: float = 0.0
    """Seconds for which the server wants no events, whatever becomes of the rest."""

    @property
    def outcome(self) -> DeliveryOutcome:
        """Return what it means; a redirect is not followed, but retried: it may be corrected."""
        if 200 <= self.status < 300:
            return DeliveryOutcome.ACCEPTED
        if 400 <= self.status < 500 and self.status not in RETRYABLE_STATUSES:
            return DeliveryOutcome.REFUSED
        return DeliveryOutcome.RETRY

    @property
    def log_message(self) -> str:
        """Return the fact and what to do, for the log of the app: escaped, and cut."""
        remedy = as_log_text(self.remedy) or self.outcome.value
        return f"{as_log_text(self.problem)} → {remedy}"


def as_log_text(text: str) -> str:
    """Return *text* on one line, with an escape for each character that does not print, and cut."""
    escaped = "".join(
        one if one.isprintable() else one.encode("unicode_escape").decode()
        for one in text[: MAX_LOG_TEXT_LENGTH + 1]
    )
    is_short = len(escaped) <= MAX_LOG_TEXT_LENGTH
    return escaped if is_short else f"{escaped[:MAX_LOG_TEXT_LENGTH]}…"


def retry_delay(attempt: int, retry_after: float) -> float:
    """Return the seconds to wait before the *attempt*-th try in a row, 1 being the first retry."""
    if retry_after:
        return min(MAX_RETRY_AFTER_SECONDS, retry_after) * random.uniform(1.0, 1.1)
    ceiling: float = min(MAX_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(attempt - 1, 10))
    return ceiling * random.uniform(0.5, 1.0)


def read_reply(response: HTTPResponse) -> ServerReply:
    """Return what *response* means; of its body only probe requests are read."""
    rate_limited_seconds = parse_rate_limits(response.getheader("X-Sentry-Rate-Limits", ""))
    if 200 <= response.status < 300:
        return ServerReply(
            response.status,
            probe_requests=parse_probe_requests(_read_body(response)),
            errors_rate_limited_seconds=rate_limited_seconds,
        )
    problem = f"it answered {response.status} {response.reason}".rstrip()
    location = response.getheader("Location")
    if 300 <= response.status < 400 and location:
        problem = f"{problem} and points to {location[:MAX_QUOTE_LENGTH]}"
        return ServerReply(response.status, problem, remedy=REDIRECT_REMEDY)
    sentry_error = response.getheader("X-Sentry-Error", "")[:MAX_QUOTE_LENGTH]
    fact, _, remedy = sentry_error.partition(" -> ")
    problem = f"{problem} ({fact})" if fact else problem
    retry_after = _parse_seconds(response.getheader("Retry-After"))
    return ServerReply(
        response.status,
        problem,
        retry_after,
        remedy,
        errors_rate_limited_seconds=rate_limited_seconds,
    )


def parse_rate_limits(header: str) -> float:
    """Return the seconds for which *header*, as `60:error;transaction:key`, forbids errors.

    No category means all of them.
    """
    pauses = [0.0]
    for limit in header[:MAX_STRING_LENGTH].split(","):
        seconds, _, rest = limit.strip().partition(":")
        categories = rest.partition(":")[0].split(";")
        if seconds and {"error", ""} & set(categories):
            pauses.append(min(MAX_RETRY_AFTER_SECONDS, _parse_seconds(seconds)))
    return max(pauses)


def reply_from_error(error: Exception) -> ServerReply:
    """Return what it means that *error* was raised instead of a reply."""
    untrusted = getattr(error, "verify_message", "")
    if untrusted:
        return ServerReply(
            0, f"its certificate is not trusted ({untrusted})", remedy=UNTRUSTED_REMEDY
        )
    return ServerReply(0, str(error) or type(error).__name__)


def parse_probe_requests(body: bytes) -> tuple[ProbeRequest, ...]:
    """Return the probe requests in *body*, JSON such as `{"ask": [{"id": 3, "probe": "trim"}]}`."""
    try:
        payload = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    requests = payload.get("ask") if isinstance(payload, dict) else None
    if not isinstance(requests, list):
        return ()
    parsed = [
        _parse_probe_request(one) for one in requests[:MAX_PROBE_REQUESTS] if isinstance(one, dict)
    ]
    return tuple(one for one in parsed if one is not None)


def _parse_probe_request(fields: dict[str, object]) -> ProbeRequest | None:
    request_id, probe = fields.get("id"), fields.get("probe")
    if type(request_id) is not int or not 0 < request_id < 2**63 or not isinstance(probe, str):
        return None
    files, requests = fields.get("files"), fields.get("requests")
    file_names = files[:MAX_REQUESTED_FILES] if isinstance(files, list) else []
    return ProbeRequest(
        id=request_id,
        probe=probe[:MAX_STRING_LENGTH],
        files=tuple(
            word for word in file_names if isinstance(word, str) and len(word) <= MAX_STRING_LENGTH
        ),
        requests=max(0, min(requests, MAX_WINDOW_REQUESTS)) if type(requests) is int else 0,
        by_hand=fields.get("by_hand") is True,
    )


def _read_body(response: HTTPResponse) -> bytes:
    """Return the body of *response*, b'' if it is too long, too slow or incomplete."""
    deadline = time.monotonic() + MAX_BODY_SECONDS
    body = b""
    try:
        while piece := response.read1(MAX_BODY_BYTES):
            body += piece
            if len(body) > MAX_BODY_BYTES or time.monotonic() > deadline:
                return b""
    except (OSError, HTTPException):
        return b""
    return body


def _parse_seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return MAX_RETRY_SECONDS
