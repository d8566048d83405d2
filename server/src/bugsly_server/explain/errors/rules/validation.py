"""Explains input that a schema rejects: of pydantic, marshmallow and JavaScript libraries."""

from __future__ import annotations

import re
from itertools import pairwise

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import JAVASCRIPT, ErrorRule, RuleMatch
from bugsly_server.explain.errors.similar_names import nearest_name

MAX_FAULTS = 3
"""Errors that are listed one by one."""


def list_pydantic_faults(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """List the fields and what is wrong with each."""
    lines = matched["rest"].splitlines()
    faults = [
        f"`{quoted(name, 60)}`: {quoted(fault.split(' [type=')[0], 90)}"
        for name, fault in pairwise(lines)
        if fault.startswith("  ") and not name.startswith(" ")
    ]
    fields = [one for one in lines if one and not one.startswith(" ")]
    input_value = re.search(r"input_value=\{([^}\n]{0,1000})\}", matched["rest"])
    sent_names = re.findall(r"'(\w+)':", input_value[1]) if input_value else []
    meant = (
        nearest_name(fields[0].strip(), sent_names)
        if fields and "Field required" in matched["rest"]
        else ""
    )
    if not faults:
        return None
    meant_sentence = f" `{quoted(meant)}` was sent, which is very similar." if meant else ""
    return RuleMatch(
        {"first": fields[0]}, {"faults": "; ".join(faults[:MAX_FAULTS]), "close": meant_sentence}
    )


def list_marshmallow_faults(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """List the fields and what is wrong with each."""
    pairs = re.findall(r"'([\w.]{1,100})': \[['\"](.{1,300}?)['\"]\]", matched["faults"])
    if not pairs:
        return None
    fault_texts = [
        f"`{name}`: {quoted(fault, 90).rstrip('.')}" for name, fault in pairs[:MAX_FAULTS]
    ]
    missing = [name for name, fault in pairs if "Missing data" in fault]
    unknown = [name for name, fault in pairs if "Unknown field" in fault]
    meant = next((near for one in missing if (near := nearest_name(one, unknown))), "")
    meant_sentence = f" `{meant}` was sent, which is very similar." if meant else ""
    return RuleMatch(
        {"first": pairs[0][0]}, {"faults": "; ".join(fault_texts), "close": meant_sentence}
    )


def list_zod_faults(_raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """List paths and messages of zod's issues."""
    paths = re.findall(r'"path":\s{0,8}\[([\w"., \n]{0,300})\]', matched[0])
    messages = re.findall(r'"message":\s*"([^"]{1,200})"', matched[0])
    if not messages:
        return None
    named = [re.sub(r'["\s]+', "", one).replace(",", ".") or "the whole" for one in paths]
    fault_texts = [
        f"`{quoted(name, 60)}`: {quoted(text, 90)}"
        for name, text in zip(named, messages, strict=False)
    ]
    return RuleMatch(
        {"first": named[0] if named else "a field"}, {"faults": "; ".join(fault_texts[:MAX_FAULTS])}
    )


RULES = (
    ErrorRule(
        slug="pydantic",
        exception_types=("ValidationError",),
        pattern=r"^(?P<number>\d+) validation errors? for (?P<model>\w+)\n(?P<rest>[\s\S]*)",
        title="`{model}` rejects its input: `{first}`",
        what="{line} found {number} errors in the input of `{model}`. {faults}.",
        why="The input does not match the model.{close}",
        fix="If a client sent it, catch `ValidationError` and answer with a 400 or 422 and `error.errors()`;"
        " if it is your own data, fix the code that makes it before {at}.",
        unless="the model is too strict: then give the field a default or a wider type.",
        confidence=0.95,
        examine=list_pydantic_faults,
    ),
    ErrorRule(
        slug="marshmallow",
        exception_types=("ValidationError",),
        pattern=r"^(?P<faults>\{'[\s\S]*\})$",
        title="The schema rejects its input: `{first}`",
        what="{line}: {faults}.",
        why="The input does not match the schema.{close}",
        fix="Catch `ValidationError` at {at} and answer with a 400 and `error.messages`; `unknown=EXCLUDE`"
        " ignores fields that the schema does not know.",
        unless="the schema is out of date.",
        confidence=0.95,
        examine=list_marshmallow_faults,
    ),
    ErrorRule(
        slug="javascript-schema",
        exception_types=("ValidationError", "ZodError"),
        platforms=JAVASCRIPT,
        pattern=r"^\[\s*\{[\s\S]*\"message\"[\s\S]*",
        title="The schema rejects its input: `{first}`",
        what="{line}: {faults}.",
        why="The data (settings, a response of a server, a message between processes) does not have"
        " the shape that the schema requires; often an older version wrote it.",
        fix="Use `safeParse` at {at} and handle invalid data; give new fields a default.",
        unless="the schema is out of date.",
        confidence=0.94,
        examine=list_zod_faults,
    ),
    ErrorRule(
        slug="mongoose",
        exception_types=("ValidationError",),
        platforms=JAVASCRIPT,
        pattern=r"^(?P<model>\w+) validation failed: (?P<field>[\w.]+): (?P<fault>[^,]+)",
        title="`{model}` rejects its input: `{field}`",
        what="{line}: `{field}`: {fault}.",
        why="The document does not match its schema.",
        fix="Check it before it is saved at {at}, and tell the user which field is wrong.",
        unless="the schema is out of date.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="ajv",
        exception_types=("ValidationError",),
        platforms=JAVASCRIPT,
        pattern=r"^(?:data)?(?P<field>[./][\w./\[\]]+|`\w+`|\"?\w+\"?) (?P<fault>(?:should|must|is|has to)"
        r" [^\n]{2,120})",
        title="The data does not match its schema: `{field}` {fault}",
        why="The data (settings, a response of a server, a message between processes) does not have"
        " the shape that the schema requires; often an older version wrote it.",
        fix="Handle invalid data at {at}; give new fields a default, and migrate"
        " settings of older versions.",
        unless="the schema is out of date.",
        confidence=0.88,
    ),
)
