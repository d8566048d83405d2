"""Keys that are not there: of dicts, configuration, environment, sessions and requests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from bugsly_server.explain.errors.nearness import keys_of, nearest
from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene, quoted
from bugsly_server.explain.errors.source import swapped


class Place(NamedTuple):
    """A well-known mapping: what it is, why a key is missing, and what to do."""

    pattern: str
    """Of its source."""
    name: str
    why: str
    fix: str


PLACES = (
    Place(
        r"^os\.environ$",
        "the environment",
        "It is not set in the environment that this worker was started with.",
        "Set `{key}` where the app is started (systemd unit, compose file, dashboard), and restart;"
        ' or give a default: `os.environ.get("{key}", …)`.',
    ),
    Place(
        r"^(\w+\.)*\w*app\.config$",
        "the app's configuration",
        "No configuration that was loaded sets it.",
        "Set `{key}` before it is read at {at}; see that the file or the variables it comes from are"
        " there in this environment.",
    ),
    Place(
        r"^(flask\.)?session$",
        "the session",
        "This visitor's session has none: not logged in, expired, or signed with another"
        " `SECRET_KEY`.",
        'Use `session.get("{key}")`, and send visitors without it to the login.',
    ),
    Place(
        r"^(flask\.)?request\.(json|get_json\(.*\))$",
        "the JSON that was sent",
        "The client left it out.",
        'Check the body before it is used: answer 400 without `{key}`, or read `.get("{key}")`.',
    ),
)


def receivers(scene: Scene, key: str) -> Iterator[str]:
    """Yield the source of what the line asks for *key*, which is given as its repr."""
    for node in scene.nodes():
        match node:
            case ast.Subscript(value=value, slice=index):
                asked = index
            case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[index]):
                asked = index
            case _:
                continue
        shown = scene.frame.locals.get(ast.unparse(asked))
        if key in (ast.unparse(asked), shown):
            yield ast.unparse(value)


def in_place(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Tell a key that is missing in a well-known mapping."""
    for receiver in receivers(scene, scene.thrown.value):
        for place in PLACES:
            if re.search(place.pattern, receiver):
                names = {"key": quoted(found["key"]), "at": quoted(scene.where[0].line)}
                return Reading(
                    {"receiver": receiver},
                    {"place": place.name, "reason": place.why, "advice": place.fix.format(**names)},
                )
    return None


def near(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Find the key that was meant among those of the mapping."""
    for receiver in receivers(scene, scene.thrown.value):
        meant = nearest(found["key"], keys_of(scene.frame.locals.get(receiver, "")))
        if meant:
            return Reading(
                {"receiver": receiver, "meant": meant},
                diff=swapped(scene.frame, scene.thrown.value, repr(meant))
                or swapped(scene.frame, f'"{found["key"]}"', f'"{meant}"'),
            )
    return None


def missing(scene: Scene, _found: re.Match[str]) -> Reading | None:
    """Name the mapping, and the keys that it has."""
    for receiver in receivers(scene, scene.thrown.value):
        keys = keys_of(scene.frame.locals.get(receiver, ""))
        shown = ", ".join(f"`{quoted(one, 30)}`" for one in keys[:6])
        more = " and others" if len(keys) > 6 else ""
        return Reading({"receiver": receiver}, {"has": f" It has {shown}{more}." if keys else ""})
    return None


RULES = (
    Rule(
        slug="key-of-a-known-place",
        types=("KeyError",),
        pattern=r"^'(?P<key>[^']*)'$",
        title="`{key}` is missing in {place}",
        what="{line} asked `{receiver}` for `{key}`, which is not there.",
        why="{reason}",
        fix="{advice}",
        unless="`{key}` is there: then it is spelt otherwise, in case or by a space.",
        confidence=0.93,
        read=in_place,
    ),
    Rule(
        slug="key-misspelt",
        types=("KeyError",),
        pattern=r"^'(?P<key>[^']*)'$",
        title="`{receiver}` has no key `{key}`; it has `{meant}`",
        what="{line} asked `{receiver}` for `{key}`, which is not there.",
        why="`{receiver}` has the key `{meant}`: one of the two is misspelt.",
        fix="Write `{meant}` at {at}, or `{key}` where `{receiver}` is filled.",
        unless="both keys are meant, and `{key}` is optional.",
        confidence=0.95,
        read=near,
    ),
    Rule(
        slug="key-missing",
        types=("KeyError",),
        pattern=r"^(?P<key>.+)$",
        title="`{receiver}` has no key {key}",
        what="{line} asked `{receiver}` for {key}, which is not there.",
        why="Whoever filled `{receiver}` left it out.{has}",
        fix="If it may be missing, use `{receiver}.get({key})` and say what happens without it;"
        " if it must not, check where `{receiver}` is filled.",
        unless="`{receiver}` is changed by another thread meanwhile.",
        confidence=0.85,
        read=missing,
    ),
    Rule(
        slug="key-somewhere",
        types=("KeyError",),
        pattern=r"^(?P<key>.+)$",
        title="The key {key} is missing in {function}",
        why="A mapping was asked for a key that it does not have.",
        fix="Look at which mapping {at} reads; use `.get(…)` where the key may be missing.",
        unless="the `KeyError` is raised by hand and means something else.",
        confidence=0.45,
    ),
)
