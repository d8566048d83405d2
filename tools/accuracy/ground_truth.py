"""What is true of a case, and whether a finding says it."""

from __future__ import annotations

import ast
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CAUSES_BY_CLASS = {
    "python": (
        *("growing-container", "unbounded-cache", "made-per-request", "handlers-per-request"),
        *("metric-labels", "kept-exception"),
    ),
    "native": ("native", "made-per-request"),
    "fd": ("unreturned-connection", "made-per-request", "growing-container"),
    "threads": ("threads", "made-per-request"),
    "cycle": ("cycles",),
}
"""Slugs that are honest for a class of the zoo, whose words are coarser than ours."""
COMMON_NAMES = frozenset({"app", "list", "dict", "self", "data", "name"})
NAME_PATTERN = re.compile(r"[A-Za-z_]\w+")


@dataclass(frozen=True, slots=True, kw_only=True)
class GroundTruth:
    """The right answers."""

    verdict: str
    causes: tuple[str, ...] = ()
    holders: tuple[str, ...] = ()
    holder_words: frozenset[str] = frozenset()
    """Names one of which the end of a right holder has, where no whole path is known."""
    sites: frozenset[tuple[str, int]] = frozenset()
    """File name and line."""
    modules: tuple[str, ...] = ()
    """As `attr/_make`; any line of such a module is right."""
    endpoints: tuple[str, ...] = ()
    """Rules or paths, with a method; empty where every endpoint is right."""
    python_level: bool = True
    """Whether Python objects hold the memory."""
    residual_growth: float = 0.0
    """Bytes per request that an honest case is described as growing by all the same."""


def lab_ground_truth(file: Path, facts: Mapping[str, Any]) -> GroundTruth:
    """Return the truth of a lab, with the numbers of its lines looked up."""
    lines = [line.strip() for line in file.read_text(encoding="utf-8").splitlines()]
    numbers = {lines.index(text) + 1 for text in facts.get("lines", ())}
    causes = tuple(facts.get("causes", ()))
    return GroundTruth(
        verdict=facts["verdict"],
        causes=causes,
        holders=tuple(facts.get("holders", ())),
        sites=frozenset((file.name, number) for number in numbers),
        endpoints=tuple(facts.get("endpoints", ())),
        python_level=causes[:1] not in (("native",), ("outside-workers",)),
    )


def zoo_ground_truth(folder: Path, facts: Mapping[str, Any], *, leaky: bool) -> GroundTruth:
    """Return the truth of a case of the zoo, as far as its description tells it.

    Right lines are those of the views, which call what leaks, and those of the modules that the
    description of the culprit names.
    """
    if not leaky:
        rest = facts.get("bytes_per_request_fixed", facts.get("bytes_per_request_tail", 0))
        return GroundTruth(verdict="no leak", residual_growth=float(rest))
    culprit = str(facts["culprit"])
    dotted = re.findall(r"[A-Za-z_][\w.]*\.[\w.]+", culprit)
    endpoints = facts.get("endpoint") or [{"path": "/"}]
    return GroundTruth(
        verdict="leak",
        causes=CAUSES_BY_CLASS[facts["class"]],
        holder_words=frozenset(NAME_PATTERN.findall(culprit)) - COMMON_NAMES,
        sites=frozenset(("app.py", number) for number in _lines_of_functions(folder / "app.py")),
        modules=tuple(module for one in dotted if (module := _module_path(one))),
        endpoints=tuple(f"{one.get('method', 'GET')} {one['path']}" for one in endpoints),
        python_level=facts["class"] != "native",
    )


def holder_is_right(truth: GroundTruth, holder: str) -> bool:
    """Return whether *holder* is what keeps the memory, whichever way its path is written."""
    if not holder:
        return False
    holder_names = _names_in_path(holder)
    for right_names in map(_names_in_path, truth.holders):
        if holder_names == right_names or (
            holder_names[0] == right_names[0] and holder_names[-1] == right_names[-1]
        ):
            return True
    return bool(truth.holder_words.intersection(holder_names[-2:]))


def site_is_right(truth: GroundTruth, site: str) -> bool:
    """Return whether *site* is a line that feeds or makes what leaks."""
    file, _, number = site.rpartition(":")
    if not file or not number.isdigit():
        return False
    if (Path(file).name, int(number)) in truth.sites:
        return True
    path = f"/{file.removesuffix('.py')}/"
    return any(f"/{module}/" in path for module in truth.modules)


def endpoint_is_right(truth: GroundTruth, endpoint: str) -> bool:
    """Return whether *endpoint*, as `GET /items/<int:id>`, is one that drives the leak."""
    if not truth.endpoints:
        return True
    pattern = "[^ ]*".join(re.escape(part) for part in re.split(r"<[^>]*>", endpoint))
    return any(one == endpoint or re.fullmatch(pattern, one) for one in truth.endpoints)


def _names_in_path(path: str) -> list[str]:
    """Return the names along a path, whatever joins them."""
    return NAME_PATTERN.findall(path) or [path]


def _module_path(dotted: str) -> str:
    """Return the path of the module in `attr._make._make_method`; '' for one of the app's own."""
    parts = dotted.split(".")
    classes = [index for index, part in enumerate(parts) if part[:1].isupper()]
    return "" if parts[0] == "app" else "/".join(parts[: classes[0] if classes else -1])


def _lines_of_functions(file: Path) -> set[int]:
    tree = ast.parse(file.read_text(encoding="utf-8"))
    found: set[int] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef):
            found.update(range(node.lineno, (node.end_lineno or node.lineno) + 1))
    return found
