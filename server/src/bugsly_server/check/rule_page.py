"""The page of a rule, made from its file."""

from __future__ import annotations

from bugsly_server.check.rule import CheckRule


def rule_page(rule: CheckRule) -> str:
    """Return the page of *rule* as Markdown."""
    return "\n".join(
        [
            f"# {rule.code}: {rule.name}",
            "",
            rule.summary,
            "",
            "## Why it matters",
            "",
            rule.why,
            "",
            "## What is found",
            "",
            *_example(rule.file_name, rule.bad),
            "## What is right",
            "",
            *_example(rule.file_name, rule.good),
            f"To keep a line as it is, end it with `# bugsly: ignore[{rule.code}]`.",
            "",
        ]
    )


def _example(file_name: str, source: str) -> list[str]:
    return [f"`{file_name}`:", "", "```python", source.rstrip("\n"), "```", ""]
