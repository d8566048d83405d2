"""Explains calls whose arguments do not match the function."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch


def find_meant_keyword(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Find the keyword that was meant: Python suggests one, or the call has one alike."""
    meant = matched["meant"] or ""
    return RuleMatch(
        phrases={"hint": f" Did you mean `{meant}`?" if meant else ""},
        diff=replacement_diff(raised.frame, matched["name"], meant) if meant else "",
    )


def notice_extra_self(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Notice where `self` is what is one too many."""
    takes, got = matched["takes"], matched["given"]
    by_self = takes.isdigit() and int(got) == int(takes) + 1 and "." in matched["callee"]
    reason = (
        "A method gets its object as the first argument: `self` may be missing in its definition."
        if by_self and takes == "0"
        else "The call passes more arguments than the function accepts; `self` counts as one."
    )
    return RuleMatch(phrases={"reason": reason})


def notice_call_on_class(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Notice where a class is called instead of its object."""
    names = re.findall(r"'(\w+)'", matched["names"])
    if names[:1] == ["self"]:
        why = "The method is called on the class; it must be called on an instance."
    elif not raised.is_raised_here and "." not in matched["callee"]:
        why = "A library calls it: a Flask view gets one argument for each `<part>` of its rule."
    else:
        why = "The call leaves out an argument that has no default."
    return RuleMatch(phrases={"reason": why})


RULES = (
    ErrorRule(
        slug="argument-missing",
        exception_types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) missing \d+ required (?:positional|keyword-only)"
        r" arguments?: (?P<names>.+)$",
        title="`{callee}()` is called without {names}",
        why="{reason}",
        fix="Pass {names} in the call at {at}, or give it a default in the definition of `{callee}`.",
        unless="a different function with that name is called.",
        confidence=0.93,
        examine=notice_call_on_class,
    ),
    ErrorRule(
        slug="argument-unexpected",
        exception_types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) got an unexpected keyword argument '(?P<name>\w+)'"
        r"(?:\. Did you mean '(?P<meant>\w+)'\?)?",
        title="`{callee}()` has no argument `{name}`",
        why="It is misspelt, or the installed version of `{callee}` does not have it.{hint}",
        fix="Correct the name at {at}, or add `{name}` to `{callee}`; if it is from a library, check the"
        " version that is installed where it failed.",
        unless="it works elsewhere: then the installed versions differ.",
        confidence=0.92,
        examine=find_meant_keyword,
    ),
    ErrorRule(
        slug="argument-too-many",
        exception_types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) takes (?:from \d+ to )?(?P<takes>\d+|no) positional"
        r" arguments? but (?P<given>\d+) (?:were|was) given",
        title="`{callee}()` takes {takes} positional arguments but got {given}",
        why="{reason}",
        fix="Compare the call at {at} with the definition of `{callee}`; arguments after a `*` must"
        " be passed by name.",
        unless="a different function with that name is called.",
        confidence=0.92,
        examine=notice_extra_self,
    ),
    ErrorRule(
        slug="argument-twice",
        exception_types=("TypeError",),
        pattern=r"^(?P<callee>[\w.<>]+)\(\) got multiple values for (?:keyword )?argument"
        r" '(?P<name>\w+)'",
        title="`{callee}()` gets `{name}` twice",
        why="It is passed by position and by name in the same call; a method's `self` takes the first"
        " position.",
        fix="Pass `{name}` only once at {at}.",
        unless="a decorator adds the argument: then fix the decorator.",
        confidence=0.93,
    ),
    ErrorRule(
        slug="argument-of-a-model",
        exception_types=("TypeError",),
        pattern=r"^'(?P<name>\w+)' is an invalid keyword argument for (?P<callee>\w+)",
        title="`{callee}` has no column `{name}`",
        why="A model accepts keywords only for attributes that its class maps.",
        fix="Correct the name at {at}, or add `{name}` to `{callee}` and migrate.",
        unless="`{name}` is mapped in a newer version of the model that is not deployed here.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="argument-of-wrong-type",
        exception_types=("TypeError",),
        pattern=r"^(?P<callee>\w+)\(\) argument (?:must be|.* must be) (?P<wanted>.+), not"
        r" '?(?P<got>\w+)'?",
        title="`{callee}()` got a {got}, but needs {wanted}",
        why="The value has the wrong type: often a list or None from a request.",
        fix="Convert or check the value before {at}.",
        unless="the value is correct, and another function was meant.",
        confidence=0.75,
    ),
)
