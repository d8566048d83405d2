"""How many leaks a project may have."""

from tests.support.issues import finding, issue

from bugsly_server.detect.issue_matching import IssueMatch
from bugsly_server.detect.leak_overflow import OVERFLOW_FINGERPRINT, share_overflow
from bugsly_server.model.issue import Finding


def new(name: str) -> IssueMatch:
    return None, finding(fingerprint=name, title=f"{name} grows")


def known(name: str, found: Finding | None = None) -> IssueMatch:
    return issue(fingerprint=name), found


def fingerprints(matches: list[IssueMatch]) -> list[str | None]:
    return [None if one is None else one.fingerprint for _, one in matches]


def test_below_the_limit_nothing_changes() -> None:
    matches = [known("a"), known("b", finding(fingerprint="b")), new("c")]
    assert share_overflow(matches, 3) == matches
    assert share_overflow([known("a"), known("b")], 1) == [known("a"), known("b")]


def test_leaks_beyond_the_limit_open_one_issue() -> None:
    shared = share_overflow([known("a"), new("b"), new("c"), new("d")], 2)
    assert fingerprints(shared) == [None, "b", OVERFLOW_FINGERPRINT]
    issue_of_others, found = shared[-1]
    assert issue_of_others is None
    assert found is not None
    assert found.title == "All leaks beyond the 2 that a project may have"
    assert found.because == ("the project has 2 leaks already; of 2 others the first is: c grows")
    assert (found.diagnosis, found.environment) == (None, "")


def test_further_ones_belong_to_the_issue_of_those_before() -> None:
    overflow = known(OVERFLOW_FINGERPRINT)
    shared = share_overflow([known("a"), overflow, new("b")], 2)
    assert [one and one.fingerprint for one, _ in shared] == ["a", OVERFLOW_FINGERPRINT]
    assert fingerprints(shared) == [None, OVERFLOW_FINGERPRINT]


def test_a_known_leak_is_found_again_whatever_the_limit() -> None:
    again = known("a", finding(fingerprint="a"))
    assert share_overflow([again, new("b")], 1)[0] == again


def test_the_issue_of_the_others_becomes_quiet_when_they_do() -> None:
    quiet = [known("a"), known(OVERFLOW_FINGERPRINT)]
    assert share_overflow(quiet, 2) == quiet
