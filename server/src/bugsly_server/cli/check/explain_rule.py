"""Prints the page of a rule, or the list of all."""

from __future__ import annotations

from bugsly_server.check.rule_page import rule_page
from bugsly_server.check.rules import check_rules
from bugsly_server.errors import NotFound


def explain(code: str) -> str:
    """Return the page of the rule *code*, or a line for each rule if *code* is empty."""
    rules = check_rules()
    if not code:
        return "\n".join(f"{rule.code}  {rule.name:<20}  {rule.summary}" for rule in rules)
    rule = next((rule for rule in rules if code.upper() in {rule.code, rule.name.upper()}), None)
    if rule is None:
        raise NotFound(f"{code!r}: no rule has this code → see bugsly check --explain")
    return rule_page(rule).rstrip("\n")
