"""A baseline knows what was there, wherever it has moved, and nothing else."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bugsly_server.check.baseline import Baseline
from bugsly_server.check.rule import CheckFinding
from bugsly_server.errors import Misconfigured, NotFound

FOLDER = Path("/srv/shop")
findings = st.lists(
    st.builds(
        CheckFinding,
        code=st.sampled_from(["BG101", "BG201"]),
        path=st.sampled_from([FOLDER / "a.py", FOLDER / "b/c.py", Path("/elsewhere/d.py")]),
        line=st.integers(1, 500),
        column=st.integers(1, 80),
        end_line=st.just(500),
        text=st.sampled_from(["log.append(1)", "db.connect()", ""]),
        message=st.just("it leaks"),
    ),
    max_size=12,
)


def shifted(finding: CheckFinding, lines: int) -> CheckFinding:
    return CheckFinding(
        code=finding.code,
        path=finding.path,
        line=finding.line + lines,
        column=finding.column + 4,
        end_line=finding.end_line + lines,
        text=finding.text,
        message="it leaks, in other words",
    )


@given(findings, st.integers(0, 99))
def test_it_knows_all_it_was_made_of_wherever_they_move(
    found: list[CheckFinding], lines: int
) -> None:
    baseline = Baseline.of(found, FOLDER)
    assert baseline.unknown([shifted(one, lines) for one in found]) == []


@given(findings, findings)
def test_new_findings_are_reported_however_many_are_known(
    known: list[CheckFinding], new: list[CheckFinding]
) -> None:
    unknown = Baseline.of(known, FOLDER).unknown([*known, *new])
    assert len(unknown) == len(new)


@given(findings, findings)
def test_what_is_reported_is_among_what_was_found(
    known: list[CheckFinding], found: list[CheckFinding]
) -> None:
    baseline = Baseline.of(known, FOLDER)
    unknown = baseline.unknown(found)
    assert all(one in found for one in unknown)
    assert baseline.unknown(found) == unknown, "asking changes nothing"


@given(known=findings, found=findings)
def test_it_is_the_same_after_it_was_written(
    known: list[CheckFinding], found: list[CheckFinding], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("baseline")
    baseline = Baseline.of(known, folder)
    baseline.write(folder / "baseline.json")
    assert Baseline.load(folder / "baseline.json").unknown(found) == baseline.unknown(found)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "it is no baseline of bugsly"),
        (b"{}", "it is no baseline of bugsly"),
        (b"[" * 9999, "it is no baseline of bugsly"),
        (b'{"version": 1, "findings": [{"code": "BG101"}]}', "it is no baseline of bugsly"),
        (b'{"version": 1, "findings": [\xff]}', "it is no baseline of bugsly"),
        (b'{"version": 0}', "of version 0, and this Bugsly reads version 1"),
        (b'{"version": 2, "entries": []}', "of version 2, and this Bugsly reads version 1"),
    ],
)
def test_another_version_or_a_damaged_file_is_a_sentence(
    content: bytes, message: str, tmp_path: Path
) -> None:
    file = tmp_path / "baseline.json"
    file.write_bytes(content)
    with pytest.raises(Misconfigured, match=f"{message}.* → write it anew with --write-baseline"):
        Baseline.load(file)


def test_a_file_that_is_not_there_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match=r"No such file.* → write it anew"):
        Baseline.load(tmp_path / "baseline.json")


def test_a_file_that_cannot_be_written_is_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(Misconfigured, match="→ choose a file that can be written"):
        Baseline.of([], tmp_path).write(tmp_path / "none/baseline.json")
