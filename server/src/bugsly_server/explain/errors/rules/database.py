"""Databases that cannot be reached, or lose the connection: what to check on deployment."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

DATABASE_ERRORS = (
    "OperationalError",
    "DatabaseError",
    "InterfaceError",
    "ProgrammingError",
    "InternalError",
    "DBAPIError",
    "ConnectionTimeout",
)


HOST_PATTERN = re.compile(
    r"connection to server at \"(?P<pg>[^\"]+)\"[^,]{0,100}, port (?P<port>\d+)"
    r"|could not translate host name \"(?P<name>[^\"]+)|failed to resolve host '(?P<host>[^']+)"
    r"|MySQL server on '(?P<mysql>[^']+)'"
)


def name_server(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name host and port."""
    address = HOST_PATTERN.search(raised.exception.value[:4_000])
    named_groups = (
        {} if address is None else {key: one for key, one in address.groupdict().items() if one}
    )
    port = named_groups.pop("port", "")
    host = next(iter(named_groups.values()), "")
    is_local = re.match(r"(localhost|127\.|::1)", host)
    hint = " Inside a container `localhost` is the container itself: use the service's name."
    peer = f"at `{quoted(host)}{f':{port}' if port else ''}` " if host else ""
    return RuleMatch(phrases={"peer": peer, "local": hint if is_local else ""})


RULES = (
    ErrorRule(
        slug="database-after-fork",
        exception_types=DATABASE_ERRORS,
        pattern=r"decryption failed or bad record mac|lost synchronization|SSL SYSCALL error: EOF"
        r"|server sent data .* without prior|got result for unknown|Packet sequence number wrong"
        r"|insufficient data in .* message",
        title="Two processes talk over one database connection",
        why="A connection that was opened before Gunicorn forked (`preload_app`, a query at import) is"
        " used by several workers at once; their bytes mix.",
        fix="Open nothing before the fork; or call `engine.dispose(close=False)` in Gunicorn's"
        " `post_fork` hook, so that each worker makes its own connections.",
        unless="there is one worker and no fork: then two threads share one connection.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="database-password",
        exception_types=DATABASE_ERRORS,
        pattern=r"password authentication failed for user \"(?P<user>[^\"]+)\"|Access denied for user"
        r" '(?P<mysql>[^']+)'|no password supplied|fe_sendauth",
        title="The database refuses the login of `{user}{mysql}`",
        why="User or password of this environment are wrong or missing, or the password was changed.",
        fix="Compare the database address that this environment is given (`DATABASE_URL`) with the"
        " database's users; write `@`, `/`, `:` and `%` in a password percent-encoded.",
        unless="the address leads to another database server than you think.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="database-unknown",
        exception_types=DATABASE_ERRORS,
        pattern=r"database \"(?P<name>[^\"]+)\" does not exist|Unknown database '(?P<mysql>[^']+)'",
        title="There is no database `{name}{mysql}` on that server",
        why="It was never created in this environment, or the address names another.",
        fix="Create it (`createdb`) and run the migrations, or mend the name in the address.",
        unless="the address leads to another server than you think.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="database-not-admitted",
        exception_types=DATABASE_ERRORS,
        pattern=r"no pg_hba\.conf entry for host \"(?P<host>[^\"]+)\"(?P<rest>.*)",
        title="PostgreSQL does not admit connections from {host}",
        why="No line of `pg_hba.conf` fits this host, user and database; with `no encryption` or `SSL"
        " off` in the message, it wants TLS.",
        fix="Add `?sslmode=require` to the address where TLS is wanted, or a line for this network to"
        " `pg_hba.conf`.",
        unless="the app runs in another network than planned.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="database-tls",
        exception_types=DATABASE_ERRORS,
        pattern=r"does not support SSL|SSL (?:is )?required|certificate verify failed|root certificate"
        r" file .* does not exist|SSL error",
        title="App and database do not agree about TLS",
        why="One wants TLS and the other does not, or the authority of the certificate is not known.",
        fix="Set `sslmode` (PostgreSQL) or `ssl` (MySQL) in the address to what the server offers, and"
        " give it the provider's root certificate where it verifies.",
        unless="connections made before a fork are shared: then it fails now and then only.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="database-unreachable",
        exception_types=DATABASE_ERRORS,
        pattern=r"connection to server at .{1,200}(?:Connection refused|timeout|timed out)"
        r"|could not connect to server|could not translate host name|Can't connect to MySQL server"
        r"|connection failed|failed to resolve host|Connection refused|connection timeout expired"
        r"|Name or service not known",
        title="The database {peer}cannot be reached",
        why="It is down or still starting, or host and port are not those of this environment; a"
        " firewall swallows connections that time out.{local}",
        fix="Check in this order: host and port in `DATABASE_URL`, whether the database runs and listens"
        " on that address, whether the network lets this machine through. It was needed at {at}.",
        unless="it works from this machine with `psql` or `mysql` and the same address.",
        confidence=0.94,
        examine=name_server,
    ),
    ErrorRule(
        slug="database-went-away",
        exception_types=DATABASE_ERRORS,
        pattern=r"server closed the connection unexpectedly|MySQL server has gone away|Lost connection to"
        r" MySQL|terminating connection due to|connection (?:is|already|was) closed|(?:EOF|SSL connection"
        r" has been closed) unexpectedly|the connection is lost",
        title="The database closed a connection that the app still held",
        why="It was restarted, or a timeout of the server, a proxy or a firewall cut an idle connection"
        " that the pool hands out again. Right after start: the pool was filled before a fork.",
        fix="Set `pool_pre_ping=True`, and `pool_recycle` below the timeout of what lies between; with"
        " `preload_app`, dispose of the engine in `post_fork`.",
        unless="it happens on every query: then see the database's log, it may crash.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="database-connections-used-up",
        exception_types=DATABASE_ERRORS,
        pattern=r"too many (?:clients|connections)|remaining connection slots are reserved",
        title="The database has no connection left",
        why="All workers together hold more connections than it allows: workers × (pool_size +"
        " max_overflow) × machines.",
        fix="Make the pools smaller, put PgBouncer between, or raise `max_connections`; see which code"
        " keeps connections open.",
        unless="others use up the server: `pg_stat_activity` tells whose they are.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="sqlite-locked",
        exception_types=DATABASE_ERRORS,
        pattern=r"database (?:table )?is locked",
        title="SQLite is locked: another writer holds it",
        why="One connection at a time may write; a transaction that stays open during other work makes"
        " the rest wait, five seconds by default.",
        fix="Keep transactions short, commit before slow calls, set `PRAGMA journal_mode=WAL` and a"
        " higher `timeout`; with many writers, use PostgreSQL. It waited at {at}.",
        unless="a process that died in a transaction or a backup holds the lock.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="sqlite-file",
        exception_types=DATABASE_ERRORS,
        pattern=r"unable to open database file|attempt to write a readonly database|disk I/O error"
        r"|database disk image is malformed",
        title="SQLite cannot use its file: {value}",
        why="The folder is missing or not writable for the worker's user (SQLite also writes beside the"
        " file), or the path is relative to another folder. `malformed` means a damaged file.",
        fix="Give an absolute path (`sqlite:////srv/app/app.db`, four slashes) in a folder that the"
        " worker's user may write to.",
        unless="the disk is full or a network drive.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="sqlite-other-thread",
        exception_types=("ProgrammingError",),
        pattern=r"SQLite objects created in a thread can only be used in that same thread",
        title="A SQLite connection is used in another thread than it was made in",
        why="The connection is kept in a global, and Gunicorn's threads share it.",
        fix="Open one for each request (`flask.g`), or let SQLAlchemy's pool do it; it is used at {at}.",
        unless="only one thread uses it after all: then `check_same_thread=False` will do.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="deadlock",
        exception_types=DATABASE_ERRORS,
        pattern=r"deadlock detected|Deadlock found|could not serialize access|Lock wait timeout",
        title="Two transactions wait for each other",
        why="They lock the same rows in another order; the database broke one of them off.",
        fix="Lock rows in one order (`ORDER BY id … FOR UPDATE`), keep transactions short, and repeat the"
        " one that was broken off; it was at {at}.",
        unless="one transaction stays open for minutes: then find that.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="statement-too-slow",
        exception_types=(
            "OperationalError",
            "QueryCanceled",
            "DBAPIError",
            "ExtendedQueryCanceled",
        ),
        pattern=r"statement timeout|Query execution was interrupted|max_statement_time",
        title="The database broke off a query that took too long",
        why="It misses an index, reads too much, or waits for a lock.",
        fix="Look at the query of {at} with `EXPLAIN (ANALYZE, BUFFERS)`; add the index, or ask for less.",
        unless="the database as a whole is overloaded then.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="database-error",
        exception_types=("OperationalError", "DatabaseError", "DBAPIError"),
        title="The database refuses: {value}",
        why="If it began with a deployment, one of these is the reason: host or credentials of the"
        " environment, migrations that were not run, TLS, or connections shared through a fork.",
        fix="Check them in this order, with the same address from the same machine (`psql`, `mysql`). It"
        " was needed at {at}.",
        unless="it happens for one query only: then look at that query.",
        confidence=0.45,
    ),
)
