"""SQLAlchemy's pool, its sessions and its objects."""

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
                    "tied": f"Connections are taken at `{site}`{endpoint_phrase} and not given back: issue"
                    f" {leak.issue} is open about it.",
                    "advice": f"Mend `{site}` first: take the connection in a `with` block. ",
                },
                confidence=0.98,
            )
    return RuleMatch(
        phrases={
            "tied": "Either connections are not given back, or queries hold them too long for the"
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
        title="All connections of the pool ({size} and {overflow} more) are taken",
        what="{line} waited {seconds} s for a database connection, and none came back.",
        why="{tied}",
        fix="{advice}{at} is only who came last. Do not call slow services while a connection is held."
        " A larger pool helps only where all come back in time.",
        unless="the pool is smaller than the number of threads of a worker.",
        confidence=0.92,
        examine=tie_to_pool_leak,
    ),
    ErrorRule(
        slug="object-detached",
        exception_types=("DetachedInstanceError",),
        pattern=r"Instance <(?P<owner>\w+)[^>]*> is not bound to a Session|Parent instance <(?P<parent>\w+)",
        title="A `{owner}{parent}` is read after its session was closed",
        what="{line} reads something of a `{owner}{parent}` that was not loaded, and its session is gone.",
        why="Attributes that expired at the commit, and relations, are loaded when they are first read; that"
        " takes a session. Threads, caches and templates rendered later have none.",
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
        title="The session is used on after an error, without a rollback",
        why="An earlier flush or query failed, somebody caught it, and the session was used again. The"
        " first error is the one to mend.",
        fix="Call `session.rollback()` where the error is caught, or use `with session.begin():`; end the"
        " session with each request (`scoped_session.remove()` in teardown). It showed at {at}.",
        unless="the session is shared by threads: then each needs its own.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="no-row",
        exception_types=("NoResultFound",),
        title="A query for exactly one row found none",
        what="{line} asked for one row, and there is none.",
        why="`one()` raises where nothing matches: it was deleted, or never there; often an id from a URL.",
        fix="Use `one_or_none()` and `abort(404)`, or `first_or_404()`, at {at}.",
        unless="the row must be there: then see who deletes it.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="many-rows",
        exception_types=("MultipleResultsFound",),
        title="A query for exactly one row found several",
        what="{line} asked for one row, and there are more.",
        why="What is thought to be unique is not: there is no unique constraint, or a join multiplies rows.",
        fix="Add a unique constraint (and clean up first), narrow the query, or use `first()`; at {at}.",
        unless="several are fine: then ask for all.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="object-gone",
        exception_types=("ObjectDeletedError", "StaleDataError"),
        title="A row was deleted or changed by somebody else meanwhile",
        why="The session still holds an object whose row is gone, or whose version is not the one it read.",
        fix="Read it anew and answer 409 or 404; do not keep objects over a commit; at {at}.",
        unless="the row was deleted in the same session before.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="statement-not-built",
        exception_types=("StatementError",),
        pattern=r"^\((?P<cause>[\w.]+)\) (?P<fault>.*)",
        title="A value cannot be given to the database: {fault}",
        what="{line} could not be sent to the database.",
        why="A value is not of the column's type: text for a date, an object for an id. ({cause})",
        fix="Convert the value before {at}, as with `datetime.fromisoformat(…)`.",
        unless="the model's type is what is wrong.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="type-not-bindable",
        exception_types=("InterfaceError", "ProgrammingError"),
        pattern=r"[Ee]rror binding parameter (?P<which>\S+?)[ :-].*type '?(?P<kind>\w+)'? is not supported"
        r"|can't adapt type '(?P<pg>\w+)'",
        title="The database cannot store a `{kind}{pg}`",
        why="A whole object was given where a single value is expected.",
        fix="Give its id or a converted value at {at}; lists and dicts need a JSON column.",
        unless="the driver can be taught the type.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="no-such-entity",
        exception_types=("InvalidRequestError", "ArgumentError"),
        pattern=r"expression '(?P<name>\w+)' failed to locate a name|Entity namespace for \"(?P<table>[^\"]+)\""
        r" has no property \"(?P<attribute>\w+)\"",
        title="A model is referred to that SQLAlchemy does not know: `{name}{attribute}`",
        why="The name is misspelt, or the module with that model is not imported by then.",
        fix="Import all models before the first query, and mend the name that {at} leads to.",
        unless="two bases are used: models of one do not see the other.",
        confidence=0.9,
    ),
)
