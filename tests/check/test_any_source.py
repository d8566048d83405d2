"""Whatever the source: a check ends, and what it fixes is Python and is found no more."""

import ast
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from bugsly_server.check.analysis import check_sources
from bugsly_server.check.check_run import CheckReport, Sources
from bugsly_server.check.fixing import fix_sources
from bugsly_server.check.rules import check_rules

EXAMPLES = [text for rule in check_rules() for text in (rule.bad, rule.good)]
PATH = Path("shop.py")


def report(sources: Sources) -> CheckReport:
    result = check_sources(sources, check_rules())
    return CheckReport(result.findings, 0, result.checked_files, result.problems)


@st.composite
def torn_sources(draw: st.DrawFn) -> str:
    """Return lines of several examples: left out, doubled, indented and put together anew."""
    lines = "".join(draw(st.lists(st.sampled_from(EXAMPLES), min_size=1, max_size=3))).splitlines()
    for _ in range(draw(st.integers(0, 6))):
        place = draw(st.integers(0, len(lines)))
        change = draw(st.sampled_from(["drop", "double", "indent", "add"]))
        if change == "drop":
            del lines[place : place + draw(st.integers(1, 3))]
        elif change == "double":
            lines[place:place] = lines[place : place + draw(st.integers(1, 9))]
        elif change == "indent":
            lines[place : place + 1] = [f"    {line}" for line in lines[place : place + 1]]
        else:
            lines.insert(place, draw(st.text(max_size=9)))
    return draw(st.sampled_from(["\n", "\r\n"])).join(lines)


@settings(max_examples=60, deadline=None)
@given(torn_sources())
def test_a_check_ends_and_what_it_fixes_is_python(source: str) -> None:
    sources = {PATH: source.encode("utf-8", "surrogatepass")}
    fixable = report(sources).fixable
    fixed = fix_sources(sources, report)
    if fixable:
        ast.parse(fixed[PATH])
        assert report(fixed).fixable < fixable
    else:
        assert fixed == sources
