"""Puts questions to the model while pages wait: one of an issue at a time, a few at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from sqlalchemy.exc import DBAPIError

from bugsly_server.adviser import Endpoint, advise
from bugsly_server.alert.address_guard import Network
from bugsly_server.clock import Clock, Micros
from bugsly_server.explain.assisted.answer import Advice
from bugsly_server.explain.assisted.question import Question
from bugsly_server.store.meta import advice as kept
from bugsly_server.store.meta.database import Database

K = TypeVar("K")
V = TypeVar("V")
MOST_AT_ONCE = 3
MOST_REMEMBERED = 50
"""Questions that pages show, and the latest of those that were put."""
LARGEST = 32 * 1024
"""Bytes of an answer; good ones have two thousand."""
BUSY = f"model: {MOST_AT_ONCE} other questions are with it → ask again in a minute"
TOO_LONG = "model: its answer is too long → try another model"
BROKEN_OFF = "model: the question broke off → see the server's log"


@dataclass(frozen=True, slots=True, kw_only=True)
class Offer:
    """A question that a page shows, for a person to read before it is put."""

    issue_id: int
    subject: str
    """The event that it is about, in hexadecimal digits; empty for a leak."""
    question: Question


@dataclass(slots=True, kw_only=True)
class Turn:
    """A question that was put, and how far its answer is."""

    offer: Offer
    characters: int = 0
    """That have come."""
    problem: str = ""
    """Why there is no answer."""
    is_running: bool = True

    @property
    def progress(self) -> str:
        """Return a sentence for those who wait."""
        if not self.characters:
            return "The model reads the question. It may take up to two minutes."
        return f"The model answers: {self.characters:,} characters so far."


class Counsel:
    """The questions of all pages; what is put is exactly what a page has shown."""

    def __init__(
        self, endpoint: Endpoint, allowed: tuple[Network, ...], database: Database, clock: Clock
    ) -> None:
        self.endpoint = endpoint
        self._allowed = allowed
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._offers: OrderedDict[tuple[int, str], Offer] = OrderedDict()
        self._turns: OrderedDict[int, Turn] = OrderedDict()

    def offer(self, offer: Offer) -> str:
        """Remember what a page shows, and return the key that it is put by."""
        key = offer.question.key(self.endpoint.model)
        with self._lock:
            _remember(self._offers, (offer.issue_id, key), offer)
        return key

    def answer(self, offer: Offer, key: str) -> tuple[Advice, Micros, bool] | None:
        """Return the latest answer, when it came, and whether it is to this very question."""
        with self._database.reading() as connection:
            found = kept.find(connection, key, offer.issue_id, offer.subject)
        if found is None:
            return None
        return msgspec.json.decode(found.body, type=Advice), found.at, found.key == key

    def turn(self, issue_id: int) -> Turn | None:
        """Return the latest question of an issue that was put, unless that is long ago."""
        return self._turns.get(issue_id)

    def put(self, issue_id: int, key: str) -> None:
        """Put what was offered, unless a question of its issue is with the model already."""
        with self._lock:
            offer = self._offers.get((issue_id, key))
            running = [number for number, turn in self._turns.items() if turn.is_running]
            if offer is None or issue_id in running:
                return
            turn = Turn(offer=offer)
            _remember(self._turns, issue_id, turn)
            if len(running) >= MOST_AT_ONCE:
                turn.problem, turn.is_running = BUSY, False
                return
        threading.Thread(target=self._run, args=(turn, key), name="counsel", daemon=True).start()

    def _run(self, turn: Turn, key: str) -> None:
        problem = BROKEN_OFF
        try:
            problem = self._ask(turn, key)
        finally:
            turn.problem, turn.is_running = problem, False

    def _ask(self, turn: Turn, key: str) -> str:
        """Ask, and keep the answer; return why there is none, or ''."""

        def heard(characters: int) -> None:
            turn.characters = characters

        guard = self.endpoint.guard(self._allowed)
        advice = advise(turn.offer.question, self.endpoint, guard, heard)
        body = msgspec.json.encode(advice)
        if advice.problem or len(body) > LARGEST:
            return advice.problem or TOO_LONG
        row = kept.Kept(key, turn.offer.issue_id, turn.offer.subject, self._clock(), body)
        try:
            with self._database.writing() as connection:
                kept.keep(connection, row)
        except DBAPIError as error:
            return f"model: its answer cannot be kept ({error.orig}) → make room, and ask again"
        return ""


def _remember(those: OrderedDict[K, V], key: K, value: V) -> None:
    """Put *value* last, and forget the first where there are too many."""
    those[key] = value
    those.move_to_end(key)
    if len(those) > MOST_REMEMBERED:
        those.popitem(last=False)
