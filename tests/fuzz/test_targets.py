"""The laws that `make fuzz` holds the readers of hostile input to, with what it found so far."""

import re
from pathlib import Path

import pytest
from tools.fuzz import covered_inputs
from tools.fuzz.corpus import corpus_files
from tools.fuzz.generated_inputs import check_round
from tools.fuzz.security_page import PAGE_PATH
from tools.fuzz.targets import TARGET_NAMES, load_target

MAX_INPUTS = 25
KEPT = [path for name in TARGET_NAMES for path in corpus_files(name)]


@pytest.mark.parametrize("path", KEPT, ids=lambda path: f"{path.parent.name}/{path.name}")
def test_a_law_holds_of_what_the_tree_keeps(path: Path) -> None:
    load_target(path.parent.name).check(path.read_bytes())


@pytest.mark.parametrize("name", TARGET_NAMES)
def test_a_law_holds_of_what_is_almost_right(name: str, pytestconfig: pytest.Config) -> None:
    outcome = check_round(load_target(name), MAX_INPUTS, pytestconfig.getoption("randomly_seed", 0))
    assert outcome.reason == ""


@pytest.mark.parametrize("name", TARGET_NAMES)
def test_every_target_has_a_seed_that_a_person_can_read(name: str) -> None:
    assert corpus_files(name)
    assert all(path.stat().st_size < 4_096 for path in corpus_files(name))


def test_the_page_on_security_tells_every_law() -> None:
    page = PAGE_PATH.read_text(encoding="utf-8")
    laws = page.split("| target | law |", 1)[1].split("\n\n", 1)[0]
    assert re.findall(r"^\| `(\w+)`", laws, re.MULTILINE) == list(TARGET_NAMES)


@pytest.mark.skipif(not covered_inputs.is_available(), reason="Atheris has wheels for Linux only")
def test_mutation_for_coverage_runs_a_target() -> None:
    outcome = covered_inputs.check_covered("encoding", seconds=1, first_seed=1)
    assert outcome.inputs > 100, outcome.reason
