"""BG203: a view opens a file and does not close it on every path."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bugsly_server.check.rule import CheckedCode, CheckRule, Offence
from bugsly_server.check.unclosed import find_unclosed

OPENERS = re.compile(
    r"^(open|io\.open|codecs\.open|gzip\.open|bz2\.open|lzma\.open|tarfile\.(open|TarFile)|zipfile\.ZipFile"
    r"|gzip\.GzipFile|pathlib\.Path\(\)\.open|aiofiles\.open)$"
)
DESCRIPTORS = re.compile(r"^os\.(open|memfd_create)$")


def find(code: CheckedCode) -> Iterator[Offence]:
    """Yield the files that a view leaves open."""
    yield from find_unclosed(code, OPENERS, "the file", "use `with`")
    advice = "call `os.close` in a `finally`, or open it with `os.fdopen` and `with`"
    for offence in find_unclosed(code, DESCRIPTORS, "the descriptor", advice):
        yield offence._replace(rewrite=None)


RULE = CheckRule(
    code="BG203",
    name="unclosed-file",
    summary="A file is opened per request and not closed on every path.",
    why="Each open file takes one of the worker's descriptors, of which it has about a thousand. CPython closes a"
    " file when nothing refers to it any more; an exception, a cycle or a debugger refers to it for longer.",
    bad="""from flask import Flask

app = Flask(__name__)


@app.get("/prices/<day>")
def prices(day):
    file = open(f"/srv/prices/{day}.csv")
    return {"first": file.readline()}
""",
    good="""from flask import Flask

app = Flask(__name__)


@app.get("/prices/<day>")
def prices(day):
    with open(f"/srv/prices/{day}.csv") as file:
        return {"first": file.readline()}
""",
    find=find,
)
