"""Takes an error from whichever hook meets it first, and puts an event of it on the desk."""

from __future__ import annotations

import platform
import threading
from contextlib import contextmanager
from contextvars import ContextVar
from time import monotonic, perf_counter_ns, time
from typing import TYPE_CHECKING, NamedTuple
from uuid import uuid4

from bugsly.probes import process
from bugsly.probes.census import raw
from bugsly.probes.errors.chain import thrown_by, traceback_of
from bugsly.probes.errors.frames import innermost
from bugsly.probes.errors.request import asked
from bugsly.probes.errors.show import ROOM, Show
from bugsly.probes.errors.storm import Storm
from bugsly.protocol.event import Event

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from _typeshed.wsgi import WSGIEnvironment

    from bugsly.events import EventDesk
    from bugsly.guard import Guard
    from bugsly.probes.errors.scope import Scopes

LEAVING = frozenset({"KeyboardInterrupt", "SystemExit", "GeneratorExit", "GreenletExit"})
"""Exceptions that are no errors; the last one is gevent's."""
MARK = "__bugsly__"
"""Under which an exception keeps the id of its event and when it was made."""
LONGEST_MESSAGE = 2_000
LONGEST_NAME = 200
OVERHEAD = 4_000
"""Bytes of an event beside the texts in it."""
_busy: ContextVar[bool] = ContextVar("bugsly.busy", default=False)


class Said(NamedTuple):
    """A message, alone or with an exception."""

    message: str = ""
    template: str = ""
    level: str = "error"
    logger: str = ""
    where: str = ""
    """As `shop/views.py:31 in checkout`."""


NOTHING = Said()


class Caught(NamedTuple):
    """How an error was met."""

    hook: str
    handled: bool = False
    endpoint: str = ""
    environ: WSGIEnvironment | None = None
    """Of a request that is not followed."""


class Voice(NamedTuple):
    """What the agent of this process lends: whether it may speak, its word to send, its id."""

    ready: Callable[[], bool]
    wake: Callable[[], None]
    worker: Callable[[], str]


@contextmanager
def listening() -> Iterator[bool]:
    """Tell whether to listen: not to what code that we ask in this thread just now has to say."""
    if _busy.get():
        yield False
        return
    token = _busy.set(True)
    try:
        yield True
    finally:
        _busy.reset(token)


class Errors:
    """The errors of one process. Each exception becomes one event, however many hooks it passes."""

    def __init__(
        self, desk: EventDesk, scopes: Scopes, voice: Voice, guard: Guard, *, send_locals: bool
    ) -> None:
        self._desk = desk
        self._voice = voice
        self.guard = guard
        self._send_locals = send_locals
        self._storm = Storm(monotonic)
        self.scopes = scopes

    @property
    def held_back(self) -> int:
        """Return how many were not made events, being too many at once."""
        return self._storm.held_back

    def capture(self, error: BaseException | None, caught: Caught, said: Said = NOTHING) -> str:
        """Report *error*; return the id of its event, empty where none is made of it."""
        with listening() as may_listen, self.guard:
            if may_listen and error is not None and not _leaves(type(error)):
                return self._capture(error, caught, said)
        return ""

    def tell(self, said: Said, caught: Caught) -> str:
        """Report a message without an exception."""
        with listening() as may_listen, self.guard:
            if may_listen and self._voice.ready():
                kind = (said.logger, (said.template or said.message)[:LONGEST_NAME])
                held_back = self._storm.admit(kind)
                if held_back is not None:
                    return self._report(None, caught, said, held_back)
        return ""

    def _capture(self, error: BaseException, caught: Caught, said: Said) -> str:
        call = self.scopes.current()
        seen = _mark_of(error)
        if seen is not None and (call is None or seen[1] >= call.begun):
            return seen[0]
        if not self._voice.ready():
            return ""
        held_back = self._storm.admit((raw.full_name(type(error)), innermost(traceback_of(error))))
        event = "" if held_back is None else self._report(error, caught, said, held_back)
        _mark(error, event)
        return event

    def _report(
        self, error: BaseException | None, caught: Caught, said: Said, held_back: int
    ) -> str:
        scope = self.scopes.look()
        call = self.scopes.current()
        environ = caught.environ if call is None else call.environ
        show = Show() if self._send_locals else None
        event = Event(
            id=uuid4().hex,
            at=time(),
            level=said.level,
            hook=caught.hook,
            handled=caught.handled,
            message=said.message[:LONGEST_MESSAGE],
            template=said.template[:LONGEST_MESSAGE],
            logger=said.logger[:LONGEST_NAME],
            endpoint=caught.endpoint if call is None else call.endpoint,
            user="" if scope is None else scope.user,
            thrown=() if error is None else thrown_by(error, show),
            crumbs=() if scope is None else scope.crumbs,
            asked=None if environ is None else asked(environ, show),
            contexts=self._contexts(environ, said, held_back),
        )
        self._desk.put(event, _weight(event, show))
        self._voice.wake()
        return event.id

    def _contexts(
        self, environ: WSGIEnvironment | None, said: Said, held_back: int
    ) -> dict[str, dict[str, object]]:
        ours: dict[str, object] = {
            "worker": self._voice.worker(),
            "memory": process.read_memory().anonymous,
        }
        if held_back:
            ours["held_back"] = held_back
        if said.where:
            ours["where"] = said.where
        if environ is None:
            ours["thread"] = threading.current_thread().name[:100]
        runtime: dict[str, object] = {
            "name": platform.python_implementation(),
            "version": platform.python_version(),
        }
        return {"runtime": runtime, "bugsly": ours}


def _leaves(kind: type) -> bool:
    return any(raw.name_of(base) in LEAVING for base in raw.bases(kind))


def _weight(event: Event, show: Show | None) -> int:
    texts = sum(len(one.value) + 300 * len(one.frames) for one in event.thrown)
    crumbs = sum(200 + len(one.message) for one in event.crumbs)
    return OVERHEAD + texts + crumbs + (0 if show is None else ROOM - show.room)


def _mark_of(error: BaseException) -> tuple[str, int] | None:
    read = raw.dict_getter(type(error))
    seen = None if read is None else read(error).get(MARK)
    return seen if type(seen) is tuple else None


def _mark(error: BaseException, event: str) -> None:
    read = raw.dict_getter(type(error))
    if read is not None:
        read(error)[MARK] = (event, perf_counter_ns())
