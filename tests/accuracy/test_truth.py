"""What counts as right in the table of accuracy."""

from pathlib import Path

import pytest
from tools.accuracy.ground_truth import (
    GroundTruth,
    endpoint_is_right,
    holder_is_right,
    lab_ground_truth,
    site_is_right,
    zoo_ground_truth,
)

LAB = GroundTruth(
    verdict="leak",
    holders=("chat.app.extensions['chat'].lobby.said",),
    sites=frozenset({("chat.py", 12)}),
    endpoints=("GET /say/<text>",),
)


@pytest.mark.parametrize(
    ("holder", "right"),
    [
        ("chat.app.extensions['chat'].lobby.said", True),
        ('chat.app.extensions["chat"].lobby.said', True),
        ("chat.Room.said", True),
        ("chat.app.extensions", False),
        ("other.lobby.said", False),
        ("", False),
    ],
)
def test_a_holder_is_right_by_where_its_path_begins_and_ends(holder: str, right: bool) -> None:  # noqa: FBT001
    assert holder_is_right(LAB, holder) is right


@pytest.mark.parametrize(
    ("site", "right"),
    [
        ("chat.py:12", True),
        ("labs/chat.py:12", True),
        ("chat.py:13", False),
        ("mychat.py:12", False),
        ("chat.py", False),
        ("", False),
    ],
)
def test_a_site_is_right_by_file_and_line(site: str, right: bool) -> None:  # noqa: FBT001
    assert site_is_right(LAB, site) is right


@pytest.mark.parametrize(
    ("endpoint", "truth", "right"),
    [
        ("GET /say/<text>", LAB, True),
        ("GET /rooms", LAB, False),
        ("", LAB, False),
        ("", GroundTruth(verdict="leak"), True),
        ("GET /rows/<int:n>", GroundTruth(verdict="leak", endpoints=("GET /rows/{i}",)), True),
        ("POST /rows/<int:n>", GroundTruth(verdict="leak", endpoints=("GET /rows/{i}",)), False),
    ],
)
def test_an_endpoint_is_right_by_its_rule(endpoint: str, truth: GroundTruth, right: bool) -> None:  # noqa: FBT001
    assert endpoint_is_right(truth, endpoint) is right


def test_the_lines_of_a_lab_are_looked_up(tmp_path: Path) -> None:
    file = tmp_path / "shop.py"
    file.write_text("seen = []\n\ndef view():\n    seen.append(1)\n")
    truth = lab_ground_truth(
        file, {"verdict": "leak", "causes": ["native"], "lines": ["seen.append(1)"]}
    )
    assert truth.sites == {("shop.py", 4)}
    assert not truth.python_level


CULPRIT = "attr._make.Cache._known (dict), filled by attr._make._make_method, called from app.rows"


@pytest.fixture
def zoo_truth(tmp_path: Path) -> GroundTruth:
    (tmp_path / "app.py").write_text("x = 1\n\ndef rows():\n    return x\n")
    facts = {"class": "python", "culprit": CULPRIT, "endpoint": [{"path": "/rows/{i}"}]}
    return zoo_ground_truth(tmp_path, facts, leaky=True)


def test_the_description_of_a_culprit_says_what_is_right(zoo_truth: GroundTruth) -> None:
    assert holder_is_right(zoo_truth, "attr._make.Cache._known")
    assert not holder_is_right(zoo_truth, "app.app.config")
    assert site_is_right(zoo_truth, "/lib/python3.11/site-packages/attr/_make.py:300")
    assert not site_is_right(zoo_truth, "/zoo/attr_make/elsewhere.py:300")
    assert site_is_right(zoo_truth, "app.py:4")
    assert not site_is_right(zoo_truth, "app.py:1")
    assert endpoint_is_right(zoo_truth, "GET /rows/<int:n>")


def test_what_was_fixed_is_no_leak(tmp_path: Path) -> None:
    assert (
        zoo_ground_truth(tmp_path, {"class": "python", "culprit": CULPRIT}, leaky=False).verdict
        == "no leak"
    )
