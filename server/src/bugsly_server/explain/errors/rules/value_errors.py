"""Explains values that have the right type but are not valid."""

from __future__ import annotations

import ast
import re

from bugsly_server.explain.errors.raised_exception import RaisedException, quoted
from bugsly_server.explain.errors.rule import ErrorRule, RuleMatch


def name_converted(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name what was converted, and see what is wrong with the text."""
    text = matched["text"]
    source = next(
        (
            ast.unparse(node.args[0])
            for node in raised.statement_nodes()
            if isinstance(node, ast.Call)
            and isinstance(node.func, ast.Name)
            and node.func.id in {"int", "float"}
            and node.args
        ),
        "",
    )
    reasons = {
        r"^['\"]{2}$": "The text is empty: a field was left blank.",
        r"^['\"]\s*-?\d+[.,]\d+": "The text is a number with decimals or commas.",
        r"^['\"](?:None|null|undefined|NaN)": "A missing value was turned into text on the way.",
        r"^['\"][^\d]*['\"]$": "The text is not a number.",
    }
    reason = next((why for one, why in reasons.items() if re.search(one, text)), "")
    subject = f"`{quoted(source, 60)}`" if source else "A text"
    return RuleMatch(
        phrases={"subject": subject, "reason": reason or "It is not written as a number."}
    )


def name_unpacked(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name both sides of the assignment."""
    for node in raised.statement_nodes():
        match node:
            case ast.Assign(targets=[ast.Tuple() as target], value=value):
                pass
            case ast.For(target=ast.Tuple() as target, iter=value):
                pass
            case ast.comprehension(target=ast.Tuple() as target, iter=value):
                pass
            case _:
                continue
        target_source, source = ast.unparse(target), ast.unparse(value)
        has_too_few = matched["few"] == "not enough"
        return RuleMatch(
            {"wanted": target_source, "source": source, "state": "few" if has_too_few else "many"}
        )
    return None


RULES = (
    ErrorRule(
        slug="json-of-a-dict",
        exception_types=("JSONDecodeError",),
        pattern=r"^Expecting property name enclosed in double quotes: line (?P<row>1) column (?P<column>2) ",
        title="The text looks like a Python dict, not like JSON: its first key has no double quotes",
        why="`str(…)` or an f-string wrote a dict as text, with single quotes. JSON has only double quotes.",
        fix="Write the text with `json.dumps(…)` where it is made; what is parsed at {at} is right.",
        unless="the text is JavaScript or JSON5, whose keys need no quotes: then a parser for it is needed.",
        confidence=0.94,
    ),
    ErrorRule(
        slug="json-invalid",
        exception_types=("JSONDecodeError",),
        pattern=r"^(?P<fault>.+?): line (?P<row>\d+) column (?P<column>\d+)",
        title="The text is not valid JSON ({fault}, line {row})",
        why="An empty response, an HTML error page or truncated text was read as JSON. A fault at line 1,"
        " column 1 means that it is not JSON at all.",
        fix="Check the status and content type of what is parsed at {at} (`response.raise_for_status()`),"
        " and log its first 200 characters when it fails.",
        unless="the text is JSON with comments or trailing commas: then strip these.",
        confidence=0.93,
    ),
    ErrorRule(
        slug="number-invalid",
        exception_types=("ValueError",),
        pattern=r"^(?:invalid literal for int\(\) with base \d+|could not convert string to float):"
        r" (?P<text>.*)$",
        title="{text} is not a number",
        what="{line}: {subject} was {text}.",
        why="{reason}",
        fix="Check it before it is converted at {at}, and answer with a 400 if it is invalid. In Flask,"
        ' `request.args.get("…", type=int)` returns None for it, and a rule with `<int:id>` answers with a 404.',
        unless="the text is correct and should not be converted.",
        confidence=0.94,
        examine=name_converted,
    ),
    ErrorRule(
        slug="unpacking",
        exception_types=("ValueError",),
        pattern=r"^(?P<few>too many|not enough) values to unpack \(expected (?:at least )?(?P<number>\d+)",
        title="`{source}` has too {state} values for `{wanted}`",
        why="There are {number} names on the left, and `{source}` gave a different number of values.",
        fix="Check what `{source}` gives at {at}: use `.items()` for a dict, compare the `return` of a"
        " function, check a line of text before it is split.",
        unless="the number of values is correct: then a name is missing on the left.",
        confidence=0.92,
        examine=name_unpacked,
    ),
    ErrorRule(
        slug="date-invalid",
        exception_types=("ValueError",),
        pattern=r"^time data (?P<text>.+) does not match format (?P<format>.+)$",
        title="The date {text} is not written as {format}",
        why="The text has another order or other separators than the format, or more text after"
        " the date.",
        fix="Correct the format at {at}, or use `datetime.fromisoformat` for ISO dates; answer with a 400"
        " for dates that people mistype.",
        unless="the format is correct and the sender is wrong.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="date-not-iso",
        exception_types=("ValueError",),
        pattern=r"^Invalid isoformat string: (?P<text>.+)$",
        title="{text} is not an ISO date",
        why="`fromisoformat` accepts `2026-11-25` and `2026-11-25T10:30:00`, and a trailing Z only since"
        " Python 3.11.",
        fix="Check the text before {at}, or parse its own format with `strptime`.",
        unless="Python is older here than where the code was tested.",
        confidence=0.93,
    ),
    ErrorRule(
        slug="date-out-of-range",
        exception_types=("ValueError",),
        pattern=r"^(?P<part>day|month|hour|minute|second|year) (?:is out of range|must be in)",
        title="There is no such date: the {part} is out of range",
        why="Adding to a month or a day directly can give a date that does not exist: 31 February, month 13.",
        fix="Calculate with `timedelta`, or limit the day to `calendar.monthrange(…)[1]`, at {at}.",
        unless="the parts come from a user: then answer with a 400.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="base64-invalid",
        exception_types=("binascii.Error",),
        pattern=r"Incorrect padding|Invalid base64|number of data characters|Only base64 data",
        title="The text is not valid base64: {value}",
        why="The text was cut, lost the `=` at its end in a URL, or uses the URL-safe alphabet"
        " (`-_` instead of `+/`).",
        fix="At {at}, add the padding again, use `urlsafe_b64decode` for tokens from URLs, and answer"
        " with a 400 for everything else.",
        unless="the text is hexadecimal or not encoded at all.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="closed-file",
        exception_types=("ValueError",),
        pattern=r"I/O operation on closed file|read of closed file|write to closed file",
        title="A file is used after it was closed",
        why="The `with` block around it has ended, often because a generator or a response reads it"
        " later.",
        fix="Keep the block open while the file is read at {at}, or pass on the content instead.",
        unless="another thread closes it.",
    ),
    ErrorRule(
        slug="not-in-list",
        exception_types=("ValueError",),
        pattern=r"^(?P<text>.+) is not in (?P<owner>list|tuple|deque)|^list\.remove\(x\): x not in"
        r" list|^(?P<part>substring) not found",
        title="The code looks for a value that is not there",
        why="`index` and `remove` raise an exception when the value is missing.",
        fix="Test with `in` before {at}, or catch the `ValueError` and handle it.",
        unless="the value should always be there: then find what removed it.",
        confidence=0.88,
    ),
    ErrorRule(
        slug="math-domain",
        exception_types=("ValueError",),
        pattern=r"^math domain error|expected a (?:nonnegative|positive) input",
        title="A math function gets a number outside its domain",
        why="The root or logarithm of a negative number, for example, is not defined; rounding can push a"
        " zero below zero.",
        fix="Check the value before {at}, or use `max(0, value)` where only rounding is to blame.",
        unless="you mean complex numbers: then use `cmath`.",
    ),
    ErrorRule(
        slug="enum-invalid",
        exception_types=("ValueError",),
        pattern=r"^(?P<text>.+) is not a valid (?P<owner>[\w.]+)$",
        title="{text} is not a valid `{owner}`",
        why="An enumeration accepts only the values that its class defines.",
        fix="Answer with a 400 at {at}, or add the value to `{owner}`.",
        unless="the value is the name of a member: then use `{owner}[…]`.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="isolated-null",
        exception_types=("ValueError",),
        pattern=r"embedded null (?:byte|character)|cannot contain NUL",
        title="A text contains a null byte",
        why="Neither paths nor text in PostgreSQL may contain `\\x00`; vulnerability scanners often send it.",
        fix="Answer with a 400 when input contains `\\x00`, before {at}.",
        unless="the data is binary: then store it as bytes.",
    ),
)
