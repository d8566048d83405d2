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
    if is_dataclass(kind):
        hints = get_type_hints(kind)
        return st.builds(kind, **{name: values(hint) for name, hint in hints.items()})
    arguments = get_args(kind)
    if get_origin(kind) is dict:
        return st.dictionaries(*map(values, arguments), max_size=2)
    if get_origin(kind) is tuple and arguments[-1] is Ellipsis:
        return st.lists(values(arguments[0]), max_size=2).map(tuple)
    if get_origin(kind) is tuple:
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
    ("read", "text", "message"),
    [
        (
            finding_from_json,
            '{"version": 3}',
            "stored finding: it has version 3, and this Bugsly reads version 2"
            " → run the Bugsly that wrote it",
        ),
        (
            finding_from_json,
            '{"fingerprint": "1/growing/production"}',
            "stored finding: it has version 1, and this Bugsly reads version 2"
            " → run the Bugsly that wrote it",
        ),
        (
            judgement_from_json,
            '{"version": 2, "verdict": "shrinking"}',
            "stored judgement: it has version 2, and this Bugsly reads version 1"
            " → run the Bugsly that wrote it",
        ),
        (
            finding_from_json,
            '{"version": 2}',
            "stored finding: it is damaged, Object missing required field `fingerprint`"
            " → restore the data folder from a backup",
        ),
        (
            proof_from_json,
            "",
            "stored proof: it is damaged, Input data was truncated"
            " → restore the data folder from a backup",
        ),
    ],
)
def test_what_cannot_be_read_is_refused_in_one_sentence(
    read: Callable[[str], object], text: str, message: str
) -> None:
    with pytest.raises(UnreadableRecord) as refused:
        read(text)
    assert str(refused.value) == message
