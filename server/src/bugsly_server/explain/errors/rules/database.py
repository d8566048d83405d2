"""Explains databases that cannot be reached or drop connections, with what to check."""

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
        title="Two processes use the same database connection",
        why="A connection that was opened before Gunicorn forked (`preload_app`, a query at import) is"
        " used by several workers at once, so their messages are mixed up.",
        fix="Open no connection before the fork, or call `engine.dispose(close=False)` in Gunicorn's"
        " `post_fork` hook, so that each worker makes its own connections.",
        unless="there is one worker and no fork: then two threads share one connection.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="database-password",
        exception_types=DATABASE_ERRORS,
        pattern=r"password authentication failed for user \"(?P<user>[^\"]+)\"|Access denied for user"
        r" '(?P<mysql>[^']+)'|no password supplied|fe_sendauth",
        title="The database rejects the login of `{user}{mysql}`",
        why="The user or password of this environment is wrong or missing, or the password was changed.",
        fix="Compare the database address of this environment (`DATABASE_URL`) with the"
        " database's users; percent-encode `@`, `/`, `:` and `%` in a password.",
        unless="the address leads to a different database server than you think.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="database-unknown",
        exception_types=DATABASE_ERRORS,
        pattern=r"database \"(?P<name>[^\"]+)\" does not exist|Unknown database '(?P<mysql>[^']+)'",
        title="There is no database `{name}{mysql}` on that server",
        why="It was never created in this environment, or the address names the wrong one.",
        fix="Create it (`createdb`) and run the migrations, or correct the name in the address.",
        unless="the address leads to a different server than you think.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="database-not-admitted",
        exception_types=DATABASE_ERRORS,
        pattern=r"no pg_hba\.conf entry for host \"(?P<host>[^\"]+)\"(?P<rest>.*)",
        title="PostgreSQL does not accept connections from {host}",
        why="No line of `pg_hba.conf` matches this host, user and database. If the message says"
        " `no encryption` or `SSL off`, the server requires TLS.",
        fix="Add `?sslmode=require` to the address if TLS is required, or a line for this network to"
        " `pg_hba.conf`.",
        unless="the app runs in the wrong network.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="database-tls",
        exception_types=DATABASE_ERRORS,
        pattern=r"does not support SSL|SSL (?:is )?required|certificate verify failed|root certificate"
        r" file .* does not exist|SSL error",
        title="The app and the database do not agree on TLS",
        why="Only one of the two uses TLS, or the authority that signed the certificate is not trusted.",
        fix="Set `sslmode` (PostgreSQL) or `ssl` (MySQL) in the address to what the server supports, and"
        " name the provider's root certificate if it is verified.",
        unless="connections made before a fork are shared: then it fails only now and then.",
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
        why="It is down or still starting, or the host and port are wrong for this environment. If the"
        " connection times out, a firewall may drop it.{local}",
        fix="Check in this order: the host and port in `DATABASE_URL`; whether the database runs and listens"
        " on that address; whether the network lets this machine connect. {at} needed the connection.",
        unless="`psql` or `mysql` can connect from this machine with the same address.",
        confidence=0.94,
        examine=name_server,
    ),
    ErrorRule(
        slug="database-went-away",
        exception_types=DATABASE_ERRORS,
        pattern=r"server closed the connection unexpectedly|MySQL server has gone away|Lost connection to"
        r" MySQL|terminating connection due to|connection (?:is|already|was) closed|(?:EOF|SSL connection"
        r" has been closed) unexpectedly|the connection is lost",
        title="The database closed a connection that the app still used",
        why="It was restarted, or a timeout of the server, a proxy or a firewall closed an idle connection"
        " of the pool. Right after a start, the pool was probably filled before a fork.",
        fix="Set `pool_pre_ping=True`, and `pool_recycle` below the shortest timeout on the way; with"
        " `preload_app`, dispose of the engine in `post_fork`.",
        unless="it happens on every query: then the database may be crashing, see its log.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="database-connections-used-up",
        exception_types=DATABASE_ERRORS,
        pattern=r"too many (?:clients|connections)|remaining connection slots are reserved",
        title="The database has no connection left",
        why="All workers together open more connections than it allows: workers × (pool_size +"
        " max_overflow) × machines.",
        fix="Make the pools smaller, put PgBouncer in between, or raise `max_connections`; find the code"
        " that keeps connections open.",
        unless="other clients use them up: `pg_stat_activity` shows whose connections they are.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="sqlite-locked",
        exception_types=DATABASE_ERRORS,
        pattern=r"database (?:table )?is locked",
        title="SQLite is locked: another connection is writing",
        why="Only one connection at a time may write. A transaction that stays open during other work makes"
        " the others wait, five seconds by default.",
        fix="Keep transactions short, commit before slow calls, set `PRAGMA journal_mode=WAL` and a"
        " higher `timeout`; with many writers, use PostgreSQL. {at} waited for the lock.",
        unless="a backup or a process that hangs in a transaction holds the lock.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="sqlite-file",
        exception_types=DATABASE_ERRORS,
        pattern=r"unable to open database file|attempt to write a readonly database|disk I/O error"
        r"|database disk image is malformed",
        title="SQLite cannot use its file: {value}",
        why="The folder is missing or not writable for the worker's user (SQLite also writes next to the"
        " file), or the path is relative to another folder. `malformed` means that the file is damaged.",
        fix="Use an absolute path (`sqlite:////srv/app/app.db`, four slashes) in a folder that the"
        " worker's user can write to.",
        unless="the disk is full, or is a network drive.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="sqlite-malformed",
        exception_types=DATABASE_ERRORS,
        pattern=r"(?P<fault>file is not a database|database disk image is malformed)",
        title="The SQLite file is damaged or is no SQLite file: {fault}",
        why="It was overwritten by something else, copied while it was written to (without its `-wal` file),"
        " lies on a network file system, or is encrypted.",
        fix="Put the last backup in its place, or save what can be read with `sqlite3 FILE .recover`; copy a"
        " database in use with `sqlite3 FILE '.backup COPY'`. {at} opened it.",
        unless="the address names another file than you think, such as a PostgreSQL dump.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="sqlite-other-thread",
        exception_types=("ProgrammingError",),
        pattern=r"SQLite objects created in a thread can only be used in that same thread",
        title="A SQLite connection is used in a different thread from the one that made it",
        why="The connection is kept in a global, and Gunicorn's threads share it.",
        fix="Open one for each request (`flask.g`), or let SQLAlchemy's pool do it; {at} uses it.",
        unless="only one thread at a time uses it: then set `check_same_thread=False`.",
        confidence=0.96,
    ),
    ErrorRule(
        slug="deadlock",
        exception_types=DATABASE_ERRORS,
        pattern=r"deadlock detected|Deadlock found|could not serialize access|Lock wait timeout",
        title="Two transactions wait for each other",
        why="They lock the same rows in a different order, so the database aborted one of them.",
        fix="Lock rows in a fixed order (`ORDER BY id … FOR UPDATE`), keep transactions short, and retry the"
        " aborted one, at {at}.",
        unless="one transaction stays open for minutes: then find that one.",
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
        title="The database aborted a query that took too long",
        why="It misses an index, reads too much, or waits for a lock.",
        fix="Look at the query of {at} with `EXPLAIN (ANALYZE, BUFFERS)`; add the index, or read less.",
        unless="the whole database is overloaded at that time.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="database-error",
        exception_types=("OperationalError", "DatabaseError", "DBAPIError"),
        title="The database reports an error: {value}",
        why="If it began with a deployment, the reason is probably one of these: the host or credentials of"
        " the environment, migrations that were not run, TLS, or connections shared by a fork.",
        fix="Check them in this order, with the same address from the same machine (`psql`, `mysql`)."
        " {at} needed the database.",
        unless="only one query fails: then look at that query.",
        confidence=0.45,
    ),
)
