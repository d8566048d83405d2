"""Calls whose arguments do not fit."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene
from bugsly_server.explain.errors.source import swapped


def unexpected(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Find the keyword that was meant: Python suggests one, or the call has one alike."""
    meant = found["meant"] or ""
    return Reading(
        phrases={"hint": f" Did you mean `{meant}`?" if meant else ""},
        diff=swapped(scene.frame, found["name"], meant) if meant else "",
    )


def surplus(_scene: Scene, found: re.Match[str]) -> Reading | None:
    """Notice where `self` is what is one too many."""
    takes, got = found["takes"], found["given"]
    by_self = takes.isdigit() and int(got) == int(takes) + 1 and "." in found["callee"]
    reason = (
        "A method gets its object as first argument: `self` may be missing in its definition."
        if by_self and takes == "0"
        else "The call gives more arguments than the function names; `self` counts as one."
    )
    return Reading(phrases={"reason": reason})


def missing(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Notice where a class is called instead of its object."""
    names = re.findall(r"'(\w+)'", found["names"])
    if names[:1] == ["self"]:
        why = "The method is called on the class; it has to be called on an object of it."
    elif not scene.raised_here and "." not in found["callee"]:
        why = "It is called by a library: a Flask view gets one argument for each `<part>` of its rule."
    else:
        why = "The call leaves out what the function has no default for."
    return Reading(phrases={"reason": why})


RULES = (
    Rule(
        slug="argument-missing",
        types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) missing \d+ required (?:positional|keyword-only)"
        r" arguments?: (?P<names>.+)$",
        title="`{callee}()` is called without {names}",
        why="{reason}",
        fix="Give {names} in the call at {at}, or a default in the definition of `{callee}`.",
        unless="another function of that name is called than you think.",
        confidence=0.93,
        read=missing,
    ),
    Rule(
        slug="argument-unexpected",
        types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'"
        r"(?:\. Did you mean '(?P<meant>\w+)'\?)?",
        title="`{callee}()` knows no argument `{name}`",
        why="It is misspelt, or the installed version of `{callee}` does not have it.{hint}",
        fix="Mend the name at {at}, or add `{name}` to `{callee}`; with a library, look at the"
        " version that is installed where it failed.",
        unless="it works elsewhere: then versions differ.",
        confidence=0.92,
        read=unexpected,
    ),
    Rule(
        slug="argument-too-many",
        types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) takes (?:from \d+ to )?(?P<takes>\d+|no) positional"
        r" arguments? but (?P<given>\d+) (?:were|was) given",
        title="`{callee}()` takes {takes} positional arguments and got {given}",
        why="{reason}",
        fix="Compare the call at {at} with the definition of `{callee}`; what comes after a `*` has"
        " to be given by name.",
        unless="another function of that name is called than you think.",
        confidence=0.92,
        read=surplus,
    ),
    Rule(
        slug="argument-twice",
        types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) got multiple values for (?:keyword )?argument"
        r" '(?P<name>\w+)'",
        title="`{callee}()` gets `{name}` twice",
        why="It is given by position and by name in the same call; a method's `self` takes the first"
        " position.",
        fix="Give `{name}` once at {at}.",
        unless="a decorator adds the argument: then mend that.",
        confidence=0.93,
    ),
    Rule(
        slug="argument-of-a-model",
        types=("TypeError",),
        pattern=r"^'(?P<name>\w+)' is an invalid keyword argument for (?P<callee>\w+)",
        title="`{callee}` has no column `{name}`",
        why="A model takes keywords only for attributes that its class maps.",
        fix="Mend the name at {at}, or add `{name}` to `{callee}` and migrate.",
        unless="`{name}` is mapped in a newer version of the model that is not deployed here.",
        confidence=0.95,
    ),
    Rule(
        slug="argument-of-wrong-type",
        types=("TypeError",),
        pattern=r"^(?P<callee>\w+)\(\) argument (?:must be|.* must be) (?P<wanted>.+), not"
        r" '?(?P<got>\w+)'?",
        title="`{callee}()` got a {got}, and takes {wanted}",
        why="The value is of another type than expected: often a list or None from a request.",
        fix="Convert or check the value before {at}.",
        unless="the value is right, and another function was meant.",
        confidence=0.75,
    ),
)
