"""None where something else was expected."""

from __future__ import annotations

import ast
import re
from typing import NamedTuple

from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene, line_of, quoted
from bugsly_server.explain.errors.source import swapped

ATTRIBUTE = r"^'NoneType' object has no attribute '(?P<attribute>\w+)'"
INDEX = r"^'NoneType' object (?:is not subscriptable|does not support item)"
ITERATION = (
    r"^(?:'NoneType' object is not iterable|cannot unpack non-iterable NoneType"
    r"|argument of type 'NoneType' is not)"
)
CALL = r"^'NoneType' object is not callable"
LENGTH = r"^object of type 'NoneType' has no len"
NUMBER = r"^(?:int|float)\(\) argument must be .*not 'NoneType'"
OPERAND = (
    r"^(?:unsupported operand type\(s\) for (?P<operator>\S+): .*'NoneType'"
    r"|'(?P<compare>\S+)' not supported between instances of .*'NoneType'"
    r"|can only concatenate \w+ \(not \"NoneType\"\))"
)


class Giver(NamedTuple):
    """A call that answers None on purpose: when, and what to do about it."""

    pattern: str
    when: str
    fix: str


GIVERS = (
    Giver(
        r"\.(first|one_or_none|scalar_one_or_none|scalar|fetchone)\(\)$|\bget_or_none\(",
        "it gives None where no row matches",
        "handle the missing row: `first_or_404()` in a view with Flask-SQLAlchemy, or test for None"
        " and `abort(404)`",
    ),
    Giver(
        r"\bsession\.get\(|\.query\.get\(",
        "it gives None where the database has no row with that primary key",
        "handle the missing row: `db.get_or_404(…)` in a view with Flask-SQLAlchemy, or test for"
        " None and `abort(404)`",
    ),
    Giver(
        r"\bre\.(match|search|fullmatch)\(|\.(match|search|fullmatch)\(",
        "it gives None where the text does not match the pattern",
        "test the match before its groups are read",
    ),
    Giver(
        r"\.(args|form|json|headers|cookies|environ|files)\.get\(|\bgetenv\(",
        "it gives None where the name was not sent or not set",
        "refuse the request with a 400, or give `.get` a default",
    ),
    Giver(
        r"get_json\(.*silent=True",
        "it gives None where the body is no JSON",
        "answer 400 when it is None",
    ),
    Giver(
        r"\.get\([^,]*\)$",
        "`.get` gives None where the key is missing",
        "give `.get` a default, or handle the missing key",
    ),
    Giver(
        r"\.(sort|append|extend|update|reverse|add|clear|insert|shuffle)\(",
        "methods that change a thing in place give None back",
        "call it on a line of its own and go on with the thing itself; `sorted(…)` returns a list",
    ),
    Giver(
        r"\.(find|find_next|select_one|find_parent)\(",
        "it gives None where nothing is found",
        "handle the case that nothing is found",
    ),
    Giver(r"^None$", "it is set to None there", "give it its value before it is used"),
)


def read(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Say which expression was None, and where it came from."""
    if not scene.raised_here:
        return None
    suspects = _suspects(scene, found)
    if not suspects:
        return None
    texts = list(dict.fromkeys(ast.unparse(one) for one in suspects))
    told = " or ".join(f"`{quoted(text, 60)}`" for text in texts[:3])
    origin, advice = _origin(scene, suspects[0]) if len(texts) == 1 else ("", "")
    return Reading(
        phrases={
            "expr": told,
            "use": _use(found),
            "origin": origin or "Something that gives an object gave None this time.",
            "advice": advice or "return early, use a default, or `abort(404)` in a view",
        },
        diff=_iterated(scene, suspects[0]) if found.re.pattern == ITERATION else "",
        confidence=0.55 if len(texts) > 1 else 0.95 if _is_seen(scene, suspects[0]) else 0.85,
    )


def _suspects(scene: Scene, found: re.Match[str]) -> list[ast.expr]:
    """Return the expressions that can have been None; those that were, where locals show it."""
    all_of_them = [
        one
        for node in scene.nodes()
        for one in _receivers(node, found)
        if not isinstance(one, ast.Constant | ast.List | ast.Dict | ast.Tuple | ast.JoinedStr)
        or (isinstance(one, ast.Constant) and one.value is None)
    ]
    seen = [one for one in all_of_them if _is_seen(scene, one)]
    if seen:
        return seen
    locals_ = scene.frame.locals
    return [one for one in all_of_them if not (isinstance(one, ast.Name) and one.id in locals_)]


def _is_seen(scene: Scene, node: ast.expr) -> bool:
    return isinstance(node, ast.Name) and scene.frame.locals.get(node.id) == "None"


def _receivers(node: ast.AST, found: re.Match[str]) -> list[ast.expr]:  # noqa: PLR0911 - a table
    match found.re.pattern, node:
        case pattern, ast.Attribute(value=value, attr=attr) if pattern == ATTRIBUTE:
            return [value] if attr == found["attribute"] else []
        case pattern, ast.Subscript(value=value) if pattern == INDEX:
            return [value]
        case pattern, ast.Call(func=function) if pattern == CALL:
            return [function]
        case pattern, ast.Call(func=ast.Name(id="len"), args=args) if pattern == LENGTH:
            return args
        case pattern, ast.Call(func=ast.Name(id="int" | "float"), args=args) if pattern == NUMBER:
            return args
        case pattern, _ if pattern == ITERATION:
            return _iterables(node)
        case pattern, _ if pattern == OPERAND:
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


def _use(found: re.Match[str]) -> str:
    if found.re.pattern == ATTRIBUTE:
        return f"its `.{found['attribute']}` is used"
    uses = {
        INDEX: "it is indexed with […]",
        ITERATION: "its elements are asked for",
        CALL: "it is called",
        LENGTH: "its length is asked for",
        NUMBER: "it is turned into a number",
        OPERAND: "it is combined with another value",
    }
    return uses[found.re.pattern]


def _origin(scene: Scene, node: ast.expr) -> tuple[str, str]:
    """Return where the value came from, and what to do; empty where that is not known."""
    shown = ast.unparse(node)
    if isinstance(node, ast.Call):
        return _giver(shown, f"`{quoted(shown, 80)}` gave None back")
    if not isinstance(node, ast.Name):
        return f"`{quoted(shown, 60)}` was never set, or was set to None on purpose.", ""
    given = scene.given(node.id)
    if given is None:
        return "", ""
    if given.value is None:
        caller = scene.caller
        came = f", from the call at {quoted(line_of(caller))}" if caller else ""
        return f"`{node.id}` came in as an argument{came}.", ""
    text = ast.unparse(given.value)
    return _giver(text, f"`{node.id}` was set at line {given.line}, to `{quoted(text, 80)}`")


def _giver(text: str, sentence: str) -> tuple[str, str]:
    for giver in GIVERS:
        if re.search(giver.pattern, text[:500]):
            return f"{sentence}: {giver.when}.", giver.fix
    return f"{sentence}.", ""


def _iterated(scene: Scene, node: ast.expr) -> str:
    name = ast.unparse(node)
    if isinstance(node, ast.Name) and isinstance(scene.statement, ast.For):
        return swapped(scene.frame, f"in {name}:", f"in {name} or ():")
    return ""


RULES = (
    *(
        Rule(
            slug=f"none-{slug}",
            types=types,
            pattern=pattern,
            title="{expr} is None where {use}",
            what="{line}: {expr} is None, and {use}.",
            why="{origin}",
            fix="Say what shall happen without a value, before {at}: {advice}.",
            unless="{expr} has a value at that line; then another part of it is None.",
            read=read,
        )
        for slug, types, pattern in (
            ("attribute", ("AttributeError",), ATTRIBUTE),
            ("index", ("TypeError",), INDEX),
            ("iteration", ("TypeError",), ITERATION),
            ("call", ("TypeError",), CALL),
            ("length", ("TypeError",), LENGTH),
            ("number", ("TypeError",), NUMBER),
            ("operand", ("TypeError",), OPERAND),
        )
    ),
    Rule(
        slug="none-somewhere",
        types=("AttributeError", "TypeError"),
        pattern=r"NoneType",
        title="Something is None in {function}",
        why="A call gave None where an object was expected: nothing was found, or a function has no"
        " `return`.",
        fix="Look at what {at} uses, find which part can be None, and handle that case before it.",
        unless="the value is never None there.",
        confidence=0.4,
    ),
)
