"""The cases: what is run, how it is driven, and what is true of it."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tools.accuracy.ground_truth import GroundTruth, lab_ground_truth, zoo_ground_truth

ROOT = Path(__file__).parents[2]
LABS = ROOT / "labs"
PLAN_KEYS = ("path", "method", "body", "content_type", "weight")


@dataclass(frozen=True, slots=True, kw_only=True)
class AccuracyCase:
    """One app in one variant."""

    name: str
    variant: str
    """`leaky`, `fixed` or `honest`."""
    story: str
    folder: Path
    target: str
    requirements: Path | None
    """What its own environment is made of; None for ours."""
    truth: GroundTruth
    plan: Mapping[str, Any]
    """As `bugsly doctor --plan` reads it."""
    gunicorn: tuple[str, ...]
    environ: Mapping[str, str]
    sidecar: tuple[str, ...]

    @property
    def key(self) -> str:
        """Return what tells it from all others."""
        return f"{self.name}-{self.variant}"

    @property
    def is_leak(self) -> bool:
        """Return whether the right verdict is `leak`."""
        return self.truth.verdict == "leak"


def lab_cases() -> Iterator[AccuracyCase]:
    """Yield the labs."""
    facts_by_lab = tomllib.loads((LABS / "cases.toml").read_text(encoding="utf-8"))
    for name, facts in facts_by_lab.items():
        yield AccuracyCase(
            name=name,
            variant="honest" if facts["verdict"] == "no leak" else "leaky",
            story=facts["story"],
            folder=LABS,
            target=f"{name}:app",
            requirements=None,
            truth=lab_ground_truth(LABS / f"{name}.py", facts),
            plan=_plan(facts),
            gunicorn=_gunicorn_options(facts),
            environ={},
            sidecar=(),
        )


def zoo_cases(folder: Path) -> Iterator[AccuracyCase]:
    """Yield the cases of a zoo, each leak also in its fixed variant."""
    for file in sorted(folder.glob("*/case.toml")):
        facts = tomllib.loads(file.read_text(encoding="utf-8"))
        if facts["kind"] == "leak":
            yield _zoo_case(file.parent, facts, "leaky")
            yield _zoo_case(file.parent, facts, "fixed")
        else:
            yield _zoo_case(file.parent, facts, "honest")


def _zoo_case(folder: Path, facts: Mapping[str, Any], variant: str) -> AccuracyCase:
    fixed = folder / "requirements-fixed.txt"
    use_fixed = variant == "fixed" and fixed.exists()
    return AccuracyCase(
        name=folder.name,
        variant=variant,
        story=facts["mechanism"],
        folder=folder,
        target="app:app",
        requirements=fixed if use_fixed else folder / "requirements.txt",
        truth=zoo_ground_truth(folder, facts, leaky=variant == "leaky"),
        plan=_plan(facts),
        gunicorn=_gunicorn_options(facts),
        environ={
            "ZOO_VARIANT": "fixed" if variant == "fixed" else "leaky",
            **{name: str(value) for name, value in facts.get("env", {}).items()},
        },
        sidecar=tuple(facts.get("sidecar", ())),
    )


def _plan(facts: Mapping[str, Any]) -> dict[str, Any]:
    plan = {name: facts[name] for name in ("requests", "clients") if name in facts}
    endpoints = facts.get("endpoint") or [{"path": "/"}]
    endpoint_plans = [{key: one[key] for key in PLAN_KEYS if key in one} for one in endpoints]
    return {**plan, "endpoint": endpoint_plans}


def _gunicorn_options(facts: Mapping[str, Any]) -> tuple[str, ...]:
    options = ["-k", facts["worker_class"]] if "worker_class" in facts else []
    options += ["--threads", str(facts["threads"])] if "threads" in facts else []
    return tuple(options)
