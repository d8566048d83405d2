"""The cases that are there, and the plans that drive them."""

from pathlib import Path

import pytest
from tools.accuracy.__main__ import is_picked
from tools.accuracy.case_catalog import AccuracyCase, lab_cases, zoo_cases
from tools.accuracy.doctor_run import plan_as_toml, result_path

from bugsly_server.doctor.load_plan import plan_from_file

CASE = """
kind = "leak"
class = "native"
mechanism = "it grows"
culprit = "native:ujson, called from app.search"
requests = 800
worker_class = "gthread"
threads = 4
sidecar = ["redis-server", "--port", "{port}"]
[env]
SIZE = 5
[[endpoint]]
method = "POST"
path = "/search/{i}"
body = '{"text": "{i} \\\\ ü"}'
expected = 200
"""


@pytest.fixture
def cases(tmp_path: Path) -> list[AccuracyCase]:
    folder = tmp_path / "ujson_search"
    folder.mkdir()
    (folder / "case.toml").write_text(CASE)
    (folder / "app.py").write_text("def search(): pass\n")
    (folder / "requirements-fixed.txt").touch()
    return list(zoo_cases(tmp_path))


def test_a_leak_of_the_zoo_comes_with_its_control(cases: list[AccuracyCase]) -> None:
    leaky, fixed = cases
    assert (leaky.variant, leaky.is_leak) == ("leaky", True)
    assert (fixed.variant, fixed.is_leak) == ("fixed", False)
    assert leaky.requirements != fixed.requirements
    assert leaky.gunicorn == ("-k", "gthread", "--threads", "4")
    assert leaky.environ == {"ZOO_VARIANT": "leaky", "SIZE": "5"}


def test_a_plan_of_a_case_is_one_that_doctor_reads(
    cases: list[AccuracyCase], tmp_path: Path
) -> None:
    file = tmp_path / "plan.toml"
    for case in (*cases, *lab_cases()):
        file.write_text(plan_as_toml(case.plan), encoding="utf-8")
        plan = plan_from_file(file)
        assert len(plan.endpoints) == len(case.plan["endpoint"])
    file.write_text(plan_as_toml(cases[0].plan), encoding="utf-8")
    assert plan_from_file(file).endpoints[0].body_for(7) == '{"text": "7 \\\\ ü"}'.encode()
    assert plan_from_file(file).requests == 800


def test_each_case_has_a_place_of_its_own() -> None:
    every = list(lab_cases())
    assert len({result_path(one, "abc") for one in every}) == len(every)


@pytest.mark.parametrize(
    ("patterns", "picked"),
    [
        ("", True),
        ("ujson_search", True),
        ("ujson_*/fixed", False),
        ("ujson_*/leaky", True),
        ("leaky", True),
        ("prices, ujson*", True),
        ("prices", False),
    ],
)
def test_cases_are_picked_by_name_variant_or_both(
    patterns: str,
    picked: bool,  # noqa: FBT001
    cases: list[AccuracyCase],
) -> None:
    assert is_picked(cases[0], patterns) is picked
