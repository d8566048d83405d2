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


def _printed_json(command: Callable[[], object]) -> Any:
    text = io.StringIO()
    with redirect_stdout(text):
        command()
    return json.loads(text.getvalue())
