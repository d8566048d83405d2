"""What an answer of the server means: taken, refused, or to be tried again after a pause.

An answer that says *taken* may ask for dear probes. Nothing else in it is read, and of those no
more than is bounded here: the server may be anybody.
"""

from __future__ import annotations

import json
import random
import time
from dataclasses import dataclass
from enum import Enum
from http.client import HTTPException
from typing import TYPE_CHECKING

from bugsly.protocol.evidence import Ask

if TYPE_CHECKING:
    from http.client import HTTPResponse

FIRST_PAUSE = 1.0
LONGEST_PAUSE = 60.0
LONGEST_RETRY_AFTER = 3600.0
LONGEST_QUOTE = 200
MOST_BODY = 65_536
"""Bytes of an answer's body that are read."""
LONGEST_BODY = 10.0
"""Seconds it may take."""
MOST_ASKS = 4
MOST_FILES = 20
LONGEST_WORD = 500
MOST_REQUESTS = 100_000
ASKED_TO_WAIT = frozenset({408, 425, 429})
REDIRECTED = "put that address into BUGSLY_DSN; until then samples wait in the worker"
UNTRUSTED = "give it a trusted one, or name its authority's file in SSL_CERT_FILE"


class Verdict(Enum):
    """What an answer means for the samples it answers; the value is what becomes of them."""

    TAKEN = ""
    REFUSED = "the samples are dropped, the next try is in a minute"
    AGAIN = "samples wait in the worker, up to 1 MB, until it answers"


@dataclass(frozen=True, slots=True)
class Reply:
    """What the server said: *status* 0 means that it said nothing we can read."""

    status: int
    problem: str = ""
    retry_after: float = 0.0
    advice: str = ""
    asks: tuple[Ask, ...] = ()
    pause_of_errors: float = 0.0
    """Seconds for which no events are wanted, whatever becomes of the rest."""

    @property
    def verdict(self) -> Verdict:
        """Return what it means; a redirect is not followed, and may be corrected."""
        if 200 <= self.status < 300:
            return Verdict.TAKEN
        if 400 <= self.status < 500 and self.status not in ASKED_TO_WAIT:
            return Verdict.REFUSED
        return Verdict.AGAIN

    @property
    def complaint(self) -> str:
        """Return the fact and what to do, for the log."""
        return f"{self.problem} → {self.advice or self.verdict.value}"


def pause_before(attempt: int, retry_after: float) -> float:
    """Return the seconds to wait before the *attempt*-th try in a row, 1 being the first retry."""
    if retry_after:
        return min(LONGEST_RETRY_AFTER, retry_after) * random.uniform(1.0, 1.1)
    ceiling: float = min(LONGEST_PAUSE, FIRST_PAUSE * 2 ** min(attempt - 1, 10))
    return ceiling * random.uniform(0.5, 1.0)


def read_reply(response: HTTPResponse) -> Reply:
    """Return what *response* means, read from its head alone but for asks."""
    limited = parse_limits(response.getheader("X-Sentry-Rate-Limits", ""))
    if 200 <= response.status < 300:
        return Reply(response.status, asks=parse_asks(_body(response)), pause_of_errors=limited)
    problem = f"it answered {response.status} {response.reason}".rstrip()
    location = response.getheader("Location")
    if 300 <= response.status < 400 and location:
        problem = f"{problem} and points to {location[:LONGEST_QUOTE]}"
        return Reply(response.status, problem, advice=REDIRECTED)
    told = response.getheader("X-Sentry-Error", "")[:LONGEST_QUOTE]
    fact, _, advice = told.partition(" -> ")
    problem = f"{problem} ({fact})" if fact else problem
    pause = _seconds(response.getheader("Retry-After"))
    return Reply(response.status, problem, pause, advice, pause_of_errors=limited)


def parse_limits(header: str) -> float:
    """Return the seconds for which *header*, as `60:error;transaction:key`, wants no errors.

    No category means all of them.
    """
    pauses = [0.0]
    for limit in header[:LONGEST_WORD].split(","):
        seconds, _, rest = limit.strip().partition(":")
        categories = rest.partition(":")[0].split(";")
        if seconds and {"error", ""} & set(categories):
            pauses.append(min(LONGEST_RETRY_AFTER, _seconds(seconds)))
    return max(pauses)


def no_reply(error: Exception) -> Reply:
    """Return what it means that *error* came instead of an answer."""
    untrusted = getattr(error, "verify_message", "")
    if untrusted:
        return Reply(0, f"its certificate is not trusted ({untrusted})", advice=UNTRUSTED)
    return Reply(0, str(error) or type(error).__name__)


def parse_asks(body: bytes) -> tuple[Ask, ...]:
    """Return the asks in *body*, JSON as `{"ask": [{"id": 3, "probe": "trim"}]}`, if it is that."""
    try:
        told = json.loads(body)
    except (ValueError, RecursionError):
        return ()
    asks = told.get("ask") if isinstance(told, dict) else None
    if not isinstance(asks, list):
        return ()
    parsed = [_ask(one) for one in asks[:MOST_ASKS] if isinstance(one, dict)]
    return tuple(one for one in parsed if one is not None)


def _ask(told: dict[str, object]) -> Ask | None:
    number, probe = told.get("id"), told.get("probe")
    if type(number) is not int or not 0 < number < 2**63 or not isinstance(probe, str):
        return None
    files, requests = told.get("files"), told.get("requests")
    words = files[:MOST_FILES] if isinstance(files, list) else []
    return Ask(
        id=number,
        probe=probe[:LONGEST_WORD],
        files=tuple(word for word in words if isinstance(word, str) and len(word) <= LONGEST_WORD),
        requests=max(0, min(requests, MOST_REQUESTS)) if type(requests) is int else 0,
    )


def _body(response: HTTPResponse) -> bytes:
    """Return the body of *response*, nothing of one that is too long, too slow or broken off."""
    deadline = time.monotonic() + LONGEST_BODY
    body = b""
    try:
        while piece := response.read1(MOST_BODY):
            body += piece
            if len(body) > MOST_BODY or time.monotonic() > deadline:
                return b""
    except (OSError, HTTPException):
        return b""
    return body


def _seconds(header: str | None) -> float:
    try:
        return max(0.0, float(header or 0))
    except ValueError:
        return LONGEST_PAUSE
