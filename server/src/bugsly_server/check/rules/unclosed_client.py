"""BG204: a view opens an HTTP client, a socket or a mail connection and does not close it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.unclosed import find_unclosed

OPENERS = re.compile(
    r"^(requests\.(Session|session)|httpx\.(Client|AsyncClient)|aiohttp\.ClientSession"
    r"|socket\.(socket|create_connection)|smtplib\.SMTP(_SSL)?|ftplib\.FTP(_TLS)?|imaplib\.IMAP4(_SSL)?"
    r"|poplib\.POP3(_SSL)?|telnetlib\.Telnet|paramiko\.SSHClient|http\.client\.HTTPS?Connection"
    r"|urllib\.request\.urlopen)$"
)


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the clients that a view leaves open."""
    advice = "use `with`, or make one client for all requests"
    return find_unclosed(code, OPENERS, "the client", advice)


RULE = CheckRule(
    code="BG204",
    name="unclosed-client",
    summary="An HTTP client or a socket is opened per request and not closed on every path.",
    why="A client has a pool of connections, TLS contexts and buffers: some hundred kilobytes. Made for each"
    " request and not closed, they pile up until Python frees them, and no connection is ever used twice.",
    bad="""import httpx
from flask import Flask

app = Flask(__name__)


@app.get("/rates")
def rates():
    client = httpx.Client()
    return client.get("https://rates.example/latest").json()
""",
    good="""import httpx
from flask import Flask

app = Flask(__name__)


@app.get("/rates")
def rates():
    with httpx.Client() as client:
        return client.get("https://rates.example/latest").json()
""",
    find=find,
)
