"""BG202: a view opens a session of an ORM and does not close it on every path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.unclosed import find_unclosed

OPENERS = re.compile(
    r"^(sqlalchemy\.orm(\.session)?|sqlmodel)\.Session$|sessionmaker\(\)$|^\?SessionLocal$"
)


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the sessions that a view leaves open."""
    return find_unclosed(code, OPENERS, "the session", "write `with Session() as session:`")


RULE = CheckRule(
    code="BG202",
    name="unclosed-session",
    summary="An ORM session is opened per request and not closed on every path.",
    why="A session holds its connection and every object it loaded. Left open, both stay until Python frees"
    " the session; its transaction stays open in the database too.",
    bad="""from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

app = Flask(__name__)
Session = sessionmaker(create_engine("sqlite://"))


@app.get("/orders")
def orders():
    session = Session()
    return {"orders": session.execute("SELECT 1").scalar()}
""",
    good="""from flask import Flask
from sqlalchemy import create_engine
from sqlalchemy.orm import sessionmaker

app = Flask(__name__)
Session = sessionmaker(create_engine("sqlite://"))


@app.get("/orders")
def orders():
    with Session() as session:
        return {"orders": session.execute("SELECT 1").scalar()}
""",
    find=find,
)
