"""Explains None where another value was expected."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException, frame_location, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

ATTRIBUTE_PATTERN = r"^'NoneType' object has no attribute '(?P<attribute>\w+)'"
INDEX_PATTERN = r"^'NoneType' object (?:is not subscriptable|does not support item)"
ITERATION_PATTERN = (
    r"^(?:'NoneType' object is not iterable|cannot unpack non-iterable NoneType"
    r"|argument of type 'NoneType' is not)"
)
CALL_PATTERN = r"^'NoneType' object is not callable"
LENGTH_PATTERN = r"^object of type 'NoneType' has no len"
NUMBER_PATTERN = r"^(?:int|float)\(\) argument must be .*not 'NoneType'"
OPERAND_PATTERN = (
    r"^(?:unsupported operand type\(s\) for (?P<operator>\S+): .*'NoneType'"
    r"|'(?P<compare>\S+)' not supported between instances of .*'NoneType'"
    r"|can only concatenate \w+ \(not \"NoneType\"\))"
)


MAX_NAMED_VARIABLES = 4


class NoneSource(NamedTuple):
    """A call that returns None by design: when it does, and what to do about it."""

    pattern: str
    when: str
    fix: str


NONE_SOURCES = (
    NoneSource(
        r"\.(first|one_or_none|scalar_one_or_none|scalar|fetchone)\(\)$|\bget_or_none\(",
        "it returns None when no row matches",
        "handle the missing row: `first_or_404()` in a view with Flask-SQLAlchemy, or test for None"
        " and `abort(404)`",
    ),
    NoneSource(
        r"\bsession\.get\(|\.query\.get\(",
        "it returns None when the database has no row with that primary key",
        "handle the missing row: `db.get_or_404(…)` in a view with Flask-SQLAlchemy, or test for"
        " None and `abort(404)`",
    ),
    NoneSource(
        r"\bre\.(match|search|fullmatch)\(|\.(match|search|fullmatch)\(",
        "it returns None when the text does not match the pattern",
        "check that there is a match before you read its groups",
    ),
    NoneSource(
        r"\.(args|form|json|headers|cookies|environ|files)\.get\(|\bgetenv\(",
        "it returns None when the name was not sent or is not set",
        "refuse the request with a 400, or give `.get` a default",
    ),
    NoneSource(
        r"get_json\(.*silent=True",
        "it returns None when the body is not JSON",
        "answer with a 400 when it is None",
    ),
    NoneSource(
        r"\.get\([^,]*\)$",
        "`.get` returns None when the key is missing",
        "give `.get` a default, or handle the missing key",
    ),
    NoneSource(
        r"\.(sort|append|extend|update|reverse|add|clear|insert|shuffle)\(",
        "methods that change an object in place return None",
        "call it on a line of its own and keep using the object itself; `sorted(…)` returns a list",
    ),
    NoneSource(
        r"\.(find|find_next|select_one|find_parent)\(",
        "it returns None when nothing is found",
        "handle the case where nothing is found",
    ),
    NoneSource(r"^None$", "it is set to None there", "give it a value before it is used"),
)


def find_none_expression(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Find which expression was None and where it came from."""
    if not raised.is_raised_here:
        return None
    suspects = _possible_nones(raised, matched)
    if not suspects:
        return None
    texts = list(dict.fromkeys(ast.unparse(one) for one in suspects))
    expressions = " or ".join(f"`{quoted(text, 60)}`" for text in texts[:3])
    origin, advice = _origin(raised, suspects[0]) if len(texts) == 1 else ("", "")
    return RuleMatch(
        phrases={
            "expr": expressions,
            "use": _use(matched),
            "origin": origin or "A call that normally returns an object returned None this time.",
            "advice": advice or "return early, use a default, or `abort(404)` in a view",
        },
        diff=_with_empty_default(raised, suspects[0])
        if matched.re.pattern == ITERATION_PATTERN
        else "",
        confidence=0.55
        if len(texts) > 1
        else 0.95
        if _is_shown_as_none(raised, suspects[0])
        else 0.85,
    )


def _possible_nones(raised: RaisedException, matched: re.Match[str]) -> list[ast.expr]:
    """Return the expressions that can have been None; those that were, where locals show it."""
    possible = [
        one
        for node in raised.statement_nodes()
        for one in _receivers(node, matched)
        if not isinstance(one, ast.Constant | ast.List | ast.Dict | ast.Tuple | ast.JoinedStr)
        or (isinstance(one, ast.Constant) and one.value is None)
    ]
    shown_as_none = [one for one in possible if _is_shown_as_none(raised, one)]
    if shown_as_none:
        return shown_as_none
    locals_ = raised.frame.locals
    return [one for one in possible if not (isinstance(one, ast.Name) and one.id in locals_)]


def _is_shown_as_none(raised: RaisedException, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and raised.frame.locals.get(node.id) == "None"


def _receivers(node: ast.AST, matched: re.Match[str]) -> list[ast.expr]:  # noqa: PLR0911 - a table
    match matched.re.pattern, node:
        case pattern, ast.Attribute(value=value, attr=attr) if pattern == ATTRIBUTE_PATTERN:
            return [value] if attr == matched["attribute"] else []
        case pattern, ast.Subscript(value=value) if pattern == INDEX_PATTERN:
            return [value]
        case pattern, ast.Call(func=function) if pattern == CALL_PATTERN:
            return [function]
        case pattern, ast.Call(func=ast.Name(id="len"), args=args) if pattern == LENGTH_PATTERN:
            return args
        case pattern, ast.Call(func=ast.Name(id="int" | "float"), args=args) if (
            pattern == NUMBER_PATTERN
        ):
            return args
        case pattern, _ if pattern == ITERATION_PATTERN:
            return _iterables(node)
        case pattern, _ if pattern == OPERAND_PATTERN:
            return _operands(node)
    return []


def _iterables(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.For(iter=value) | ast.comprehension(iter=value):
            return [value]
        case ast.Assign(targets=[ast.Tuple() | ast.List()], value=value):
            return [value]
        case ast.Compare(ops=[ast.In() | ast.NotIn()], comparators=[value]):
            return [value]
        case ast.Starred(value=value):
            return [value]
        case ast.Call(func=ast.Name() | ast.Attribute(attr="join" | "extend"), args=args):
            return args
    return []


def _operands(node: ast.AST) -> list[ast.expr]:
    match node:
        case ast.BinOp(left=left, right=right):
            return [left, right]
        case ast.AugAssign(target=target, value=value):
            return [target, value]
        case ast.Compare(left=left, comparators=others):
            return [left, *others]
    return []


def _use(matched: re.Match[str]) -> str:
    if matched.re.pattern == ATTRIBUTE_PATTERN:
        return f"its `.{matched['attribute']}` is used"
    uses = {
        INDEX_PATTERN: "it is indexed with […]",
        ITERATION_PATTERN: "it is iterated over",
        CALL_PATTERN: "it is called",
        LENGTH_PATTERN: "its length is taken",
        NUMBER_PATTERN: "it is turned into a number",
        OPERAND_PATTERN: "it is combined with another value",
    }
    return uses[matched.re.pattern]


def _origin(raised: RaisedException, node: ast.expr) -> tuple[str, str]:
    """Return where the value came from, and what to do; empty where that is not known."""
    source = ast.unparse(node)
    if isinstance(node, ast.Call):
        return _explain_source(source, f"`{quoted(source, 80)}` returned None")
    if not isinstance(node, ast.Name):
        return f"`{quoted(source, 60)}` was never set, or was set to None deliberately.", ""
    assignment = raised.assignment_of(node.id)
    if assignment is None:
        return "", ""
    if assignment.value is None:
        caller = raised.caller_frame
        call_phrase = f", from the call at {quoted(frame_location(caller))}" if caller else ""
        return f"`{node.id}` came in as an argument{call_phrase}.", ""
    text = ast.unparse(assignment.value)
    return _explain_source(
        text, f"`{node.id}` was set at line {assignment.line}, to `{quoted(text, 80)}`"
    )


def _explain_source(text: str, sentence: str) -> tuple[str, str]:
    for source in NONE_SOURCES:
        if re.search(source.pattern, text[:500]):
            return f"{sentence}: {source.when}.", source.fix
    return f"{sentence}.", ""


def _with_empty_default(raised: RaisedException, node: ast.expr) -> str:
    name = ast.unparse(node)
    if isinstance(node, ast.Name) and isinstance(raised.statement, ast.For):
        return replacement_diff(raised.frame, f"in {name}:", f"in {name} or ():")
    return ""


def name_local_nones(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name the variables that are None, and what was needed of them."""
    attribute = re.search(ATTRIBUTE_PATTERN, raised.exception.value[:200])
    needed = f", where `.{attribute['attribute']}` is needed" if attribute else ""
    nones = [name for name, value in raised.frame.locals.items() if value == "None"]
    named = " and ".join(f"`{quoted(name, 40)}`" for name in nones[:MAX_NAMED_VARIABLES])
    verb = "is" if len(nones) == 1 else "are"
    more = " (and others)" if len(nones) > MAX_NAMED_VARIABLES else ""
    return RuleMatch(
        phrases={"needed": needed, "shown": f" There, {named}{more} {verb} None." if nones else ""},
        confidence=0.7 if len(nones) == 1 and raised.statement is None else 0.5,
    )


RULES = (
    *(
        ErrorRule(
            slug=f"none-{slug}",
            exception_types=types,
            pattern=pattern,
            title="{expr} is None where {use}",
            what="{line}: {expr} is None, and {use}.",
            why="{origin}",
            fix="Decide what should happen when there is no value, before {at}: {advice}.",
            unless="{expr} has a value at that line; then another part of it is None.",
            examine=find_none_expression,
        )
        for slug, types, pattern in (
            ("attribute", ("AttributeError",), ATTRIBUTE_PATTERN),
            ("index", ("TypeError",), INDEX_PATTERN),
            ("iteration", ("TypeError",), ITERATION_PATTERN),
            ("call", ("TypeError",), CALL_PATTERN),
            ("length", ("TypeError",), LENGTH_PATTERN),
            ("number", ("TypeError",), NUMBER_PATTERN),
            ("operand", ("TypeError",), OPERAND_PATTERN),
        )
    ),
    ErrorRule(
        slug="none-somewhere",
        exception_types=("AttributeError", "TypeError"),
        pattern=r"NoneType",
        title="Something is None in {function}{needed}",
        why="A call returned None where an object was expected: nothing was found, or a function has no"
        " `return`.{shown}",
        fix="Look at what {at} uses, find which part can be None, and handle that case first.",
        examine=name_local_nones,
        unless="the source of {at} is not what runs there: then compare the releases.",
        confidence=0.4,
    ),
)
