"""Turns the first report of an error by any hook into an event, and puts it into the outbox."""

from __future__ import annotations

import platform
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic, perf_counter_ns, time
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from bugsly.introspection import type_internals
from bugsly.probes import process
from bugsly.probes.errors.exception_chain import exceptions_of, traceback_of
from bugsly.probes.errors.frames import innermost_line
from bugsly.probes.errors.rate_limit import ErrorRateLimiter
from bugsly.probes.errors.request_context import read_request
from bugsly.probes.errors.safe_repr import MAX_VALUES_LENGTH, SafeRepr
from bugsly.probes.errors.timed_texts import NO_TEXTS, TimedTexts
from bugsly.protocol.event import CapturedEvent

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from bugsly.event_outbox import EventOutbox
    from bugsly.guard import Guard
    from bugsly.probes.errors.scope import ScopeFinder
    from bugsly.probes.errors.timed_texts import TextSource

EXIT_EXCEPTIONS = frozenset({"KeyboardInterrupt", "SystemExit", "GeneratorExit", "GreenletExit"})
"""Exceptions that end a program and are no errors; the last one is gevent's."""
EVENT_MARK = "__bugsly__"
"""Attribute of an exception with the id of its event and the time of its capture."""
MAX_MESSAGE_LENGTH = 2_000
MAX_NAME_LENGTH = 200
EVENT_OVERHEAD_BYTES = 4_000
"""Assumed size of an event without the texts in it."""
_capturing: ContextVar[bool] = ContextVar("bugsly.busy", default=False)


class CapturedMessage(NamedTuple):
    """A message, alone or with an exception."""

    message: str = ""
    template: str = ""
    level: str = "error"
    logger: str = ""
    location: str = ""
    """Such as `shop/views.py:31 in checkout`."""
    source: TextSource | None = None
    """Makes a better message than `message`, once the event is admitted."""

    def read(self, timed_texts: TimedTexts) -> str:
        """Return the message; `message` and why, where the better one cannot be made."""
        if self.source is None:
            return self.message[:MAX_MESSAGE_LENGTH]
        (made,) = timed_texts.read([self.source])
        return (f"{self.message} {made}" if made in NO_TEXTS else made)[:MAX_MESSAGE_LENGTH]


NO_MESSAGE = CapturedMessage()


class CaptureContext(NamedTuple):
    """Which hook captures an error, and in what request."""

    hook: str
    handled: bool = False
    endpoint: str = ""
    environ: WSGIEnvironment | None = None
    """Of a request that the middleware does not track."""


class AgentCallbacks(NamedTuple):
    """What the reporter calls in the agent: may it report, wake the sender, the worker's id."""

    may_report: Callable[[], bool]
    wake: Callable[[], None]
    worker_id: Callable[[], str]


@contextmanager
def reentrancy_guard() -> Iterator[bool]:
    """Yield whether to capture: not while this thread is capturing already."""
    if _capturing.get():
        yield False
        return
    token = _capturing.set(True)
    try:
        yield True
    finally:
        _capturing.reset(token)


class ErrorReporter:
    """Captures the errors of one process; an exception is one event, however many hooks see it."""

    def __init__(
        self,
        outbox: EventOutbox,
        scopes: ScopeFinder,
        agent: AgentCallbacks,
        guard: Guard,
        *,
        send_locals: bool,
    ) -> None:
        self._outbox = outbox
        self._agent = agent
        self.guard = guard
        self._send_locals = send_locals
        self._rate_limiter = ErrorRateLimiter(monotonic)
        self._timed_texts = TimedTexts()
        self.scopes = scopes

    @property
    def rate_limited(self) -> int:
        """Return how many errors the rate limit dropped."""
        return self._rate_limiter.rate_limited

    def capture_exception(
        self,
        error: BaseException | None,
        context: CaptureContext,
        message: CapturedMessage = NO_MESSAGE,
    ) -> str:
        """Report *error*; return the id of its event, empty if there is none."""
        with reentrancy_guard() as may_capture, self.guard:
            if may_capture and error is not None and not _is_exit(type(error)):
                return self._capture_once(error, context, message)
        return ""

    def capture_message(self, message: CapturedMessage, context: CaptureContext) -> str:
        """Report a message without an exception."""
        with reentrancy_guard() as may_capture, self.guard:
            if may_capture and self._agent.may_report():
                kind = (message.logger, (message.template or message.message)[:MAX_NAME_LENGTH])
                rate_limited = self._rate_limiter.admit(kind)
                if rate_limited is not None:
                    return self._report(None, context, message, rate_limited)
        return ""

    def _capture_once(
        self, error: BaseException, context: CaptureContext, message: CapturedMessage
    ) -> str:
        request = self.scopes.current_request()
        mark = _read_mark(error)
        if mark is not None and (request is None or mark[1] >= request.begun):
            return mark[0]
        if not self._agent.may_report():
            return ""
        rate_limited = self._rate_limiter.admit(
            (type_internals.full_name(type(error)), innermost_line(traceback_of(error)))
        )
        event = "" if rate_limited is None else self._report(error, context, message, rate_limited)
        _set_mark(error, event)
        return event

    def _report(
        self,
        error: BaseException | None,
        context: CaptureContext,
        message: CapturedMessage,
        rate_limited: int,
    ) -> str:
        scope = self.scopes.find()
        request = self.scopes.current_request()
        environ = context.environ if request is None else request.environ
        safe_repr = SafeRepr() if self._send_locals else None
        event = CapturedEvent(
            id=uuid4().hex,
            at=time(),
            level=message.level,
            hook=context.hook,
            handled=context.handled,
            message=message.read(self._timed_texts),
            template=message.template[:MAX_MESSAGE_LENGTH],
            logger=message.logger[:MAX_NAME_LENGTH],
            endpoint=context.endpoint if request is None else request.endpoint,
            user="" if scope is None else scope.user,
            thrown=() if error is None else exceptions_of(error, safe_repr, self._timed_texts),
            crumbs=() if scope is None else scope.crumbs,
            asked=None if environ is None else read_request(environ, safe_repr),
            contexts=self._contexts(environ, message, rate_limited),
        )
        self._outbox.put(event, _event_bytes(event, safe_repr))
        self._agent.wake()
        return event.id

    def _contexts(
        self, environ: WSGIEnvironment | None, message: CapturedMessage, rate_limited: int
    ) -> dict[str, dict[str, object]]:
        agent_context: dict[str, object] = {
            "worker": self._agent.worker_id(),
            "memory": process.read_memory().anonymous,
        }
        if rate_limited:
            agent_context["held_back"] = rate_limited
        if message.location:
            agent_context["where"] = message.location
        if environ is None:
            agent_context["thread"] = threading.current_thread().name[:100]
        runtime: dict[str, object] = {
            "name": platform.python_implementation(),
            "version": platform.python_version(),
        }
        return {"runtime": runtime, "bugsly": agent_context}


def _is_exit(kind: type) -> bool:
    return any(
        type_internals.qualname_of(base) in EXIT_EXCEPTIONS for base in type_internals.mro(kind)
    )


def _event_bytes(event: CapturedEvent, safe_repr: SafeRepr | None) -> int:
    texts = sum(len(one.value) + 300 * len(one.frames) for one in event.thrown)
    crumbs = sum(200 + len(one.message) for one in event.crumbs)
    return (
        EVENT_OVERHEAD_BYTES
        + texts
        + crumbs
        + (0 if safe_repr is None else MAX_VALUES_LENGTH - safe_repr.remaining_length)
    )


def _read_mark(error: BaseException) -> tuple[str, int] | None:
    read = type_internals.dict_getter(type(error))
    seen = None if read is None else dict.get(read(error), EVENT_MARK)
    return seen if type(seen) is tuple else None


def _set_mark(error: BaseException, event: str) -> None:
    read = type_internals.dict_getter(type(error))
    if read is not None:
        dict.__setitem__(read(error), EVENT_MARK, (event, perf_counter_ns()))
