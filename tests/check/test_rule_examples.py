"""Every rule finds its bad example, is silent on its good one, and has fixes that work."""

from pathlib import Path

import pytest
from tests.support.checked_code import check_in

from bugsly_server.check.analysis import check_sources
from bugsly_server.check.check_run import CheckReport, Sources
from bugsly_server.check.fixing import fix_sources
from bugsly_server.check.rule import CheckRule
from bugsly_server.check.rule_page import rule_page
from bugsly_server.check.rules import check_rules

by_rule = pytest.mark.parametrize("rule", check_rules(), ids=lambda rule: rule.code)
FIXABLE = {"BG101", "BG102", "BG103", "BG201", "BG202", "BG203", "BG204", "BG301", "BG601"}


def report(sources: Sources) -> CheckReport:
    result = check_sources(sources, check_rules())
    return CheckReport(result.findings, 0, result.checked_files, result.problems)


@by_rule
def test_a_bad_example_is_found(rule: CheckRule, tmp_path: Path) -> None:
    result = check_in(tmp_path, {rule.file_name: rule.bad})
    assert rule.code in {finding.code for finding in result.findings}
    assert (result.problems, result.notes) == ((), ())


@by_rule
def test_a_good_example_is_silent(rule: CheckRule, tmp_path: Path) -> None:
    assert check_in(tmp_path, {rule.file_name: rule.good}).findings == ()


@by_rule
def test_a_fixed_example_is_silent(rule: CheckRule, tmp_path: Path) -> None:
    path = tmp_path / rule.file_name
    fixed = fix_sources({path: rule.bad.encode()}, report)
    left = report(fixed).findings
    assert not any(finding.rewrite is not None for finding in left)
    if rule.code in FIXABLE:
        assert left == ()
        compile(fixed[path], str(path), "exec")
    else:
        assert fixed[path] == rule.bad.encode()


def test_codes_and_names_are_unlike() -> None:
    rules = check_rules()
    assert len({rule.code for rule in rules}) == len({rule.name for rule in rules}) == len(rules)


@by_rule
def test_a_page_holds_why_bad_and_good(rule: CheckRule) -> None:
    page = rule_page(rule)
    assert page.startswith(f"# {rule.code}: {rule.name}\n")
    for part in (rule.summary, rule.why, rule.bad.strip(), rule.good.strip()):
        assert part in page
