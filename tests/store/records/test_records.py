"""What is stored as JSON comes back as it was, and another version of it is refused."""

import json
from collections.abc import Callable
from dataclasses import is_dataclass
from enum import Enum
from types import NoneType
from typing import Any, get_args, get_origin, get_type_hints

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.support.complete_values import bare_finding, unsure_finding, whole_finding
from tests.support.release_comparison import proof

from bugsly_server.errors import UnreadableRecord
from bugsly_server.model.fix_proof import FixProof
from bugsly_server.model.growth import GrowthJudgement
from bugsly_server.model.issue import Finding
from bugsly_server.store.records.finding import finding_from_json, finding_to_json
from bugsly_server.store.records.fix_proof import proof_from_json, proof_to_json
from bugsly_server.store.records.growth_judgement import judgement_from_json, judgement_to_json

SIMPLE_VALUES: dict[Any, st.SearchStrategy[Any]] = {
    str: st.text(max_size=5),
    int: st.integers(-(2**62), 2**62),
    float: st.floats(allow_nan=False, allow_infinity=False),
    bool: st.booleans(),
    NoneType: st.none(),
}


def values(kind: Any) -> st.SearchStrategy[Any]:
    """Return a strategy for *kind*: a dataclass, or what its fields are annotated with."""
    if kind in SIMPLE_VALUES:
        return SIMPLE_VALUES[kind]
    if isinstance(kind, type) and issubclass(kind, Enum):
        return st.sampled_from(kind)
    if isinstance(kind, type) and is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{name: values(hint) for name, hint in hints.items()})
    return composed_values(get_origin(kind), get_args(kind))


def composed_values(origin: Any, arguments: tuple[Any, ...]) -> st.SearchStrategy[Any]:
    """Return a strategy for a mapping, a tuple or a union of *arguments*."""
    if origin is dict:
        return st.dictionaries(*map(values, arguments), max_size=2)
    if origin is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if origin is tuple:
        return st.tuples(*map(values, arguments))
    return st.one_of(*map(values, arguments))


@given(values(Finding))
@settings(max_examples=60, suppress_health_check=[HealthCheck.too_slow])
def test_every_finding_comes_back_as_it_was(finding: Finding) -> None:
    assert finding_from_json(finding_to_json(finding)) == finding


@given(values(FixProof))
def test_every_proof_comes_back_as_it_was(fix_proof: FixProof) -> None:
    assert proof_from_json(proof_to_json(fix_proof)) == fix_proof


@given(values(GrowthJudgement))
def test_every_judgement_comes_back_as_it_was(judgement: GrowthJudgement) -> None:
    assert judgement_from_json(judgement_to_json(judgement)) == judgement


@pytest.mark.parametrize("finding", [whole_finding(), unsure_finding(), bare_finding()])
def test_a_finding_is_stored_with_its_version(finding: Finding) -> None:
    assert json.loads(finding_to_json(finding))["version"] == 2
    assert finding_from_json(finding_to_json(finding)) == finding


def test_what_was_stored_before_records_had_a_version_has_version_1() -> None:
    stored = json.loads(proof_to_json(proof()))
    del stored["version"]
    assert proof_from_json(json.dumps(stored)) == proof()


@pytest.mark.parametrize(
    ("read", "text", "problem"),
    [
        (finding_from_json, '{"version": 3}', "it has version 3, and this Bugsly reads version 2"),
        (finding_from_json, '{"title": "x"}', "it has version 1, and this Bugsly reads version 2"),
        (
            judgement_from_json,
            '{"version": 2}',
            "it has version 2, and this Bugsly reads version 1",
        ),
    ],
)
def test_another_version_is_refused_in_one_sentence(
    read: Callable[[str], object], text: str, problem: str
) -> None:
    advice = "→ run the Bugsly that wrote it"
    with pytest.raises(UnreadableRecord, match=f"^stored (finding|judgement): {problem} {advice}$"):
        read(text)


@pytest.mark.parametrize("text", ["", "[]", '{"version": 2}', '{"version": "x"}'])
def test_what_is_damaged_is_refused_in_one_sentence(text: str) -> None:
    advice = "→ restore the data folder from a backup"
    with pytest.raises(UnreadableRecord, match=f"^stored finding: it is damaged, .+ {advice}$"):
        finding_from_json(text)
