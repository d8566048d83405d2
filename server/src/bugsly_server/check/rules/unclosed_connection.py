"""BG201: a view opens a database connection and does not give it back on every path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.unclosed import find_unclosed

OPENERS = re.compile(
    r"^(sqlite3|psycopg2?|pymysql|MySQLdb|mysql\.connector|pyodbc|oracledb|cx_Oracle|asyncpg|aiosqlite"
    r"|pymssql|duckdb)\.connect$"
    r"|create_(async_)?engine\(\)\.(connect|raw_connection)$"
    r"|SQLAlchemy\(\)\.(get_)?engine(\(\))?\.(connect|raw_connection)$"
    r"|^\?(\w+\.)*\w*engine\.(connect|raw_connection)$"
    r"|[pP]ool\(\)\.(getconn|get_connection)$"
)
"""Names as they resolve; those that begin with `?` are as written, where nothing is known."""


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the connections that a view leaves open."""
    return find_unclosed(code, OPENERS, "the connection", "use `with`, or `contextlib.closing`")


RULE = CheckRule(
    code="BG201",
    name="unclosed-connection",
    summary="A database connection is opened per request and not closed on every path.",
    why="A pool has a handful of connections. One that a view does not give back is lost until Python happens"
    " to free it; when an exception keeps the frame alive, that is much later. Then `QueuePool limit"
    " reached` stops the app, and meanwhile each connection costs memory here and in the database.",
    bad="""from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("sqlite://")


@app.get("/total")
def total():
    connection = engine.connect()
    number = connection.execute(text("SELECT 1")).scalar()
    return {"total": number}
""",
    good="""from flask import Flask
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("sqlite://")


@app.get("/total")
def total():
    with engine.connect() as connection:
        number = connection.execute(text("SELECT 1")).scalar()
        return {"total": number}
""",
    find=find,
)
