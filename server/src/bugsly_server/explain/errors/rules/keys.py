"""Explains missing keys of dicts, configuration, environment, sessions and requests."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from typing import NamedTuple

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch
from bugsly_server.explain.errors.similar_names import keys_in_repr, nearest_name


class KnownMapping(NamedTuple):
    """A well-known mapping: what it is, why a key is missing, and what to do."""

    pattern: str
    """Of its source."""
    name: str
    why: str
    fix: str


KNOWN_MAPPINGS = (
    KnownMapping(
        r"^os\.environ$",
        "the environment",
        "It is not set in the environment that this worker was started with.",
        "Set `{key}` where the app is started (systemd unit, compose file, dashboard), and restart;"
        ' or give a default: `os.environ.get("{key}", …)`.',
    ),
    KnownMapping(
        r"^(\w+\.)*\w*app\.config$",
        "the app's configuration",
        "None of the loaded configuration sets it.",
        "Set `{key}` before it is read at {at}; check that the file or variable it comes from"
        " exists in this environment.",
    ),
    KnownMapping(
        r"^(flask\.)?session$",
        "the session",
        "This visitor's session does not have it: not logged in, expired, or signed with another"
        " `SECRET_KEY`.",
        'Use `session.get("{key}")`, and redirect visitors without it to the login page.',
    ),
    KnownMapping(
        r"^(flask\.)?request\.(json|get_json\(.*\))$",
        "the JSON that was sent",
        "The client left it out.",
        'Check the body before it is used: answer with a 400 if `{key}` is missing, or read `.get("{key}")`.',
    ),
)


def mapping_sources(raised: RaisedException, key: str) -> Iterator[str]:
    """Yield the source of what the line asks for *key*, which is given as its repr."""
    for node in raised.statement_nodes():
        match node:
            case ast.Subscript(value=value, slice=index):
                requested_key = index
            case ast.Call(func=ast.Attribute(value=value, attr="pop"), args=[index]):
                requested_key = index
            case _:
                continue
        local_repr = raised.frame.locals.get(ast.unparse(requested_key))
        if key in (ast.unparse(requested_key), local_repr):
            yield ast.unparse(value)


def explain_known_mapping(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Tell a key that is missing in a well-known mapping."""
    for receiver in mapping_sources(raised, raised.exception.value):
        for mapping in KNOWN_MAPPINGS:
            if re.search(mapping.pattern, receiver):
                names = {"key": quoted(matched["key"]), "at": quoted(raised.frame_refs[0].line)}
                return RuleMatch(
                    {"receiver": receiver},
                    {
                        "place": mapping.name,
                        "reason": mapping.why,
                        "advice": mapping.fix.format(**names),
                    },
                )
    return None


def find_meant_key(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Find the key that was meant among those of the mapping."""
    for receiver in mapping_sources(raised, raised.exception.value):
        meant = nearest_name(matched["key"], keys_in_repr(raised.frame.locals.get(receiver, "")))
        if meant:
            return RuleMatch(
                {"receiver": receiver, "meant": meant},
                diff=replacement_diff(raised.frame, raised.exception.value, repr(meant))
                or replacement_diff(raised.frame, f'"{matched["key"]}"', f'"{meant}"'),
            )
    return None


def name_mapping(raised: RaisedException, _matched: re.Match[str]) -> RuleMatch | None:
    """Name the mapping, and the keys that it has."""
    for receiver in mapping_sources(raised, raised.exception.value):
        keys = keys_in_repr(raised.frame.locals.get(receiver, ""))
        key_list = ", ".join(f"`{quoted(one, 30)}`" for one in keys[:6])
        more_keys = " and others" if len(keys) > 6 else ""
        return RuleMatch(
            {"receiver": receiver}, {"has": f" It has {key_list}{more_keys}." if keys else ""}
        )
    return None


def find_format_field(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Find the text with the field `{key}` that was formatted without a value for it."""
    for node in raised.statement_nodes():
        match node:
            case ast.Call(func=ast.Attribute(value=template, attr="format" | "format_map")):
                shown = raised.frame.locals.get(ast.unparse(template), ast.unparse(template))
                given = [f"`{one.arg}`" for one in node.keywords if one.arg]
                if re.search(rf"{{{re.escape(matched['key'])}\W", shown):
                    has = f" It was given {', '.join(given[:6])}." if given else ""
                    return RuleMatch(phrases={"has": has})
    return None


RULES = (
    ErrorRule(
        slug="key-of-a-format",
        exception_types=("KeyError",),
        pattern=r"^'(?P<key>\w+)'$",
        title="The text has a field `{{{key}}}`, and no value for it was given",
        what="{line} formats a text that contains `{{{key}}}`.",
        why="`str.format` needs a value for each name in braces.{has}",
        fix="Pass `{key}=…` at {at}, or correct the name in the text; literal braces are written double: `{{{{`.",
        unless="the text comes from a user: then do not format it, since fields can read attributes.",
        confidence=0.95,
        examine=find_format_field,
    ),
    ErrorRule(
        slug="key-of-a-known-place",
        exception_types=("KeyError",),
        pattern=r"^'(?P<key>[^']*)'$",
        title="`{key}` is missing in {place}",
        what="{line} reads the key `{key}` of `{receiver}`, which does not exist.",
        why="{reason}",
        fix="{advice}",
        unless="`{key}` exists, but with different case or with a space.",
        confidence=0.93,
        examine=explain_known_mapping,
    ),
    ErrorRule(
        slug="key-misspelt",
        exception_types=("KeyError",),
        pattern=r"^'(?P<key>[^']*)'$",
        title="`{receiver}` has no key `{key}`; it has `{meant}`",
        what="{line} reads the key `{key}` of `{receiver}`, which does not exist.",
        why="`{receiver}` has the key `{meant}`: one of the two is misspelt.",
        fix="Write `{meant}` at {at}, or `{key}` in the code that fills `{receiver}`.",
        unless="both keys are intended, and `{key}` is optional.",
        confidence=0.95,
        examine=find_meant_key,
    ),
    ErrorRule(
        slug="key-missing",
        exception_types=("KeyError",),
        pattern=r"^(?P<key>.+)$",
        title="`{receiver}` has no key {key}",
        what="{line} reads the key {key} of `{receiver}`, which does not exist.",
        why="The code that fills `{receiver}` left it out.{has}",
        fix="If it may be missing, use `{receiver}.get({key})` and handle its absence;"
        " if it must exist, check where `{receiver}` is filled.",
        unless="another thread changes `{receiver}` at the same time.",
        confidence=0.85,
        examine=name_mapping,
    ),
    ErrorRule(
        slug="key-somewhere",
        exception_types=("KeyError",),
        pattern=r"^(?P<key>.+)$",
        title="The key {key} is missing in {function}",
        why="The code reads a key that the mapping does not have.",
        fix="Find the mapping that {at} reads; use `.get(…)` if the key may be missing.",
        unless="your code raises the `KeyError` itself and means something else.",
        confidence=0.45,
    ),
)
