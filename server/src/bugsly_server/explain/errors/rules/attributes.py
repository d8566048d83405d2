"""Attributes that are not there."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.nearness import fields_of, nearest
from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene
from bugsly_server.explain.errors.source import swapped

OBJECT = r"^'(?P<owner>[\w.]+)' object has no attribute '(?P<name>\w+)'"
BUILT_IN = {one.__name__: one for one in (str, bytes, list, tuple, dict, set, int, float, bool)}
MISTAKEN = {
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
    ("str", "decode"): "encode",
    ("bytes", "encode"): "decode",
    ("str", "contains"): "in",
    ("str", "length"): "len(…)",
}
"""What people mean who come from another type, language or version."""


def near(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Find the attribute that was meant, among those the type or the frame shows."""
    owner, name = found["owner"], found["name"]
    mistaken = MISTAKEN.get((owner, name))
    meant = mistaken or nearest(name, _known(scene, owner, name))
    if not meant or owner == "NoneType":
        return None
    receiver = _receiver(scene, name)
    old, new = f"{receiver}.{name}", f"{receiver}.{meant}"
    return Reading({"meant": meant}, diff="" if mistaken else swapped(scene.frame, old, new))


def _known(scene: Scene, owner: str, name: str) -> list[str]:
    if owner in BUILT_IN:
        return dir(BUILT_IN[owner])
    receiver = _receiver(scene, name)
    shown = scene.frame.locals.get(receiver, "")
    lines = "\n".join((*scene.frame.before, *scene.frame.after))
    used = re.findall(rf"\b{re.escape(receiver)}\.(\w+)", lines) if receiver else []
    return fields_of(shown) + used


def _receiver(scene: Scene, name: str) -> str:
    """Return the source of what the attribute *name* is read from."""
    for node in scene.nodes():
        if isinstance(node, ast.Attribute) and node.attr == name:
            return ast.unparse(node.value)
    return ""


def as_key(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Find a dict that is read with a dot."""
    receiver = _receiver(scene, found["name"])
    if not receiver:
        return None
    name = found["name"]
    return Reading(
        {"receiver": receiver},
        diff=swapped(scene.frame, f"{receiver}.{name}", f'{receiver}["{name}"]'),
    )


def sequence(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Name the list that is taken for one of its elements."""
    receiver = _receiver(scene, found["name"])
    return Reading({"receiver": receiver or f"the {found['owner']}"})


RULES = (
    Rule(
        slug="attribute-misspelt",
        types=("AttributeError",),
        pattern=OBJECT,
        title="`.{name}` does not exist; `{meant}` does",
        why="A `{owner}` has no `{name}`. It has `{meant}`, which is probably meant.",
        fix="Write `{meant}` for `.{name}` at {at}.",
        unless="`{name}` is to be there: then the class lacks it, or an older version is deployed.",
        confidence=0.92,
        read=near,
    ),
    Rule(
        slug="attribute-of-a-dict",
        types=("AttributeError",),
        pattern=r"^'(?P<owner>dict)' object has no attribute '(?P<name>\w+)'",
        title="`{receiver}` is a dict: read `{name}` as a key",
        why="Values of a dict are read with brackets; a dot asks for its methods.",
        fix='Write `{receiver}["{name}"]` at {at}, or `.get("{name}")` where it may be missing.',
        unless="`{receiver}` should be an object; then look where the dict comes from.",
        confidence=0.85,
        read=as_key,
    ),
    Rule(
        slug="attribute-of-a-list",
        types=("AttributeError",),
        pattern=r"^'(?P<owner>list|tuple|set)' object has no attribute '(?P<name>\w+)'",
        title="`{receiver}` is a {owner}, and `.{name}` belongs to its elements or another type",
        why="A {owner} came where a single object or a dict was expected, as with JSON whose top is"
        " an array, or a query for all rows.",
        fix="Take one element, or loop over `{receiver}`, before `.{name}` is read at {at}.",
        unless="`{receiver}` should never be a {owner}; then look where it is made.",
        confidence=0.75,
        read=sequence,
    ),
    Rule(
        slug="attribute-of-a-coroutine",
        types=("AttributeError",),
        pattern=r"^'coroutine' object has no attribute '(?P<name>\w+)'",
        title="An `await` is missing before `.{name}` is read",
        why="An `async def` was called without `await`, which gives a coroutine, not its result.",
        fix="Write `(await …).{name}` at {at}, inside an `async def`.",
        unless="the coroutine is awaited elsewhere.",
        confidence=0.95,
    ),
    Rule(
        slug="attribute-of-a-function",
        types=("AttributeError",),
        pattern=r"^'(?P<owner>function|method|builtin_function_or_method)' object has no attribute"
        r" '(?P<name>\w+)'",
        title="A {owner} was not called: `.{name}` is read from the {owner} itself",
        why="The parentheses are missing, or a view shares its name with what is meant.",
        fix="Call it first at {at}: `f().{name}` instead of `f.{name}`.",
        unless="the attribute is to be set on the function itself.",
        confidence=0.85,
    ),
    Rule(
        slug="attribute-of-a-module-half-imported",
        types=("AttributeError",),
        pattern=r"^partially initialized module '(?P<module>[\w.]+)' .*attribute '(?P<name>\w+)'",
        title="`{module}.{name}` is used while `{module}` is still being imported",
        why="Two modules import each other, or a file of yours is called `{module}.py` and hides"
        " the library of that name.",
        fix="Rename your `{module}.py` if there is one; otherwise move the import at {at} into the"
        " function that needs it, or what both need into a third module.",
        unless="no file of yours has that name and the imports form no ring.",
        confidence=0.92,
    ),
    Rule(
        slug="attribute-of-a-module",
        types=("AttributeError",),
        pattern=r"^module '(?P<module>[\w.]+)' has no attribute '(?P<name>\w+)'",
        title="The module `{module}` has no `{name}`",
        why="It is misspelt, belongs to a class inside the module (`datetime.datetime.now`), is a"
        " submodule that has to be imported by itself, or the installed version is another one.",
        fix="Look up `{name}` in the documentation of the version that is installed where it"
        " failed, and mend {at} or pin that version.",
        unless="it fails on one machine only: then the versions installed differ.",
        confidence=0.7,
    ),
    Rule(
        slug="attribute-missing",
        types=("AttributeError",),
        pattern=OBJECT,
        title="A `{owner}` has no attribute `{name}`",
        why="It is misspelt, set only on another path (outside `__init__`), or the object is of"
        " another type than expected.",
        fix="See what is `{owner}` at {at}: set `{name}` in its `__init__`, or mend the name.",
        unless="the class has `{name}`: then an older version of it is deployed.",
        confidence=0.5,
    ),
)
