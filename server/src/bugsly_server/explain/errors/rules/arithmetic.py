"""Explains arithmetic that has no result."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

ZERO_PATTERN = re.compile(r"-?0(\.0*)?|Decimal\('0(\.0*)?'\)")


def name_divisor(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name what it was divided by."""
    divisors = [
        ast.unparse(node.right)
        for node in raised.statement_nodes()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)
    ] + [
        ast.unparse(node.value)
        for node in raised.statement_nodes()
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)
    ]
    zeros = [one for one in divisors if ZERO_PATTERN.fullmatch(raised.frame.locals.get(one, ""))]
    candidates = zeros or divisors
    if not raised.is_raised_here or len(set(candidates)) != 1:
        return None
    is_count = "len(" in candidates[0] or ".count" in candidates[0]
    return RuleMatch(
        {"divisor": candidates[0]},
        {"reason": " It is a count, and there was nothing to count." if is_count else ""},
        confidence=0.97 if zeros else None,
    )


RULES = (
    ErrorRule(
        slug="division-by-zero",
        exception_types=("ZeroDivisionError",),
        title="`{divisor}` is 0, and something is divided by it",
        what="{line} divided by `{divisor}`, which was 0.",
        why="Nothing before that line rules out a zero.{reason}",
        fix="Decide what the result should be then, at {at}: `… if {divisor} else 0`, or handle the"
        " empty case earlier.",
        unless="another division on the same line is by zero.",
        confidence=0.94,
        examine=name_divisor,
    ),
    ErrorRule(
        slug="division-by-zero-somewhere",
        exception_types=("ZeroDivisionError", "DivisionByZero", "InvalidOperation"),
        title="Something is divided by zero in {function}",
        why="A divisor can be 0, and the code does not check it.",
        fix="Check it before {at}, and decide what the result should be then.",
        unless="the value is not a number (`Decimal('NaN')`) rather than 0.",
        confidence=0.6,
    ),
    ErrorRule(
        slug="decimal-invalid",
        exception_types=("InvalidOperation",),
        pattern=r"ConversionSyntax",
        title="A text is not a decimal number",
        why="`Decimal(…)` accepts `12.50`, but not `12,50`, an empty field or a currency sign.",
        fix="Check or clean the text before {at}, and answer with a 400 if it is still invalid.",
        unless="the text is correct in another locale: then parse it with that locale.",
    ),
    ErrorRule(
        slug="overflow",
        exception_types=("OverflowError",),
        title="A number is too large for its use",
        why="{value}: the number is outside the range of a float, a C integer, a date or a column.",
        fix="Limit the number before {at}, for example page sizes and ids from a URL.",
        unless="the number is correct: then use `int` or `Decimal`, which can be that large.",
        confidence=0.8,
    ),
)
