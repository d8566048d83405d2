"""The tables on docs/check.md."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from tools.check_judged.app_packages import ROOT
from tools.check_judged.recall import LeakCase
from tools.marked_sections import replace_marked

PAGE = ROOT / "docs" / "check.md"
HOW = """\
Made by `make check-judged`, which downloads open-source Flask applications from PyPI, each in one version, unpacks them and runs none of their code. Every
finding was judged by reading the source: it is *true* if the code does what the message says and that matters in a worker that lives for days. The judgements,
with a reason each, are in `tools/check_judged/judgements.toml`; a finding that nobody judged stops the run.
"""
ROUNDS = """\
### Is it right?

The applications came in rounds. *Unseen* is what a round gave when it was checked for the first time, before anybody had read its code; then rules were improved
for general reasons, with tests, and *now* is what they give today. Of the last round nothing was used. So expect about what *unseen* says of your own code:
the rest are mostly threads that something bounds out of sight, and caches whose keys are few.
"""
PEERS = """\
### Beside other tools

The same {packages} applications (the first round). *Per request*: findings in functions that run for each request, as `bugsly check` finds them, and caches
on methods anywhere; each of these was judged like the others. The rest are in scripts, builds and start-up. Other tools look for other things
too; only their rules about files, connections, caches and state that stays were run, for Bandit all, as it has none of these.
"""
RECALL = """\
### What does it find?

Of leaks that are known, in the [labs](accuracy.md) of this repository and in a zoo of released versions of libraries with documented leaks. A leak is *visible* if
the source of the app shows it: what happens within a library, in C or between several apps, no check of the app can see. {controls}
"""


@dataclass(frozen=True, slots=True)
class RoundScore:
    """What a round of applications gave."""

    name: str
    packages: int
    lines: int
    findings: int
    true: int
    true_before: int | None
    all_before: int | None


@dataclass(frozen=True, slots=True)
class ToolScore:
    """What a tool found in the applications of the first round."""

    name: str
    rules: str
    findings: int
    per_request: int | None
    """None where its rules are about nothing that could outlive a request."""
    true: int | None


def write_tables(
    rounds: Sequence[RoundScore], tools: Sequence[ToolScore], cases: Sequence[LeakCase]
) -> None:
    """Write all tables between the markers of the page."""
    page = PAGE.read_text(encoding="utf-8")
    parts = [
        *(HOW, ROUNDS, *_round_rows(rounds), ""),
        *(PEERS.format(packages=rounds[0].packages), *_tool_rows(tools), ""),
        *(RECALL.format(controls=_controls(cases)), *_recall_rows(cases), ""),
    ]
    text = "\n".join(parts)
    PAGE.write_text(replace_marked(page, "check tables", f"\n{text}"), encoding="utf-8")


def _round_rows(rounds: Sequence[RoundScore]) -> Iterable[str]:
    yield "| round | applications | lines | unseen | now |"
    yield "|---|---:|---:|---:|---:|"
    for score in rounds:
        yield (
            f"| {score.name} | {score.packages} | {score.lines:,} "
            f"| {_share(score.true_before, score.all_before)} | {_share(score.true, score.findings)} |"
        )
    seen = [score for score in rounds if score.all_before is not None]
    yield (
        f"| all | {sum(one.packages for one in rounds)} | {sum(one.lines for one in rounds):,} "
        f"| {_share(sum(one.true_before or 0 for one in seen), sum(one.all_before or 0 for one in seen))} "
        f"| {_share(sum(one.true for one in rounds), sum(one.findings for one in rounds))} |"
    )


def _tool_rows(tools: Sequence[ToolScore]) -> Iterable[str]:
    yield "| tool | rules | findings | per request | true |"
    yield "|---|---|---:|---:|---:|"
    for score in tools:
        per_request = "–" if score.per_request is None else f"{score.per_request}"
        true = "–" if score.true is None else _share(score.true, score.per_request)
        yield f"| {score.name} | {score.rules} | {score.findings:,} | {per_request} | {true} |"


def _recall_rows(cases: Sequence[LeakCase]) -> Iterable[str]:
    leaks = [case for case in cases if case.is_leak]
    visible = [case for case in leaks if not case.hidden_because]
    found = [case for case in visible if case.codes]
    yield f"**{_share(len(found), len(visible))}** of the leaks that are visible are found."
    yield ""
    yield "| case | what leaks | found by | not visible because |"
    yield "|---|---|---|---|"
    for case in sorted(leaks, key=_order):
        codes = ", ".join(f"[{code}](check/{code}.md)" for code in case.codes) or "–"
        story = case.story.replace("|", "\\|").replace("<", "&lt;")
        yield f"| {case.name} | {story} | {codes} | {case.hidden_because} |"


def _order(case: LeakCase) -> tuple[bool, bool]:
    """Sort what is found first, and what is not visible last."""
    return bool(case.hidden_because), not case.codes


def _controls(cases: Sequence[LeakCase]) -> str:
    controls = [case for case in cases if not case.is_leak]
    wrong = [case.name for case in controls if case.codes]
    names = f" ({', '.join(wrong)})" if wrong else ""
    return f"Of {len(controls)} apps that grow honestly or not at all, it says something of {len(wrong)}{names}."


def _share(part: int | None, whole: int | None) -> str:
    if part is None or not whole:
        return "–"
    return f"{part} of {whole} ({part / whole:.0%})"
