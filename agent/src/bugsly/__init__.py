"""Bugsly's agent: tells a Bugsly server what each worker of a Flask app holds in memory, and why.

Nothing happens at import: no thread, no socket, no file. Everything here is standard library.
"""

from __future__ import annotations

from bugsly.version import __version__

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from _typeshed.wsgi import WSGIApplication

__all__ = [
    "__version__",
    "add_breadcrumb",
    "capture_exception",
    "capture_message",
    "flush",
    "init",
    "recycle_by",
    "set_user",
    "wsgi",
]


def init(  # noqa: PLR0913 - one argument a setting
    app: object | None = None,
    *,
    dsn: str | None = None,
    release: str | None = None,
    environment: str | None = None,
    server_name: str | None = None,
    sample_every: float | None = None,
    errors: bool | None = None,
    send_locals: bool | None = None,
    probes: str | None = None,
    library_sources: bool | None = None,
    recycle_at: str | None = None,
    recycle_age: float | None = None,
    recycles_per_hour: int | None = None,
) -> None:
    """Watch *app*, a Flask application, and the Gunicorn around it; without *app*, Gunicorn alone.

    Each argument defaults to its `BUGSLY_…` variable. Never raises: a wrong setting is one line
    in the log of `bugsly`, and the app runs unwatched. *sample_every* and *recycle_age* are in
    seconds, *recycle_at* is an amount of memory such as `400 MB` or `80%`.
    """
    arguments = locals().copy()
    from bugsly import bootstrap, settings

    bootstrap.init(app, settings.argument_texts(arguments))


def wsgi(application: WSGIApplication) -> WSGIApplication:
    """Return *application* with its traffic counted, for a WSGI app that is not Flask's."""
    from bugsly import bootstrap

    return bootstrap.wrap(application)


def recycle_by(leave: Callable[[], object], workers: int = 1) -> None:
    """Have the safety net end this worker, one of *workers*, by *leave*, under no Gunicorn.

    It is called once, on a thread of ours. It has to let the requests in progress be answered,
    and whatever serves the app has to start another worker then. Call this before the first
    request.
    """
    from bugsly import bootstrap

    bootstrap.recycle_by(leave, workers)


def capture_exception(error: BaseException | None = None) -> str:
    """Report *error*, or the exception being handled; return its event's id, or ''.

    One that a hook of ours has met already is not reported twice.
    """
    from bugsly import capture

    return capture.capture_exception(error)


def capture_message(text: str, level: str = "info") -> str:
    """Report *text*; *level* is fatal, error, warning, info or debug. Return the event's id."""
    from bugsly import capture

    return capture.capture_message(text, level)


def add_breadcrumb(
    message: str,
    *,
    category: str = "",
    level: str = "info",
    details: Mapping[str, object] | None = None,
) -> None:
    """Note what happens in this request or thread; an error there is reported with it."""
    from bugsly import capture

    capture.add_breadcrumb(message, category, level, details)


def set_user(user: object) -> None:
    """Name who asks in this request or thread, by an id of yours; None takes it back."""
    from bugsly import capture

    capture.set_user(user)


def flush(timeout: float = 2.0) -> bool:
    """Send what is waiting; return whether all of it was acknowledged within *timeout* seconds."""
    from bugsly import bootstrap

    agent = bootstrap.current()
    return agent is None or agent.flush(timeout)
