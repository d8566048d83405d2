"""Explains values whose type does not support what the code does with them."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

CONCATENATION_PATTERN = r'^can only concatenate (?P<left>\w+) \(not "(?P<right>\w+)"\) to'
OPERATOR_SIGNS: dict[type[ast.AST], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
JSON_CONVERSIONS = {
    "Decimal": "str(value) or float(value)",
    "datetime": "value.isoformat()",
    "date": "value.isoformat()",
    "set": "sorted(value) or list(value)",
    "bytes": "value.decode() or base64",
    "UUID": "str(value)",
    "Row": "dict(row._mapping)",
}


def name_operands(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name both sides; wrap in `str` the number that is added to a text."""
    sign = matched["op"] or matched["cmp"] or "+"
    operations = [
        (node, sides)
        for node in raised.statement_nodes()
        if (sides := _operand_sources(node, sign)) is not None
    ]
    if not raised.is_raised_here or len(operations) != 1:
        return None
    [(node, sides)] = operations
    names = {"one": sides[0], "other": sides[1]}
    return RuleMatch(
        names, {"values": _operand_values(raised, sides)}, diff=_wrapped_in_str(raised, node)
    )


def _operand_sources(node: ast.AST, sign: str) -> tuple[str, str] | None:
    """Return the source of both sides of *node*, if it is an operation with *sign*."""
    match node:
        case ast.BinOp(left=left, op=operator, right=right):
            signs = {OPERATOR_SIGNS.get(type(operator))}
        case ast.AugAssign(target=left, op=operator, value=right):
            signs = {OPERATOR_SIGNS.get(type(operator)), f"{OPERATOR_SIGNS.get(type(operator))}="}
        case ast.Compare(left=left, ops=[operator], comparators=[right]):
            signs = {OPERATOR_SIGNS.get(type(operator))}
        case _:
            return None
    return (ast.unparse(left), ast.unparse(right)) if sign in signs else None


def _operand_values(raised: RaisedException, sides: tuple[str, str]) -> str:
    shown = raised.frame.locals
    sentences = [f"`{one}` was {quoted(shown[one], 60)}" for one in sides if one in shown]
    return f" Here {' and '.join(sentences)}." if sentences else ""


def _wrapped_in_str(raised: RaisedException, node: ast.AST) -> str:
    match node:
        case ast.BinOp(op=ast.Add(), right=ast.Name(id=name)):
            local_repr = raised.frame.locals.get(name, "")
            if re.fullmatch(r"-?\d+(\.\d+)?", local_repr) and raised.exception.value.startswith(
                "can only"
            ):
                return replacement_diff(raised.frame, name, f"str({name})")
    return ""


def name_expression(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name what was called, indexed or iterated over."""
    node_types: dict[str, type[ast.AST] | tuple[type[ast.AST], ...]] = {
        "callable": ast.Call,
        "subscriptable": ast.Subscript,
        "iterable": (ast.For, ast.comprehension, ast.Starred),
    }
    expressions = {
        ast.unparse(getattr(node, "func", None) or getattr(node, "iter", None) or node.value)  # type: ignore[attr-defined]
        for node in raised.statement_nodes()
        if isinstance(node, node_types[matched["able"]])
    }
    if not raised.is_raised_here or len(expressions) != 1:
        return None
    return RuleMatch(
        {"expr": expressions.pop()}, {"reason": _reason(matched["owner"], matched["able"])}
    )


def _reason(owner: str, able: str) -> str:
    if owner in {"function", "method", "builtin_function_or_method"} and able == "subscriptable":
        return "It is written with brackets; a function is called with parentheses."
    if owner == "coroutine":
        return "An `async def` function was called without `await`: this is the coroutine, not its result."
    if able == "callable" and owner in {"str", "int", "list", "dict", "tuple", "float", "bool"}:
        return (
            f"The name refers to a {owner}: a variable hides the function of that name, or a comma is"
            " missing before a parenthesis."
        )
    if able == "iterable":
        return f"It is a single {owner}, where several values were expected."
    return f"It is a {owner}, where something else was expected."


def suggest_conversion(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Say how to convert a value of that type to JSON."""
    hint = JSON_CONVERSIONS.get(matched["kind"], "a dict of its fields")
    return RuleMatch({"hint": hint})


RULES = (
    ErrorRule(
        slug="view-returned-none",
        exception_types=("TypeError",),
        pattern=r"^The view function for '(?P<view>[^']+)' did not return a valid response. The"
        r" function either returned None",
        title="The view `{view}` returns nothing",
        what="The view `{view}` ended without a `return`, or returned None.",
        why="One path through the view has no `return`: often an `if` without an `else`, or a POST"
        " that is handled without an answer.",
        fix="Return a response on every path through `{view}`: a template, a dict or a `redirect(…)`.",
        unless="a decorator around the view loses its return value: then fix the decorator.",
        confidence=0.97,
    ),
    ErrorRule(
        slug="view-returned-something-else",
        exception_types=("TypeError",),
        pattern=r"^The view function(?: for '(?P<view>[^']+)')? did not return a valid response\..*it"
        r" was an? (?P<kind>\w+)",
        title="The view `{view}` returns a {kind}, which is not a response",
        why="Flask makes responses only from text, bytes, dicts, lists, tuples and `Response` objects.",
        fix="Convert it to one of these, with `jsonify(…)`, `str(…)` or `Response(…)`.",
        unless="a decorator replaces what the view returns.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="not-for-json",
        exception_types=("TypeError",),
        pattern=r"^Object of type (?P<kind>\w+) is not JSON serializable",
        title="A `{kind}` cannot be written as JSON",
        why="JSON has text, numbers, booleans, lists and dicts; a `{kind}` is none of them.",
        fix="Convert it before it is written at {at}: `{hint}`; or extend the app's JSON provider.",
        unless="the value should not be in the response at all.",
        confidence=0.95,
        examine=suggest_conversion,
    ),
    ErrorRule(
        slug="unhashable",
        exception_types=("TypeError",),
        pattern=r"unhashable type: '(?P<kind>\w+)'",
        title="A {kind} is used as a dict key or put into a set",
        why="Dict keys, members of sets and arguments of `lru_cache` functions must be hashable; a"
        " {kind} is not, because it can change.",
        fix="At {at}, make it a tuple or a `frozenset`, or use an id instead of the {kind}.",
        unless="the brackets at {at} should be a call or a slice.",
    ),
    ErrorRule(
        slug="dates-naive-and-aware",
        exception_types=("TypeError",),
        pattern=r"offset-naive and offset-aware",
        title="A time with a time zone is combined with a time without one",
        why="One of the two was made without a time zone (`datetime.utcnow()`, a database column"
        " without time zone), the other with one.",
        fix="Make both aware before {at}: `datetime.now(UTC)`, and `.replace(tzinfo=UTC)` for"
        " times that were stored as UTC.",
        unless="the stored times are not in UTC: then use the time zone they were written in.",
        confidence=0.97,
    ),
    ErrorRule(
        slug="operands",
        exception_types=("TypeError",),
        pattern=rf"{CONCATENATION_PATTERN}|^unsupported operand type\(s\) for (?P<op>\S+): '(?P<a>[\w.]+)' and"
        r" '(?P<b>[\w.]+)'|^'(?P<cmp>\S+)' not supported between instances of '(?P<c>\w+)' and"
        r" '(?P<d>\w+)'",
        title="`{one}` and `{other}` have types that cannot be combined",
        why="Python does not convert one to the other automatically.{values}",
        fix="Convert one of them at {at}: `int(…)` or `float(…)` to calculate and compare, `str(…)`"
        " or an f-string to join. Values from a form, a URL or a file are text.",
        unless="one of them should never have that type: then fix the code it comes from.",
        confidence=0.88,
        examine=name_operands,
    ),
    ErrorRule(
        slug="not-able",
        exception_types=("TypeError",),
        pattern=r"^(?:cannot unpack non-iterable |)'?(?P<owner>[\w.]+)'? object is not"
        r" (?P<able>callable|subscriptable|iterable)",
        title="`{expr}` is a {owner}, which is not {able}",
        why="{reason}",
        fix="Check where `{expr}` gets its value, and fix it there or at {at}.",
        unless="`{expr}` is correct, and another name was meant there.",
        confidence=0.88,
        examine=name_expression,
    ),
    ErrorRule(
        slug="types-somewhere",
        exception_types=("TypeError",),
        pattern=r"^unsupported operand|not supported between|is not (?:callable|subscriptable|iterable)|^can only concatenate",
        title="A value in {function} has an unexpected type",
        why="{value}.",
        fix="Look for the value of that type among the locals at {at}, and convert it, or fix the code that makes it.",
        unless="the type is correct, and another operation was meant.",
        confidence=0.5,
    ),
    ErrorRule(
        slug="no-item-assignment",
        exception_types=("TypeError",),
        pattern=r"^'(?P<owner>\w+)' object does not support item (?:assignment|deletion)",
        title="The elements of a {owner} cannot be changed",
        why="Strings, tuples and bytes cannot be changed once they are made.",
        fix="Make a new one at {at}, or use a list or a dict from the start.",
        unless="it should be a list or a dict: then look at the code that makes it.",
    ),
    ErrorRule(
        slug="indices-must-be",
        exception_types=("TypeError",),
        pattern=r"^(?P<owner>list|tuple|string|str|byte) indices must be integers(?: or slices)?,"
        r" not '?(?P<got>\w+)'?",
        title="A {owner} is indexed with a {got}, as if it were a dict",
        why="It is a {owner}, where a dict was expected: JSON whose top level is an array or a string,"
        " or JSON that was not parsed.",
        fix="Parse it (`json.loads`), loop over it, or take one element before {at}.",
        unless="the index should be a number: then convert it with `int(…)`.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="bytes-and-text",
        exception_types=("TypeError",),
        pattern=r"a bytes-like object is required, not 'str'|must be str, not bytes|cannot use a"
        r" (?:string|bytes) pattern on a (?:bytes|string)-like",
        title="Bytes and text are mixed in {function}",
        why="Files opened with 'b', sockets and `request.data` give bytes; everything else is"
        " text.",
        fix='Decode or encode where data comes in or goes out: `data.decode("utf-8")`, `text.encode("utf-8")`; at {at}.',
        unless="the file should be opened in text mode instead.",
    ),
)
