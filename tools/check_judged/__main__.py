"""Judges `bugsly check` on open-source applications, beside other tools; writes docs/check.md."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

from bugsly_server.check.analysis import check_files
from bugsly_server.check.per_request import find_request_functions
from bugsly_server.check.project import SourceProject
from bugsly_server.check.rules import check_rules
from bugsly_server.check.source_reader import read_module
from bugsly_server.check.unchecked import UnreadableSource
from tools.check_judged import linters
from tools.check_judged.app_packages import ROOT, AppPackage, AppRound, app_rounds, fetch
from tools.check_judged.check_tables import RoundScore, ToolScore, write_tables
from tools.check_judged.judging import (
    JudgedPlace,
    Judgement,
    NotJudged,
    count_true,
    load_judgements,
)
from tools.check_judged.recall import lab_cases, zoo_cases

ZOO_FOLDER = ROOT.parent / "shared" / "zoo"
CACHES_ON_METHODS = frozenset({"B019", "W1518"})
Judgements = Mapping[JudgedPlace, Judgement]


def main() -> int:
    """Fetch, check, judge, write."""
    reader = argparse.ArgumentParser(prog="make check-judged ARGS=")
    reader.add_argument("--zoo", type=Path, default=ZOO_FOLDER, help="folder of more known leaks")
    reader.add_argument("--semgrep-rules", type=Path, help="a checkout of Semgrep's rules")
    chosen = reader.parse_args()
    rounds, judgements = list(app_rounds()), load_judgements()
    for package in (one for app_round in rounds for one in app_round.packages):
        fetch(package)
    try:
        scores = [_score_round(app_round, judgements) for app_round in rounds]
        tools = _score_tools(rounds[0].packages, scores[0], judgements, chosen.semgrep_rules)
    except NotJudged as problem:
        sys.exit(str(problem))
    write_tables(scores, tools, [*lab_cases(), *zoo_cases(chosen.zoo)])
    return 0


def _score_round(app_round: AppRound, judgements: Judgements) -> RoundScore:
    places: list[JudgedPlace] = []
    lines = 0
    for package in app_round.packages:
        files = package.files
        lines += sum(path.read_bytes().count(b"\n") for path in files)
        found = check_files(files, check_rules()).findings
        places += [_place(package, finding.path, finding.line) for finding in found]
    return RoundScore(
        name=app_round.name,
        packages=len(app_round.packages),
        lines=lines,
        findings=len(places),
        true=count_true(places, judgements),
        true_before=app_round.true_before,
        all_before=app_round.all_before,
    )


def _score_tools(
    packages: Sequence[AppPackage],
    own: RoundScore,
    judgements: Judgements,
    semgrep_rules: Path | None,
) -> list[ToolScore]:
    spans = {package.name: _request_lines(package) for package in packages}
    peers: dict[str, tuple[str, linters.Linter]] = {
        "ruff": (linters.RUFF_RULES, linters.ruff_findings),
        linters.PYLINT: (linters.PYLINT_RULES, linters.pylint_findings),
    }
    if semgrep_rules is not None:
        names = ", ".join(Path(one).stem for one in linters.SEMGREP_RULES)
        peers[linters.SEMGREP] = (names, linters.semgrep_findings(semgrep_rules))
    scores = [ToolScore("bugsly check", "all", own.findings, own.findings, own.true)]
    for name, (rules, find) in peers.items():
        found = [
            (one.code, package, one.path, one.line)
            for package in packages
            for one in linters.kept(name, find, package)
            if one.path in spans[package.name]
        ]
        near = [
            _place(package, path, line)
            for code, package, path, line in found
            if line in spans[package.name][path] or code in CACHES_ON_METHODS
        ]
        true = count_true(near, judgements)
        scores.append(ToolScore(name, rules, len(found), len(near), true))
    bandit = sum(
        one.path in spans[package.name]
        for package in packages
        for one in linters.kept(linters.BANDIT, linters.bandit_findings, package)
    )
    scores.append(ToolScore(linters.BANDIT, "all: none is about this", bandit, None, None))
    return scores


def _request_lines(package: AppPackage) -> dict[Path, set[int]]:
    """Return the lines of each file that run for each request."""
    modules = []
    for path in package.files:
        try:
            modules.append(read_module(path, path.read_bytes()))
        except UnreadableSource as problem:
            print(f"{path}: {problem.reason}")
    lines: dict[Path, set[int]] = {module.path: set() for module in modules}
    for reached in find_request_functions(SourceProject(modules)).values():
        node = reached.function.node
        end = node.end_lineno or node.lineno
        lines[reached.function.module.path].update(range(node.lineno, end + 1))
    return lines


def _place(package: AppPackage, path: Path, line: int) -> JudgedPlace:
    return JudgedPlace.at(package.name, package.folder, path, line)


if __name__ == "__main__":
    sys.exit(main())
