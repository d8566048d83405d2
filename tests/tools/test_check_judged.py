"""What was judged of `bugsly check` is counted, what was not is refused, and the labs hold."""

from pathlib import Path

import pytest
from tools.check_judged.app_packages import app_rounds
from tools.check_judged.judging import (
    JudgedPlace,
    Judgement,
    NotJudged,
    count_true,
    load_judgements,
)
from tools.check_judged.recall import lab_cases

OPENED = JudgedPlace("shop", "shop/views.py", "file = open(path)")
KEPT = JudgedPlace("shop", "shop/views.py", "log.append(entry)")


def test_true_findings_are_counted() -> None:
    judgements = {OPENED: Judgement(True, "not closed"), KEPT: Judgement(False, "emptied")}
    assert count_true([OPENED, OPENED, KEPT], judgements) == 2


def test_a_finding_that_nobody_judged_is_refused_with_its_place() -> None:
    with pytest.raises(NotJudged, match=r"shop/views\.py: log\.append\(entry\)"):
        count_true([OPENED, KEPT], {OPENED: Judgement(True, "not closed")})


def test_a_place_is_known_by_its_text(tmp_path: Path) -> None:
    (tmp_path / "views.py").write_text("\n    log.append(entry)\n", encoding="utf-8")
    place = JudgedPlace.at("shop", tmp_path, tmp_path / "views.py", 2)
    assert place == JudgedPlace("shop", "views.py", "log.append(entry)")


def test_every_judgement_is_of_an_application_and_has_a_reason() -> None:
    packages = {one.name for app_round in app_rounds() for one in app_round.packages}
    for place, judgement in load_judgements().items():
        assert place.package in packages
        assert judgement.reason


def test_labs_that_leak_are_found_and_the_others_left_alone() -> None:
    cases = list(lab_cases())
    visible = [case for case in cases if case.is_leak and not case.hidden_because]
    assert sum(bool(case.codes) for case in visible) >= 0.75 * len(visible)
    assert [case.name for case in cases if case.codes and not case.is_leak] == []
