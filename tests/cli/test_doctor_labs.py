"""`bugsly doctor` on labs: the probes, the diagnosis and the words of production, at a desk."""

import json
from pathlib import Path
from typing import Any

from tests.support.bugsly_command import run_bugsly

LABS = Path(__file__).parents[2] / "labs"


def doctor(scratch: Path, *arguments: str) -> tuple[int, dict[str, Any], str]:
    """Run doctor in the labs; return its exit code, its JSON and what it printed."""
    report = scratch / "report.json"
    own = ("doctor", *arguments, "--json", str(report))
    done = run_bugsly(*own, seconds=100, cwd=LABS, TMPDIR=str(scratch))
    assert report.exists(), done.stderr
    return done.returncode, json.loads(report.read_text()), done.stdout


def test_a_list_that_grows_is_named_with_line_endpoint_and_fix(tmp_path: Path) -> None:
    code, told, printed = doctor(tmp_path, "prices:app")
    assert (code, told["verdict"]) == (1, "leak")
    [finding] = told["findings"]
    assert finding["cause"] == "growing-container"
    assert finding["holder"] == "prices.request_log"
    assert finding["site"] == "prices.py:23"
    assert finding["endpoint"] == "GET /api/prices/<sku>"
    assert finding["fix"]
    assert 500 < finding["bytes_per_request"] < 3_000
    assert "request_log.append(entry)" in (LABS / "prices.py").read_text().splitlines()[22]
    assert "prices.request_log" in printed
    assert told["requests"] < 4_000, "it ends once it is sure"


def test_a_cache_with_a_bound_is_no_leak(tmp_path: Path) -> None:
    code, told, printed = doctor(tmp_path, "shipping:app")
    assert (code, told["verdict"]) == (0, "no leak")
    assert [one for one in told["findings"] if one["is_leak"]] == []
    assert printed.startswith("no leak: ")


def test_what_only_a_walk_of_the_heap_finds_is_named_with_the_way_to_it(tmp_path: Path) -> None:
    code, told, printed = doctor(tmp_path, "imports:app", "--request", "GET /lines/no-{i}")
    assert (code, told["verdict"]) == (1, "leak")
    finding = told["findings"][0]
    assert finding["cause"] == "kept-exception"
    assert finding["holder"] == "imports.look_after.<local>.unread"
    assert finding["site"] == "imports.py:18"
    assert "unread.append(wrong.get())" in (LABS / "imports.py").read_text().splitlines()[17]
    assert "in each of" in " ".join(finding["evidence"])
    assert "imports.look_after.<local>.unread (list," in printed
