"""What `--json` prints."""

import io
import json
from collections.abc import Callable, Iterator
from contextlib import redirect_stdout
from functools import partial
from pathlib import Path
from typing import Any

from tests.support.diagnoses import diagnosis, seen, words
from tests.support.recycled import limits
from tests.support.shapes import ByName
from tests.support.walks import heap, orphans, retainer
from tests.support.whole import whole_site

from bugsly_server.cli import doctor, main
from bugsly_server.cli import heap as heap_command
from bugsly_server.cli.heap_worker import Walks
from bugsly_server.doctor.verdict import conclude
from bugsly_server.model.diagnosis import Cause


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield what each command prints that can print JSON."""
    with whole_site(folder):
        for verb in ("status", "issues"):
            found = _printed(partial(main, [verb, "--json", "--data-dir", str(folder)]))
            for one in found["shop"]:
                kind = f", {one['kind']}" if verb == "issues" else ""
                yield f"bugsly {verb} --json{kind}", ByName({"shop": [one]})
    for growth in (None, heap(retainer(), orphans())):
        walks = Walks(pid=7, most=heap(retainer(), orphans(), requests=(1_900,)), growth=growth)
        yield "bugsly heap --json", _printed(partial(heap_command._deliver, walks, as_json=True))
    for cause in (Cause.GROWING_CONTAINER, Cause.BOUNDED):
        found = [(diagnosis(cause), words())]
        report = conclude(found, seen(limits=limits(), notes=("the app logs to stdout",)))
        yield "bugsly doctor --json", _printed(partial(doctor._deliver, "-", report))


def _printed(act: Callable[[], object]) -> Any:
    text = io.StringIO()
    with redirect_stdout(text):
        act()
    return json.loads(text.getvalue())
