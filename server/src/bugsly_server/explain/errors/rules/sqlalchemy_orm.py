"""Explains errors of SQLAlchemy's pool, sessions and mapped objects."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch
from bugsly_server.model.diagnosis import Cause


def tie_to_pool_leak(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Tie it to the open leak of that pool."""
    for leak in raised.context.leaks:
        if leak.cause is Cause.UNRETURNED_CONNECTION:
            site = quoted(leak.site) or "a line not yet known"
            endpoint_phrase = f" by `{quoted(leak.endpoint)}`" if leak.endpoint else ""
            return RuleMatch(
                phrases={
                    "tied": f"Connections are taken at `{site}`{endpoint_phrase} and not returned: see"
                    f" issue {leak.issue}.",
                    "advice": f"Fix `{site}` first: take the connection in a `with` block. ",
                },
                confidence=0.98,
            )
    return RuleMatch(
        phrases={
            "tied": "Either connections are not returned, or queries hold them too long for the"
            " load.",
            "advice": "Look for connections and sessions opened without `with`. ",
        }
    )


RULES = (
    ErrorRule(
        slug="pool-exhausted",
        exception_types=("TimeoutError",),
        pattern=r"^QueuePool limit of size (?P<size>\d+) overflow (?P<overflow>\d+) reached, connection timed"
        r" out, timeout (?P<seconds>[\d.]+)",
        title="All connections of the pool ({size} + {overflow} overflow) are in use",
        what="{line} waited {seconds} s for a database connection, and none was returned.",
        why="{tied}",
        fix="{advice}{at} only happened to be the next to need one. Do not call slow services while you hold"
        " a connection. A larger pool helps only if all connections are returned in time.",
        unless="the pool is smaller than the number of threads per worker.",
        confidence=0.92,
        examine=tie_to_pool_leak,
    ),
    ErrorRule(
        slug="object-detached",
        exception_types=("DetachedInstanceError",),
        pattern=r"Instance <(?P<owner>\w+)[^>]{0,200}> is not bound to a Session|Parent instance <(?P<parent>\w+)",
        title="A `{owner}{parent}` is read after its session was closed",
        what="{line} reads an attribute of a `{owner}{parent}` that was not loaded, and its session is closed.",
        why="Relationships, and attributes that expired at the commit, are loaded when they are first read, which"
        " needs a session. Threads, caches and templates that are rendered later have none.",
        fix="Load what is needed before the session closes (`selectinload(…)`), pass ids instead of"
        " objects, or use `expire_on_commit=False`; at {at}.",
        unless="the object was never stored at all.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="session-broken",
        exception_types=("PendingRollbackError", "InvalidRequestError"),
        pattern=r"transaction has been rolled back due to a previous exception|Can't reconnect until invalid"
        r" transaction",
        title="The session is used after an error, without a rollback",
        why="An earlier flush or query failed, the code caught the error, and then used the session again. The"
        " first error is the one to fix.",
        fix="Call `session.rollback()` where the error is caught, or use `with session.begin():`; end the"
        " session with each request (`scoped_session.remove()` in teardown). It came up at {at}.",
        unless="threads share the session: then each needs its own.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="no-row",
        exception_types=("NoResultFound",),
        title="A query for exactly one row found none",
        what="{line} expects one row, and there is none.",
        why="`one()` raises this when nothing matches: the row was deleted or never existed. Often the id comes"
        " from a URL.",
        fix="Use `one_or_none()` and `abort(404)`, or `first_or_404()`, at {at}.",
        unless="the row must exist: then find what deletes it.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="many-rows",
        exception_types=("MultipleResultsFound",),
        title="A query for exactly one row found several",
        what="{line} expects one row, and there are more.",
        why="The rows are not unique: there is no unique constraint, or a join multiplies rows.",
        fix="Add a unique constraint (and clean up first), narrow the query, or use `first()`; at {at}.",
        unless="several rows are fine: then read all of them.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="object-gone",
        exception_types=("ObjectDeletedError", "StaleDataError"),
        title="A row was deleted or changed by another transaction",
        why="The session still holds an object, but its row is gone or has another version.",
        fix="At {at}, read it again and answer with a 409 or 404; do not keep objects across a commit.",
        unless="the same session deleted the row earlier.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="statement-not-built",
        exception_types=("StatementError",),
        pattern=r"^\((?P<cause>[\w.]+)\) (?P<fault>.*)",
        title="A value cannot be sent to the database: {fault}",
        what="{line} could not be sent to the database.",
        why="A value does not have the column's type: text for a date, an object for an id. ({cause})",
        fix="Convert the value before {at}, for example with `datetime.fromisoformat(…)`.",
        unless="the type in the model is wrong.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="type-not-bindable",
        exception_types=("InterfaceError", "ProgrammingError"),
        pattern=r"[Ee]rror binding parameter (?P<which>\S{1,60}?)[ :-].{0,120}type '?(?P<kind>\w+)'? is not supported"
        r"|can't adapt type '(?P<pg>\w+)'",
        title="The database cannot store a `{kind}{pg}`",
        why="A whole object was passed where a single value is expected.",
        fix="Pass its id or a converted value at {at}; lists and dicts need a JSON column.",
        unless="an adapter for the type can be registered with the driver.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="no-such-entity",
        exception_types=("InvalidRequestError", "ArgumentError"),
        pattern=r"expression '(?P<name>\w+)' failed to locate a name|Entity namespace for \"(?P<table>[^\"]+)\""
        r" has no property \"(?P<attribute>\w+)\"",
        title="SQLAlchemy does not know `{name}{attribute}`",
        why="The name is misspelt, or the module with that model has not been imported yet.",
        fix="Import all models before the first query, or correct the name that {at} uses.",
        unless="there are two declarative bases: models of one do not see those of the other.",
        confidence=0.9,
    ),
)
