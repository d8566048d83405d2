"""Leaks held in six ways, under three kinds of workers: doctor and the page name who holds them."""

import html
import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from tests.support.bugsly_command import run_bugsly, running_bugsly
from tests.support.ports import free_port
from tests.support.running_server import RunningServer, running_server
from tests.support.wait import wait_until
from tools.accuracy.case_catalog import LABS, AccuracyCase, lab_cases
from tools.accuracy.doctor_run import DoctorResult, plan_as_toml
from tools.accuracy.ground_truth import holder_is_right, site_is_right
from tools.accuracy.score import score_result

from bugsly_server.clock import SECOND, now
from bugsly_server.detect import growth_detection
from bugsly_server.doctor.load_generator import LoadGenerator
from bugsly_server.doctor.load_plan import LoadPlan, RequestTemplate
from bugsly_server.store.meta import accounts

pytestmark = [pytest.mark.slow, pytest.mark.timeout(300)]
LABS_BY_HOLDER = {
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
LAB_KINDS = [
    pytest.param(lab, kind, id=f"{how}, {kind}")
    for how, lab in LABS_BY_HOLDER.items()
    for kind in KINDS
    if (lab, kind) != ("translations", "gevent")
]
CASES = {one.name: one for one in lab_cases()}
REQUEST_INTERVAL_SECONDS = 1 / 150


def doctor(case: AccuracyCase, kind: str, scratch: Path) -> DoctorResult:
    plan, report = scratch / "plan.toml", scratch / "report.json"
    plan.write_text(plan_as_toml(case.plan))
    own = ("doctor", case.target, "--plan", str(plan), "--json", str(report), "--", *KINDS[kind])
    done = run_bugsly(*own, seconds=150, cwd=LABS, TMPDIR=str(scratch))
    assert report.exists(), done.stderr
    return DoctorResult(exit_code=done.returncode, report=json.loads(report.read_text()))


@pytest.mark.parametrize(("lab", "kind"), LAB_KINDS)
def test_doctor_names_the_way(lab: str, kind: str, tmp_path: Path) -> None:
    case = CASES[lab]
    result = doctor(case, kind, tmp_path)
    told = score_result(case, result)
    assert (told.verdict, told.cause_right, told.endpoint_right) == ("leak", True, True), told
    assert result.report is not None
    first = result.report["findings"][0]
    assert is_right(case, first["holder"], first["site"]), first


def test_what_a_greenlet_keeps_for_itself_ends_with_its_request(tmp_path: Path) -> None:
    case = CASES["translations"]
    assert score_result(case, doctor(case, "gevent", tmp_path)).verdict == "no leak"


def is_right(case: AccuracyCase, holder: str, site: str) -> bool:
    """Return whether the line is right, and the holder where there is one."""
    held = not case.truth.holders or holder_is_right(case.truth, holder)
    return held and site_is_right(case.truth, site)


class IssuePage(NamedTuple):
    """What the page of an issue says."""

    text: str

    def fact(self, name: str) -> str:
        found = re.search(rf'<dt>{name}</dt><dd><code class="fold">(.*?)</code>', self.text)
        return html.unescape(found[1]) if found else ""

    def is_right(self, case: AccuracyCase) -> bool:
        """Return whether it names holder and line, or says that nothing leads to what is kept."""
        ends = bool(case.truth.holders) or "No root leads here" in self.text
        return ends and is_right(case, self.fact("Holder"), self.fact("Line"))


def page_reader(server: RunningServer) -> Callable[[str], str]:
    """Return what reads the pages of *server* as its owner does."""
    with server.server.store.database.writing() as connection:
        link = accounts.make_link(connection, None, now())
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor())

    def read(path: str) -> str:
        with opener.open(f"http://127.0.0.1:{server.port}{path}", timeout=20) as answer:
            return str(answer.read(), "utf-8")

    read(f"/enter/{link}")
    return read


@pytest.mark.parametrize(("lab", "kind"), LAB_KINDS)
def test_the_page_of_the_one_issue_names_the_way(
    lab: str, kind: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(growth_detection, "MIN_WATCHED_TIME", 20 * SECOND)
    case, port = CASES[lab], free_port()
    plan = LoadPlan(
        endpoints=tuple(RequestTemplate(**one) for one in case.plan["endpoint"]), swing=1.0
    )
    with running_server(tmp_path) as server:
        read = page_reader(server)
        dsn = server.project(lab).dsn(server.port)
        app = ("gunicorn", case.target, "-w", "2", "-b", f"127.0.0.1:{port}", *KINDS[kind])
        environ = {"BUGSLY_DSN": dsn, "BUGSLY_SAMPLE_EVERY": "1"}
        with running_bugsly("run", "--", *app, cwd=LABS, **environ) as command:
            command.await_output("Listening at")
            driver = LoadGenerator(port, plan, REQUEST_INTERVAL_SECONDS)
            driver.extend(1_000_000, REQUEST_INTERVAL_SECONDS)
            driver.start()
            pages: list[IssuePage] = []

            def named() -> bool:
                told = sorted(set(re.findall(rf"/p/{lab}/issues/\d+", read(f"/p/{lab}/issues"))))
                pages[:] = [IssuePage(read(one)) for one in told]
                return any(one.is_right(case) for one in pages)

            try:
                wait_until(named, 240, "the way is on a page")
            finally:
                driver.stop()
                command.end()
    assert len(pages) == 1
