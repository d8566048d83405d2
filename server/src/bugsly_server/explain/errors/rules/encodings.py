"""Bytes that are no text in the encoding that is assumed, and the reverse."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

BYTE_HINTS = {
    "0xff": "That is how UTF-16 begins, and JPEG images.",
    "0xfe": "That is how UTF-16 begins.",
    "0x89": "That is how PNG images begin.",
    "0x8b": "That is part of how gzip begins: it was not decompressed.",
    "0x80": "In Windows-1252 that is the euro sign; pickles begin with it too.",
}


def explain_byte(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Say what the byte hints at, and whether a file is opened without an encoding."""
    code = int(matched["byte"], 16)
    hint = BYTE_HINTS.get(matched["byte"], "")
    if not hint and code >= 0xA0:
        hint = f"In Latin-1 and Windows-1252 it is `{chr(code)}`."
    return RuleMatch(phrases={"guess": hint, "opened": _open_hint(raised)})


def _open_hint(raised: RaisedException) -> str:
    for node in raised.statement_nodes():
        match node:
            case ast.Call(func=ast.Name(id="open"), keywords=words) if "encoding" not in {
                one.arg for one in words
            }:
                return " The file is opened without `encoding=`: then the machine decides."
    return ""


RULES = (
    ErrorRule(
        slug="text-not-decodable",
        exception_types=("UnicodeDecodeError",),
        pattern=r"^'(?P<codec>[\w-]+)' codec can't decode byte(?:s)? (?:(?P<byte>0x[0-9a-f]{2}) )?in"
        r" position (?P<position>\d+)",
        title="Byte {byte} at position {position} is no {codec} text",
        why="The bytes are in another encoding, or are no text at all. {guess}{opened}",
        fix='Name the encoding that the sender uses at {at}, as `open(path, encoding="utf-8")` or'
        ' `.decode("cp1252")`; for uploads of people add `errors="replace"` or refuse them.',
        unless="the data was cut in the middle of a character.",
        confidence=0.93,
        examine=lambda raised, matched: explain_byte(raised, matched) if matched["byte"] else None,
    ),
    ErrorRule(
        slug="text-not-encodable",
        exception_types=("UnicodeEncodeError",),
        pattern=r"^'(?P<codec>[\w-]+)' codec can't encode characters? (?P<shown>'[^']+')? ?in"
        r" position (?P<position>[\d-]+)",
        title="{shown} cannot be written as {codec}",
        why="{codec} has no such character. ASCII as the machine's encoding (`LANG=C` in a container)"
        " makes Python write like that.",
        fix='Write with `encoding="utf-8"` at {at}; for output of the whole app set'
        " `PYTHONUTF8=1` or `LANG=C.UTF-8` where it starts.",
        unless="the receiver understands nothing but {codec}.",
        confidence=0.92,
    ),
)
