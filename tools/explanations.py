"""Runs the code that fails in the tests and writes down what Bugsly says of each."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from tests.support.failures import FAMILIES, Failure
from tests.support.web_server import WebServer

from bugsly_server.explain.errors.rule_engine import explain_error
from bugsly_server.model.error_explanation import ErrorContext

PAGE_PATH = Path(__file__).parents[1] / "docs" / "explanations.md"
PAGE_INTRODUCTION = """\
# What Bugsly says of exceptions

Made by `make explanations`: each piece of code was run, and its exception explained by rules, without a model.
"""


def main() -> int:
    """Run all, and write the page."""
    parts = [PAGE_INTRODUCTION]
    with socket.create_server(("127.0.0.1", 0)) as silent, WebServer() as plain:
        ports = {"port": 1, "silent": silent.getsockname()[1], "plain": plain.port}
        for family in FAMILIES:
            module = import_module(f"tests.support.failures.{family}")
            parts.append(f"## {(module.__doc__ or '').strip()}\n")
            for case in module.CASES:
                text = "\n".join(_case_lines(case, ports))
                for name in ("silent", "plain"):
                    text = re.sub(rf"\b{ports[name]}\b", "8080", text)
                parts.append(re.sub(r"thread id \d+", "thread id 1", text) + "\n")
    PAGE_PATH.write_text("\n".join(parts), encoding="utf-8")
    return 0


def _case_lines(case: Failure, ports: dict[str, int]) -> Iterator[str]:
    event = case.event(**ports)
    explanation = explain_error(event, ErrorContext())
    assert explanation is not None, f"{case.rule}: nothing is said"
    yield f"### {event.exceptions[0].type}: {explanation.title}\n"
    yield f"```python\n{case.text}```\n"
    yield f"* **What happened.** {explanation.what}"
    yield f"* **Why.** {explanation.why}"
    yield f"* **Fix.** {explanation.fix}"
    yield f"* **Unless** {explanation.unless}"
    yield f"* Confidence {explanation.confidence:.0%}, rule `{explanation.rule}`."
    if explanation.diff:
        yield f"\n```diff\n{explanation.diff}\n```"


if __name__ == "__main__":
    sys.exit(main())
