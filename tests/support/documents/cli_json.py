"""What `--json` prints."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.complete_values import whole_site
from tests.support.diagnoses import diagnosis, leak_explanation, observed_run
from tests.support.heap_snapshots import heap_holder, heap_snapshot, unreachable_objects
from tests.support.json_shapes import KeyedByData
from tests.support.recycling_values import max_requests_values

from bugsly_server.check.check_run import CheckReport
from bugsly_server.check.reports.json_report import json_report
from bugsly_server.check.rule import CheckFinding
from bugsly_server.check.unchecked import UncheckedPath
from bugsly_server.cli import main
from bugsly_server.cli.doctor import command as doctor_command
from bugsly_server.cli.heap import command as heap_command
from bugsly_server.cli.heap.from_worker import HeapWalks
from bugsly_server.doctor.run_verdict import build_report
from bugsly_server.model.diagnosis import Cause


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what each command prints that can print JSON."""
    with whole_site(folder):
        for verb in ("status", "issues"):
            found = _printed_json(partial(main, [verb, "--json", "--data-dir", str(folder)]))
            for listed_item in found["shop"]:
                kind = f", {listed_item['kind']}" if verb == "issues" else ""
                yield f"bugsly {verb} --json{kind}", KeyedByData({"shop": [listed_item]})
    for growth in (None, heap_snapshot(heap_holder(), unreachable_objects())):
        walks = HeapWalks(
            pid=7,
            most=heap_snapshot(heap_holder(), unreachable_objects(), requests=(1_900,)),
            growth=growth,
        )
        yield (
            "bugsly heap --json",
            _printed_json(partial(heap_command._print_walks, walks, as_json=True)),
        )
    for cause in (Cause.GROWING_CONTAINER, Cause.BOUNDED):
        found = [(diagnosis(cause), leak_explanation())]
        report = build_report(
            found, observed_run(limits=max_requests_values(), notes=("the app logs to stdout",))
        )
        yield (
            "bugsly doctor --json",
            _printed_json(partial(doctor_command._write_report, "-", report)),
        )
    yield "bugsly check --output-format json", json.loads(json_report(_check_report()))


def _check_report() -> CheckReport:
    found = CheckFinding(
        code="BG101",
        path=Path("shop/views.py"),
        line=12,
        column=5,
        end_line=12,
        text="request_log.append(entry)",
        message="`request_log` gains entries",
    )
    unchecked = UncheckedPath("old.py", "line 1: invalid syntax", "correct it")
    return CheckReport((found,), known_findings=0, checked_files=2, problems=(unchecked,))


def _printed_json(command: Callable[[], object]) -> Any:
    text = io.StringIO()
    with redirect_stdout(text):
        command()
    return json.loads(text.getvalue())
