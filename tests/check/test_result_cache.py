"""The result of a run is kept, until anything that it follows from changes."""

from pathlib import Path

import pytest
from tests.support.checked_code import FLASK, write_files

from bugsly_server.check import result_cache
from bugsly_server.check.analysis import CheckResult, check_sources
from bugsly_server.check.result_cache import MAX_KEPT_RESULTS, check_with_cache
from bugsly_server.check.rules import check_rules
from bugsly_server.check.source_files import read_sources

FILES = {
    "shop/__init__.py": "",
    "shop/views.py": f"from shop.audit import note\n{FLASK}@app.get('/<key>')\ndef x(key):\n"
    "    note(key)\n",
    "shop/audit.py": "seen = []\ndef note(key):\n    seen.append(key)\n",
    "bad.py": "def",
    "odd.py": "x = 1  # bugsly: ignore[BG999]\n",
}


class Counted:
    """How often sources were really checked."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.runs = 0
        monkeypatch.setattr(result_cache, "check_sources", self._check)

    def _check(self, *arguments: object) -> CheckResult:
        self.runs += 1
        return check_sources(*arguments)  # type: ignore[arg-type]


@pytest.fixture
def counted(monkeypatch: pytest.MonkeyPatch) -> Counted:
    return Counted(monkeypatch)


def run(tmp_path: Path, **changes: str) -> CheckResult:
    sources, _ = read_sources(write_files(tmp_path / "app", FILES | changes))
    return check_with_cache(sources, check_rules(), tmp_path / "cache")


def test_a_second_run_has_the_same_result_without_checking(
    tmp_path: Path, counted: Counted
) -> None:
    first, second = run(tmp_path), run(tmp_path)
    assert first == second
    assert (len(first.findings), len(first.problems), len(first.notes)) == (1, 1, 1)
    assert first.findings[0].rewrite is not None
    assert counted.runs == 1


def test_a_change_in_another_module_counts(tmp_path: Path, counted: Counted) -> None:
    first = run(tmp_path)
    second = run(tmp_path, **{"shop/views.py": "from shop.audit import note\n"})
    assert (len(first.findings), len(second.findings)) == (1, 0)
    assert counted.runs == 2


def test_a_package_that_becomes_a_folder_counts(tmp_path: Path, counted: Counted) -> None:
    run(tmp_path)
    (tmp_path / "app/__init__.py").touch()
    run(tmp_path)
    assert counted.runs == 2


@pytest.mark.parametrize("content", [b"", b"{}", b"\xff", b"[" * 9999])
def test_a_damaged_result_is_found_out_anew(
    content: bytes, tmp_path: Path, counted: Counted
) -> None:
    first = run(tmp_path)
    (kept,) = (tmp_path / "cache").iterdir()
    kept.write_bytes(content)
    assert run(tmp_path) == first
    assert counted.runs == 2


def test_only_so_many_results_are_kept(tmp_path: Path) -> None:
    for number in range(MAX_KEPT_RESULTS + 5):
        check_with_cache({Path("a.py"): b"x = %d" % number}, check_rules(), tmp_path)
    assert len(list(tmp_path.iterdir())) == MAX_KEPT_RESULTS


def test_a_name_that_is_not_utf8_is_checked_anew(tmp_path: Path) -> None:
    source = FILES["shop/audit.py"] + FILES["shop/views.py"].replace("from shop.audit import", "#")
    sources = {Path("caf\udce9.py"): source.encode()}
    for _ in range(2):
        assert len(check_with_cache(sources, check_rules(), tmp_path).findings) == 1


def test_a_folder_that_cannot_be_written_costs_only_time(tmp_path: Path) -> None:
    (tmp_path / "cache").write_text("a file")
    assert len(run(tmp_path).findings) == 1
