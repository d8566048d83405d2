"""Arithmetic that has no result."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene

ZERO = re.compile(r"-?0(\.0*)?|Decimal\('0(\.0*)?'\)")


def divisor(scene: Scene, _found: re.Match[str]) -> Reading | None:
    """Name what it was divided by."""
    divisors = [
        ast.unparse(node.right)
        for node in scene.nodes()
        if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)
    ] + [
        ast.unparse(node.value)
        for node in scene.nodes()
        if isinstance(node, ast.AugAssign) and isinstance(node.op, ast.Div | ast.FloorDiv | ast.Mod)
    ]
    zeros = [one for one in divisors if ZERO.fullmatch(scene.frame.locals.get(one, ""))]
    chosen = zeros or divisors
    if not scene.raised_here or len(set(chosen)) != 1:
        return None
    counted = "len(" in chosen[0] or ".count" in chosen[0]
    return Reading(
        {"divisor": chosen[0]},
        {"reason": " It counts something, and there was nothing to count." if counted else ""},
        confidence=0.97 if zeros else None,
    )


RULES = (
    Rule(
        slug="division-by-zero",
        types=("ZeroDivisionError",),
        title="`{divisor}` is 0, and something is divided by it",
        what="{line} divided by `{divisor}`, which was 0.",
        why="Nothing before that line rules out a zero.{reason}",
        fix="Say what the result shall be then, at {at}: `… if {divisor} else 0`, or leave out the"
        " empty case earlier.",
        unless="another division on the same line is by zero.",
        confidence=0.94,
        read=divisor,
    ),
    Rule(
        slug="division-by-zero-somewhere",
        types=("ZeroDivisionError", "DivisionByZero", "InvalidOperation"),
        title="Something is divided by zero in {function}",
        why="A divisor that can be 0 is not tested.",
        fix="Test it before {at}, and say what the result shall be then.",
        unless="the value is not a number (`Decimal('NaN')`) rather than 0.",
        confidence=0.6,
    ),
    Rule(
        slug="decimal-invalid",
        types=("InvalidOperation",),
        pattern=r"ConversionSyntax",
        title="A text is no decimal number",
        why="`Decimal(…)` takes `12.50`, not `12,50`, not an empty field, not a currency sign.",
        fix="Check or clean the text before {at}, and answer 400 for the rest.",
        unless="the text is right for another locale: then parse it with that.",
    ),
    Rule(
        slug="overflow",
        types=("OverflowError",),
        title="A number is too large for what it is used for",
        why="{value}: it left the range of a float, a C integer, a date or a column.",
        fix="Bound the number before {at}, as page sizes and ids from a URL.",
        unless="the number is right; then use `int` or `Decimal` where it can be that large.",
        confidence=0.8,
    ),
)
