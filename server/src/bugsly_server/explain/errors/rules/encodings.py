"""Explains bytes that do not decode in the expected encoding, and text that does not encode."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch

BYTE_HINTS = {
    "0xff": "UTF-16 text and JPEG images begin with it.",
    "0xfe": "UTF-16 text begins with it.",
    "0x89": "PNG images begin with it.",
    "0x8b": "It is the second byte of gzip data, which was not decompressed.",
    "0x80": "It is the euro sign in Windows-1252, and the first byte of a pickle.",
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
                return " The file is opened without `encoding=`, so the encoding depends on the machine."
    return ""


RULES = (
    ErrorRule(
        slug="text-not-decodable",
        exception_types=("UnicodeDecodeError",),
        pattern=r"^'(?P<codec>[\w-]+)' codec can't decode byte(?:s)? (?:(?P<byte>0x[0-9a-f]{2}) )?in"
        r" position (?P<position>\d+)",
        title="Byte {byte} at position {position} is not valid {codec}",
        why="The bytes are in another encoding, or are not text at all. {guess}{opened}",
        fix='At {at}, name the encoding that the sender uses, as in `open(path, encoding="utf-8")` or'
        ' `.decode("cp1252")`; for uploads of users, add `errors="replace"` or reject them.',
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
        why="{codec} has no such character. Python uses ASCII when that is the encoding of the machine"
        " (`LANG=C` in a container).",
        fix='Write with `encoding="utf-8"` at {at}; for all output of the app, set'
        " `PYTHONUTF8=1` or `LANG=C.UTF-8` where it is started.",
        unless="the receiver understands only {codec}.",
        confidence=0.92,
    ),
)
