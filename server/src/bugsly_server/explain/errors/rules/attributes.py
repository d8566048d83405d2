"""Explains attributes that do not exist."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch
from bugsly_server.explain.errors.similar_names import fields_in_repr, nearest_name

OBJECT_PATTERN = r"^'(?P<owner>[\w.]+)' object has no attribute '(?P<name>\w+)'"
BUILT_IN_TYPES = {
    one.__name__: one for one in (str, bytes, list, tuple, dict, set, int, float, bool)
}
MISTAKEN_NAMES = {
    ("list", "add"): "append",
    ("list", "push"): "append",
    ("list", "length"): "len(…)",
    ("set", "append"): "add",
    ("dict", "append"): "update",
    ("dict", "has_key"): "in",
    ("dict", "iteritems"): "items",
    ("dict", "itervalues"): "values",
    ("dict", "iterkeys"): "keys",
    ("dict", "add"): "update",
    ("str", "contains"): "in",
    ("str", "length"): "len(…)",
}
"""Methods of another type, language or version, and what they are called here."""


def find_meant_attribute(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Find the attribute that was meant, among those the type or the frame shows."""
    owner, name = matched["owner"], matched["name"]
    mistaken_for = MISTAKEN_NAMES.get((owner, name))
    meant = mistaken_for or nearest_name(name, _known_attributes(raised, owner, name))
    if not meant or owner == "NoneType":
        return None
    receiver = _receiver(raised, name)
    old_source, new_source = f"{receiver}.{name}", f"{receiver}.{meant}"
    return RuleMatch(
        {"meant": meant},
        diff="" if mistaken_for else replacement_diff(raised.frame, old_source, new_source),
    )


def _known_attributes(raised: RaisedException, owner: str, name: str) -> list[str]:
    if owner in BUILT_IN_TYPES:
        return dir(BUILT_IN_TYPES[owner])
    receiver = _receiver(raised, name)
    repr_text = raised.frame.locals.get(receiver, "")
    lines = "\n".join((*raised.frame.before, *raised.frame.after))
    used_nearby = re.findall(rf"\b{re.escape(receiver)}\.(\w+)", lines) if receiver else []
    return fields_in_repr(repr_text) + used_nearby


def _receiver(raised: RaisedException, name: str) -> str:
    """Return the source of what the attribute *name* is read from."""
    for node in raised.statement_nodes():
        if isinstance(node, ast.Attribute) and node.attr == name:
            return ast.unparse(node.value)
    return ""


def find_dict_read_as_object(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Find a dict that is read with a dot."""
    receiver = _receiver(raised, matched["name"])
    if not receiver:
        return None
    name = matched["name"]
    return RuleMatch(
        {"receiver": receiver},
        diff=replacement_diff(raised.frame, f"{receiver}.{name}", f'{receiver}["{name}"]'),
    )


def name_sequence(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name the list that is taken for one of its elements."""
    receiver = _receiver(raised, matched["name"])
    return RuleMatch({"receiver": receiver or f"the {matched['owner']}"})


def name_converted(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name the value that is converted a second time."""
    receiver, name = _receiver(raised, matched["name"]), matched["name"]
    is_text = matched["text"] is not None
    return RuleMatch(
        {"receiver": receiver or "the value", "already": "text" if is_text else "bytes"},
        diff=replacement_diff(raised.frame, f"{receiver}.{name}()", receiver) if receiver else "",
    )


RULES = (
    ErrorRule(
        slug="attribute-converted-twice",
        exception_types=("AttributeError",),
        pattern=r"^'(?:(?P<text>str)|bytes)' object has no attribute"
        r" '(?P<name>(?<=str' object has no attribute ')decode|(?<=bytes' object has no attribute ')encode)'",
        title="`{receiver}` is {already} already, and has no `.{name}`",
        why="`.decode()` turns bytes into text and `.encode()` turns text into bytes. This value is {already}"
        " already: code for Python 2, or for an older version of the library that made it, converts it again.",
        fix="Remove `.{name}(…)` at {at}.",
        unless="the value can be of both types: then test it with `isinstance` first.",
        confidence=0.94,
        examine=name_converted,
    ),
    ErrorRule(
        slug="attribute-misspelt",
        exception_types=("AttributeError",),
        pattern=OBJECT_PATTERN,
        title="`.{name}` does not exist; `{meant}` does",
        why="A `{owner}` has no `{name}`. It has `{meant}`, which is probably what is meant.",
        fix="Write `{meant}` instead of `{name}` at {at}.",
        unless="`{name}` should exist: then the class lacks it, or an older version is deployed.",
        confidence=0.92,
        examine=find_meant_attribute,
    ),
    ErrorRule(
        slug="attribute-of-a-dict",
        exception_types=("AttributeError",),
        pattern=r"^'(?P<owner>dict)' object has no attribute '(?P<name>\w+)'",
        title="`{receiver}` is a dict: read `{name}` as a key",
        why="The values of a dict are read with brackets; a dot reads its methods.",
        fix='Write `{receiver}["{name}"]` at {at}, or `.get("{name}")` if it may be missing.',
        unless="`{receiver}` should be an object: then check where the dict comes from.",
        confidence=0.85,
        examine=find_dict_read_as_object,
    ),
    ErrorRule(
        slug="attribute-of-a-list",
        exception_types=("AttributeError",),
        pattern=r"^'(?P<owner>list|tuple|set)' object has no attribute '(?P<name>\w+)'",
        title="`{receiver}` is a {owner}, and `.{name}` belongs to its elements or another type",
        why="A single object or a dict was expected. JSON whose top level is an array, or a query for all"
        " rows, gives a {owner}.",
        fix="Take one element, or loop over `{receiver}`, before `.{name}` is read at {at}.",
        unless="`{receiver}` should never be a {owner}: then look at the code that makes it.",
        confidence=0.75,
        examine=name_sequence,
    ),
    ErrorRule(
        slug="attribute-of-a-coroutine",
        exception_types=("AttributeError",),
        pattern=r"^'coroutine' object has no attribute '(?P<name>\w+)'",
        title="An `await` is missing before `.{name}` is read",
        why="An `async def` function was called without `await`, which gives a coroutine, not its result.",
        fix="Write `(await …).{name}` at {at}, inside an `async def`.",
        unless="the coroutine is awaited elsewhere.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="attribute-of-a-function",
        exception_types=("AttributeError",),
        pattern=r"^'(?P<owner>function|method|builtin_function_or_method)' object has no attribute"
        r" '(?P<name>\w+)'",
        title="A {owner} was not called: `.{name}` is read from the {owner} itself",
        why="The parentheses are missing, or a view has the same name as the object that is meant.",
        fix="Call it first at {at}: `f().{name}` instead of `f.{name}`.",
        unless="the attribute should be on the function itself.",
        confidence=0.85,
    ),
    ErrorRule(
        slug="attribute-of-a-module-half-imported",
        exception_types=("AttributeError",),
        pattern=r"^partially initialized module '(?P<module>[\w.]+)' .*attribute '(?P<name>\w+)'",
        title="`{module}.{name}` is used while `{module}` is still being imported",
        why="Two modules import each other, or a file of yours is called `{module}.py` and hides"
        " the library of that name.",
        fix="Rename your `{module}.py` if there is one; otherwise move the import at {at} into the"
        " function that needs it, or move what both need into a third module.",
        unless="no file of yours has that name and the imports are not circular.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="attribute-of-a-module",
        exception_types=("AttributeError",),
        pattern=r"^module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'",
        title="The module `{module}` has no `{name}`",
        why="It is misspelt, belongs to a class inside the module (`datetime.datetime.now`), is a"
        " submodule that needs its own import, or is not in the installed version.",
        fix="Look up `{name}` in the documentation of the version that is installed where it"
        " failed, and correct {at}, or pin a version that has it.",
        unless="it fails on one machine only: then the installed versions differ.",
        confidence=0.7,
    ),
    ErrorRule(
        slug="attribute-missing",
        exception_types=("AttributeError",),
        pattern=r"^'(?!NoneType')(?P<owner>[\w.]+)' object has no attribute '(?P<name>\w+)'",
        title="A `{owner}` has no attribute `{name}`",
        why="It is misspelt, set only on another path (outside `__init__`), or the object has"
        " another type than expected.",
        fix="Find which object at {at} is the `{owner}`: set `{name}` in its `__init__`, or correct the name.",
        unless="the class has `{name}`: then an older version is deployed.",
        confidence=0.5,
    ),
)
