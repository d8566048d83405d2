"""Finds one person in what is stored: by the id, name, mail or IP address an app knows them by."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import quote, quote_plus

import msgspec

from bugsly_server.errors import Misconfigured

MIN_DISTINCTIVE_LENGTH = 6
"""A shorter text, such as a number, may mean anything outside the fields of a user."""
MAX_LENGTH = 200
ERASED = "[erased]"
USER_FIELDS = ("id", "username", "email", "ip_address", "name")
SESSION_FIELD = "did"


class Identity:
    """What a person is known by; a distinctive one is found wherever it stands as a whole word."""

    def __init__(self, text: str) -> None:
        """Take *text*; raises `Misconfigured` where it is empty, long or not of one line."""
        self.text = text.strip()
        if not self.text or len(self.text) > MAX_LENGTH or not self.text.isprintable():
            raise Misconfigured(
                "user: no id, name, mail or IP address → write it as the app reports it"
            )
        self.is_distinctive = len(self.text) >= MIN_DISTINCTIVE_LENGTH
        self.spellings = tuple(sorted(_spellings(self.text), key=len, reverse=True))
        words = "|".join(map(re.escape, self.spellings))
        begin = r"(?:(?<![\w.+-])|(?<=\\[nrtbf]))"
        self._pattern = re.compile(rf"{begin}(?:{words})(?![\w-])(?!\.\w)", re.IGNORECASE)

    def is_user(self, user: Mapping[str, Any]) -> bool:
        """Return whether a field of *user*, as an event has it, is this person."""
        return any(self._equals(user.get(name)) for name in USER_FIELDS)

    def is_in(self, text: str) -> bool:
        """Return whether *text* names this person; never where they are not distinctive."""
        return self.is_distinctive and self._pattern.search(text) is not None

    def erased_from(self, text: str) -> str:
        """Return *text* without this person."""
        return self._pattern.sub(ERASED, text) if self.is_distinctive else text

    def is_in_payload(self, payload: bytes) -> bool:
        """Return whether an item that arrived, as JSON, is about this person or names them."""
        raw = _decoded(payload)
        if raw is None:
            return self.is_in(payload.decode(errors="replace"))
        user = raw.get("user") if isinstance(raw, dict) else None
        if isinstance(user, dict) and self.is_user(user):
            return True
        return any(
            self.is_in(text) or (key == SESSION_FIELD and self._equals(text))
            for key, text in _texts(raw)
        )

    def user_in(self, payload: bytes) -> str | None:
        """Return how the event in *payload* names its user, where that is this person."""
        raw = _decoded(payload)
        user = raw.get("user") if isinstance(raw, dict) else None
        if not isinstance(user, dict) or not self.is_user(user):
            return None
        return next((str(user[name]) for name in USER_FIELDS if user.get(name)), None)

    def _equals(self, value: object) -> bool:
        is_text = isinstance(value, str | int) and not isinstance(value, bool)
        return is_text and str(value).strip().casefold() == self.text.casefold()


def _spellings(text: str) -> set[str]:
    """Return *text* as it stands in texts, in JSON, and in URLs."""
    in_json = (json.dumps(text, ensure_ascii=is_ascii)[1:-1] for is_ascii in (True, False))
    return {text, *in_json, quote(text, safe=""), quote(text), quote_plus(text)}


def _decoded(payload: bytes) -> Any:
    try:
        return msgspec.json.decode(payload)
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def _texts(raw: object) -> Iterator[tuple[str, str]]:
    """Yield every text in *raw* with the key that it stands under; keys are texts too."""
    pending: list[tuple[str, object]] = [("", raw)]
    while pending:
        key, value = pending.pop()
        if isinstance(value, str):
            yield key, value
        elif isinstance(value, int) and key == SESSION_FIELD:
            yield key, str(value)
        elif isinstance(value, dict):
            yield from (("", name) for name in value)
            pending.extend(value.items())
        elif isinstance(value, list):
            pending.extend((key, one) for one in value)
