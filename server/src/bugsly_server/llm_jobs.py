"""Asks the model while pages wait: one question of an issue at a time, a few at once."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass
from typing import TypeVar

import msgspec
from sqlalchemy.exc import DBAPIError

from bugsly_server.clock import Clock, Micros
from bugsly_server.egress.address_guard import Network
from bugsly_server.explain.llm.answer import LlmAnswer, limit_confidence
from bugsly_server.explain.llm.question import LlmQuestion
from bugsly_server.llm_client import LlmEndpoint, request_explanation
from bugsly_server.store.meta import llm_answers as stored_answers
from bugsly_server.store.meta.database import Database

K = TypeVar("K")
V = TypeVar("V")
MAX_CONCURRENT_JOBS = 3
MAX_REMEMBERED = 50
"""Offered questions, and as many latest jobs."""
MAX_ANSWER_BYTES = 32 * 1024
"""Good answers have about two thousand."""
BUSY = f"model: {MAX_CONCURRENT_JOBS} other questions are in progress → ask again in a minute"
TOO_LONG = "model: its answer is too long → try another model"
INTERRUPTED = "model: the question was interrupted → see the server's log"


@dataclass(frozen=True, slots=True, kw_only=True)
class OfferedQuestion:
    """A question that a page shows, for a person to read before it is asked."""

    issue_id: int
    subject: str
    """The id of its event, in hexadecimal digits; empty for a leak."""
    question: LlmQuestion


@dataclass(slots=True, kw_only=True)
class LlmJob:
    """A question that was asked, and the progress of its answer."""

    offer: OfferedQuestion
    characters: int = 0
    """Received so far."""
    problem: str = ""
    """Why there is no answer."""
    is_running: bool = True

    @property
    def progress(self) -> str:
        """Return a sentence for the person who waits."""
        if not self.characters:
            return "The model reads the question. It may take up to two minutes."
        return f"The model answers: {self.characters:,} characters so far."


class LlmJobs:
    """The questions of all pages; only what a page has shown is asked."""

    def __init__(
        self,
        endpoint: LlmEndpoint,
        allowed_networks: tuple[Network, ...],
        database: Database,
        clock: Clock,
    ) -> None:
        self.endpoint = endpoint
        self._allowed_networks = allowed_networks
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._offers: OrderedDict[tuple[int, str], OfferedQuestion] = OrderedDict()
        self._jobs: OrderedDict[int, LlmJob] = OrderedDict()

    def offer_question(self, offer: OfferedQuestion) -> str:
        """Remember what a page shows, and return the key to `start` it by."""
        key = offer.question.cache_key(self.endpoint.model)
        with self._lock:
            _remember(self._offers, (offer.issue_id, key), offer)
        return key

    def latest_answer(
        self, offer: OfferedQuestion, key: str
    ) -> tuple[LlmAnswer, Micros, bool] | None:
        """Return the latest answer, its time, and whether it answers this very question."""
        with self._database.reading() as connection:
            found = stored_answers.find(connection, key, offer.issue_id, offer.subject)
        if found is None:
            return None
        answer = limit_confidence(msgspec.json.decode(found.body, type=LlmAnswer))
        return answer, found.at, found.key == key

    def latest_job(self, issue_id: int) -> LlmJob | None:
        """Return the latest job of an issue, unless that is long ago."""
        return self._jobs.get(issue_id)

    def start(self, issue_id: int, key: str) -> None:
        """Ask what was offered, unless a question of the same issue is running."""
        with self._lock:
            offer = self._offers.get((issue_id, key))
            running = [number for number, turn in self._jobs.items() if turn.is_running]
            if offer is None or issue_id in running:
                return
            job = LlmJob(offer=offer)
            _remember(self._jobs, issue_id, job)
            if len(running) >= MAX_CONCURRENT_JOBS:
                job.problem, job.is_running = BUSY, False
                return
        threading.Thread(target=self._run, args=(job, key), name="llm job", daemon=True).start()

    def _run(self, job: LlmJob, key: str) -> None:
        problem = INTERRUPTED
        try:
            problem = self._request_answer(job, key)
        finally:
            job.problem, job.is_running = problem, False

    def _request_answer(self, job: LlmJob, key: str) -> str:
        """Ask, and store the answer; return why there is none, or ''."""

        def on_progress(characters: int) -> None:
            job.characters = characters

        guard = self.endpoint.address_guard(self._allowed_networks)
        answer = request_explanation(job.offer.question, self.endpoint, guard, on_progress)
        body = msgspec.json.encode(answer)
        if answer.problem or len(body) > MAX_ANSWER_BYTES:
            return answer.problem or TOO_LONG
        row = stored_answers.StoredLlmAnswer(
            key, job.offer.issue_id, job.offer.subject, self._clock(), body
        )
        try:
            with self._database.writing() as connection:
                stored_answers.save(connection, row)
        except DBAPIError as error:
            return f"model: its answer cannot be stored ({error.orig}) → make room, and ask again"
        return ""


def _remember(entries: OrderedDict[K, V], key: K, value: V) -> None:
    """Put *value* last, and drop the first where there are too many."""
    entries[key] = value
    entries.move_to_end(key)
    if len(entries) > MAX_REMEMBERED:
        entries.popitem(last=False)
