"""Bugsly's agent: tells a Bugsly server what each worker of a Flask app holds in memory, and why.

Nothing happens at import: no thread, no socket, no file. Everything here is standard library.
"""

from __future__ import annotations

TYPE_CHECKING = False  # type checkers know the name; importing typing costs 5 ms

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

__all__ = ["__version__", "flush", "init", "wsgi"]

__version__ = "0.1.0"


def init(
    app: object | None = None,
    *,
    dsn: str | None = None,
    release: str | None = None,
    environment: str | None = None,
    server_name: str | None = None,
    sample_every: float | None = None,
) -> None:
    """Watch *app*, a Flask application, and the Gunicorn around it; without *app*, Gunicorn alone.

    Each argument defaults to its `BUGSLY_…` variable. Never raises: a wrong setting is one line
    in the log of `bugsly`, and the app runs unwatched. *sample_every* is in seconds.
    """
    from bugsly import agent

    given = {
        "dsn": dsn,
        "release": release,
        "environment": environment,
        "server_name": server_name,
        "sample_every": sample_every,
    }
    agent.init(app, {name: str(value) for name, value in given.items() if value is not None})


def wsgi(application: WSGIApplication) -> WSGIApplication:
    """Return *application* with its traffic counted, for a WSGI app that is not Flask's."""
    from bugsly import agent

    return agent.wrap(application)


def flush(timeout: float = 2.0) -> bool:
    """Send what is waiting; return whether all of it was acknowledged within *timeout* seconds."""
    from bugsly import agent

    running = agent.current()
    return running is None or running.flush(timeout)
