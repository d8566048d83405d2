"""The four leaks that every article about Flask names are found, and mended by the fixes."""

from pathlib import Path

from tests.support.checked_code import write_files

from bugsly_server.check.analysis import check_sources
from bugsly_server.check.check_run import CheckReport, Sources
from bugsly_server.check.fixing import fix_sources
from bugsly_server.check.rules import check_rules
from bugsly_server.check.source_files import read_sources

APP = {
    "shop.py": '''"""A shop."""

from flask import Flask, request
from sqlalchemy import create_engine, text

app = Flask(__name__)
engine = create_engine("sqlite://")
request_log = []


@app.get("/api/data")
def data():
    request_log.append({"path": request.path, "body": request.get_data()})
    return {"requests": len(request_log)}


@app.get("/total")
def total():
    connection = engine.connect()
    number = connection.execute(text("SELECT 1")).scalar()
    return {"total": number}


@app.get("/export/<name>")
def export(name):
    return open(f"/srv/exports/{name}.zip", "rb").read()
''',
    "gunicorn.conf.py": 'bind = "0.0.0.0:8000"\nworkers = 4\n',
}


def report(sources: Sources) -> CheckReport:
    result = check_sources(sources, check_rules())
    return CheckReport(result.findings, 0, result.checked_files, result.problems)


def test_the_patterns_are_found_and_mended(tmp_path: Path) -> None:
    sources, _ = read_sources(write_files(tmp_path, APP))
    found = {finding.code for finding in report(sources).findings}
    assert found == {"BG101", "BG201", "BG203", "BG301", "BG601"}
    fixed = fix_sources(sources, report)
    assert report(fixed).findings == ()
    shop = fixed[tmp_path / "shop.py"].decode()
    for mended in (
        "request_log = deque(maxlen=1000)",
        "    with engine.connect() as connection:",
        '    return send_file(f"/srv/exports/{name}.zip")',
    ):
        assert mended in shop
    settings = fixed[tmp_path / "gunicorn.conf.py"].decode()
    assert settings.endswith("max_requests = 10000\nmax_requests_jitter = 1000\n")
