"""Leaks held in six ways, under three kinds of workers: doctor and the page name who holds them."""

import html
import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.commands import bugsly, running
from tests.support.ports import free_port
from tests.support.serving import Serving, serving
from tests.support.wait import wait_until
from tools.accuracy.case import LABS, Case, labs
from tools.accuracy.run import Result, toml
from tools.accuracy.score import score
from tools.accuracy.truth import holder_is_right, site_is_right

from bugsly_server.clock import SECOND, now
from bugsly_server.detect import finding
from bugsly_server.doctor.drive import Driver
from bugsly_server.doctor.plan import Endpoint, Plan
from bugsly_server.store.meta import accounts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
HELD = {
    "a closure": "deliveries",
    "an instance two libraries down": "suppliers",
    "a signal's receivers": "auctions",
    "tracebacks in a local variable of a thread": "imports",
    "a thread-local": "translations",
    "cycles, the collector off": "trees",
}
KINDS = {
    "sync": ("-k", "sync"),
    "gthread": ("-k", "gthread", "--threads", "4"),
    "gevent": ("-k", "gevent"),
}
CELLS = [
    pytest.param(lab, kind, id=f"{how}, {kind}")
    for how, lab in HELD.items()
    for kind in KINDS
    if (lab, kind) != ("translations", "gevent")
]
CASES = {one.name: one for one in labs()}
PACE = 1 / 150


def doctor(case: Case, kind: str, scratch: Path) -> Result:
    plan, report = scratch / "plan.toml", scratch / "report.json"
    plan.write_text(toml(case.plan))
    own = ("doctor", case.target, "--plan", str(plan), "--json", str(report), "--", *KINDS[kind])
    done = bugsly(*own, seconds=150, cwd=LABS, TMPDIR=str(scratch))
    assert report.exists(), done.stderr
    return Result(exit_code=done.returncode, report=json.loads(report.read_text()))


@pytest.mark.parametrize(("lab", "kind"), CELLS)
def test_doctor_names_the_way(lab: str, kind: str, tmp_path: Path) -> None:
    case = CASES[lab]
    result = doctor(case, kind, tmp_path)
    told = score(case, result)
    assert (told.verdict, told.cause, told.endpoint) == ("leak", True, True), told
    assert result.report is not None
    first = result.report["findings"][0]
    assert is_right(case, first["holder"], first["site"]), first


def test_what_a_greenlet_keeps_for_itself_ends_with_its_request(tmp_path: Path) -> None:
    case = CASES["translations"]
    assert score(case, doctor(case, "gevent", tmp_path)).verdict == "no leak"


def is_right(case: Case, holder: str, site: str) -> bool:
    """Return whether the line is right, and the holder where there is one."""
    held = not case.truth.holders or holder_is_right(case.truth, holder)
    return held and site_is_right(case.truth, site)


class Page(NamedTuple):
    """What the page of an issue says."""

    text: str

    def fact(self, name: str) -> str:
        found = re.search(rf'<dt>{name}</dt><dd><code class="fold">(.*?)</code>', self.text)
        return html.unescape(found[1]) if found else ""

    def is_right(self, case: Case) -> bool:
        """Return whether it names holder and line, or says that nothing leads to what is kept."""
        ends = bool(case.truth.holders) or "No root leads here" in self.text
        return ends and is_right(case, self.fact("Holder"), self.fact("Line"))


def visitor(server: Serving) -> Callable[[str], str]:
    """Return what reads the pages of *server* as its owner does."""
    with server.server.store.database.writing() as connection:
        link = accounts.make_link(connection, now())
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def read(path: str) -> str:
        with opener.open(f"http://127.0.0.1:{server.port}{path}", timeout=20) as answer:
            return str(answer.read(), "utf-8")

    read(f"/enter/{link}")
    return read


@pytest.mark.parametrize(("lab", "kind"), CELLS)
def test_the_page_of_the_one_issue_names_the_way(
    lab: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(finding, "PATIENCE_TIME", 20 * SECOND)
    case, port = CASES[lab], free_port()
    plan = Plan(endpoints=tuple(Endpoint(**one) for one in case.plan["endpoint"]), swing=1.0)
    with serving(tmp_path) as server:
        read = visitor(server)
        dsn = server.project(lab).dsn(server.port)
        app = ("gunicorn", case.target, "-w", "2", "-b", f"127.0.0.1:{port}", *KINDS[kind])
        environ = {"BUGSLY_DSN": dsn, "BUGSLY_SAMPLE_EVERY": "1"}
        with running("run", "--", *app, cwd=LABS, **environ) as command:
            command.await_output("Listening at")
            driver = Driver(port, plan, PACE)
            driver.go_on(1_000_000, PACE)
            driver.start()
            pages: list[Page] = []

            def named() -> bool:
                told = sorted(set(re.findall(rf"/p/{lab}/issues/\d+", read(f"/p/{lab}/issues"))))
                pages[:] = [Page(read(one)) for one in told]
                return any(one.is_right(case) for one in pages)

            try:
                wait_until(named, 240, "the way is on a page")
            finally:
                driver.stop()
                command.end()
    assert len(pages) == 1
