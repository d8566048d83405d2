"""Fixes change what they have to and nothing else, whatever the file looks like."""

from pathlib import Path

import pytest
from tests.support.checked_code import FLASK, check_in

from bugsly_server.check.analysis import MAX_FIXES_PER_FILE, check_sources
from bugsly_server.check.check_run import CheckReport, Sources
from bugsly_server.check.fixing import fix_sources, source_diff
from bugsly_server.check.rules import check_rules

SEVERAL = f"""{FLASK}log = []
seen = {{}}


@app.get("/a/<key>")
def a(key):
    log.append(key)
    if key not in seen:
        print("new")
    seen[key] = 1
    return open(f"/srv/{{key}}").read()


@app.get("/b/<key>")
def b(key):
    seen[key] = 2
    file = open("/srv/b")
    return {{"line": file.readline()}}
"""
FIXED = """from collections import deque
from flask import send_file
from flask import Flask, request

app = Flask(__name__)
log = deque(maxlen=1000)
seen = {}


@app.get("/a/<key>")
def a(key):
    log.append(key)
    if key not in seen:
        print("new")
    seen[key] = 1
    if len(seen) > 1000:
        seen.pop(next(iter(seen)))
    return send_file(f"/srv/{key}")


@app.get("/b/<key>")
def b(key):
    seen[key] = 2
    if len(seen) > 1000:
        seen.pop(next(iter(seen)))
    with open("/srv/b") as file:
        return {"line": file.readline()}
"""


def report(sources: Sources) -> CheckReport:
    result = check_sources(sources, check_rules())
    return CheckReport(result.findings, 0, result.checked_files, result.problems)


def fixed(source: bytes, folder: Path) -> bytes:
    path = folder / "shop.py"
    return fix_sources({path: source}, report)[path]


def test_several_findings_of_one_file_are_fixed(tmp_path: Path) -> None:
    assert fixed(SEVERAL.encode(), tmp_path).decode() == FIXED
    assert fixed(FIXED.encode(), tmp_path).decode() == FIXED


@pytest.mark.parametrize("end", ["\r\n", "\r"])
def test_line_ends_stay(end: str, tmp_path: Path) -> None:
    source = SEVERAL.replace("\n", end).encode()
    assert fixed(source, tmp_path) == FIXED.replace("\n", end).encode()


def test_mixed_line_ends_stay_as_they_are(tmp_path: Path) -> None:
    source = SEVERAL.replace("\n", "\r\n", 5).encode()
    lines = fixed(source, tmp_path).decode().split("\n")
    ends = ["\\r" if line.endswith("\r") else "" for line in lines[:8]]
    assert ends == ["", "", "\\r", "\\r", "\\r", "", "\\r", ""], "new lines have the usual end"


def test_a_missing_last_line_end_stays_missing(tmp_path: Path) -> None:
    assert fixed(SEVERAL.rstrip("\n").encode(), tmp_path).decode() == FIXED.rstrip("\n")


@pytest.mark.parametrize("encoding", ["latin-1", "utf-8-sig", "cp1252"])
def test_encodings_stay(encoding: str, tmp_path: Path) -> None:
    head = "" if encoding == "utf-8-sig" else f"# coding: {encoding}\n"
    source = f"{head}# é\n{SEVERAL}".encode(encoding)
    assert fixed(source, tmp_path).decode(encoding).startswith(f"{head}# é\nfrom collections")
    assert report({tmp_path / "shop.py": fixed(source, tmp_path)}).findings == ()


def test_a_diff_can_be_read(tmp_path: Path) -> None:
    before = SEVERAL.encode()
    diff = source_diff(Path("shop.py"), before, fixed(before, tmp_path))
    assert diff.startswith("--- a/shop.py\n+++ b/shop.py\n@@ ")
    assert "-log = []\n+log = deque(maxlen=1000)\n" in diff


def test_findings_within_each_others_blocks_are_fixed(tmp_path: Path) -> None:
    source = f"""{FLASK}from sqlalchemy import create_engine
engine = create_engine("sqlite://")


@app.get("/")
def x():
    one = engine.connect()
    two = engine.connect()
    print(one.execute("SELECT 1").scalar(), two.execute("SELECT 2").scalar())
"""
    text = fixed(source.encode(), tmp_path).decode()
    assert text.endswith("""def x():
    with engine.connect() as one:
        with engine.connect() as two:
            print(one.execute("SELECT 1").scalar(), two.execute("SELECT 2").scalar())
""")


def test_more_findings_than_are_tried_at_a_time_are_all_fixed(tmp_path: Path) -> None:
    view = (
        "@app.get('/{0}')\ndef x{0}():\n    file = open('/srv/{0}')\n    return file.readline()\n"
    )
    number = MAX_FIXES_PER_FILE + 5
    source = FLASK + "".join(view.format(n) for n in range(number))
    path = tmp_path / "shop.py"
    assert report({path: source.encode()}).fixable == MAX_FIXES_PER_FILE
    assert fixed(source.encode(), tmp_path).count(b"with open") == number


LISTS = {
    "in a dict that is answered": 'return {"log": log}',
    "in JSON, by keyword": "return jsonify(log=log)",
    "in a template": 'return render_template("log.html", log=log)',
    "cut into": "return str(log[-5:])",
}


@pytest.mark.parametrize("answer", LISTS.values(), ids=LISTS)
def test_a_list_stays_a_list_where_one_is_needed(answer: str, tmp_path: Path) -> None:
    head = FLASK.replace("Flask,", "Flask, jsonify, render_template,")
    source = f"{head}log = []\n\n@app.get('/')\ndef x():\n    log.append(1)\n    {answer}\n"
    text = fixed(source.encode(), tmp_path).decode()
    assert "log = []" in text
    assert "del log[:-1000]" in text


UNSAFE = {
    "a helper returns rows that are read later": f"""{FLASK}from sqlalchemy import create_engine
engine = create_engine("sqlite://")

def rows(query):
    connection = engine.connect()
    return connection.execute(query)

@app.get("/<query>")
def x(query):
    return list(rows(query))
""",
    "a response streams": f"""{FLASK}from flask import Response
from sqlalchemy import create_engine
engine = create_engine("sqlite://")

@app.get("/")
def x():
    connection = engine.connect()
    return Response(row for row in connection.execute("SELECT 1"))
""",
    "a session that is asynchronous": """from fastapi import FastAPI
import aiohttp
app = FastAPI()

@app.get("/")
async def x():
    session = aiohttp.ClientSession()
    return await session.get("https://rates.example")
""",
    "a file of a framework without send_file": """from fastapi import FastAPI
app = FastAPI()

@app.get("/<name>")
def x(name):
    return open(f"/srv/{name}").read()
""",
    "a container of a class": f"""{FLASK}class Log:
    seen = []

@app.get("/")
def x():
    Log.seen.append(1)
""",
}


@pytest.mark.parametrize("source", UNSAFE.values(), ids=UNSAFE)
def test_what_a_fix_could_break_has_none(source: str, tmp_path: Path) -> None:
    findings = check_in(tmp_path, {"shop.py": source}).findings
    assert findings
    assert [one.code for one in findings if one.rewrite is not None] == []
