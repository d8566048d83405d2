"""Values of the right type that make no sense."""

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
        r"^['\"](?:None|null|undefined|NaN)": "A missing value was turned into text on its way.",
        r"^['\"][^\d]*['\"]$": "The text is no number at all.",
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
        slug="json-invalid",
        exception_types=("JSONDecodeError",),
        pattern=r"^(?P<fault>.+?): line (?P<row>\d+) column (?P<column>\d+)",
        title="What should be JSON is not ({fault}, line {row})",
        why="An empty answer, an HTML error page or text cut short was read as JSON. At line 1,"
        " column 1 it is nothing like JSON at all.",
        fix="Check status and content type of what is parsed at {at} (`response.raise_for_status()`),"
        " and log its first 200 characters when it fails.",
        unless="the text is JSON with comments or trailing commas: then strip these.",
        confidence=0.93,
    ),
    ErrorRule(
        slug="number-invalid",
        exception_types=("ValueError",),
        pattern=r"^(?:invalid literal for int\(\) with base \d+|could not convert string to float):"
        r" (?P<text>.*)$",
        title="{text} is no number",
        what="{line}: {subject} was {text}.",
        why="{reason}",
        fix="Check it before it is converted at {at} and answer 400 otherwise; in Flask,"
        ' `request.args.get("…", type=int)` gives None and a rule `<int:id>` a 404 by itself.',
        unless="the text is right and should not be converted.",
        confidence=0.94,
        examine=name_converted,
    ),
    ErrorRule(
        slug="unpacking",
        exception_types=("ValueError",),
        pattern=r"^(?P<few>too many|not enough) values to unpack \(expected (?:at least )?(?P<number>\d+)",
        title="`{source}` has too {state} values for `{wanted}`",
        why="{number} names stand on the left, and `{source}` gave another number of values.",
        fix="See what `{source}` gives: for a dict use `.items()`, for a function compare its"
        " `return`, for a line of text test it before it is split; at {at}.",
        unless="the number of values is right: then a name is missing on the left.",
        confidence=0.92,
        examine=name_unpacked,
    ),
    ErrorRule(
        slug="date-invalid",
        exception_types=("ValueError",),
        pattern=r"^time data (?P<text>.+) does not match format (?P<format>.+)$",
        title="The date {text} is not written as {format}",
        why="The text comes in another order, with other separators, or with more behind it than"
        " the format says.",
        fix="Mend the format at {at}, or use `datetime.fromisoformat` for ISO dates; answer 400 for"
        " dates people type wrong.",
        unless="the format is right and the sender is wrong.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="date-not-iso",
        exception_types=("ValueError",),
        pattern=r"^Invalid isoformat string: (?P<text>.+)$",
        title="{text} is no ISO date",
        why="`fromisoformat` takes `2026-11-25` and `2026-11-25T10:30:00`; a trailing Z only since"
        " Python 3.11.",
        fix="Check the text before {at}, or parse its own format with `strptime`.",
        unless="the running Python is older than the one it was tested on.",
        confidence=0.93,
    ),
    ErrorRule(
        slug="date-out-of-range",
        exception_types=("ValueError",),
        pattern=r"^(?P<part>day|month|hour|minute|second|year) (?:is out of range|must be in)",
        title="There is no such date: the {part} is out of range",
        why="Adding to a month or a day by hand leaves the calendar: 31 February, month 13.",
        fix="Calculate with `timedelta`, or cut the day to `calendar.monthrange(…)[1]`, at {at}.",
        unless="the parts come from people: then answer 400.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="base64-invalid",
        exception_types=("binascii.Error",),
        pattern=r"Incorrect padding|Invalid base64|number of data characters|Only base64 data",
        title="What should be base64 is not: {value}",
        why="The text was cut, lost its `=` at the end in a URL, or is of the other alphabet"
        " (`-_` instead of `+/`).",
        fix="Add the padding back, use `urlsafe_b64decode` for tokens from URLs, and answer 400 for"
        " the rest; at {at}.",
        unless="the text is hexadecimal or plain.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="closed-file",
        exception_types=("ValueError",),
        pattern=r"I/O operation on closed file|read of closed file|write to closed file",
        title="A file is used after it was closed",
        why="The `with` block around it has ended, often because a generator or a response reads it"
        " later.",
        fix="Keep the block open while it is read at {at}, or hand over the content instead.",
        unless="another thread closes it.",
    ),
    ErrorRule(
        slug="not-in-list",
        exception_types=("ValueError",),
        pattern=r"^(?P<text>.+) is not in (?P<owner>list|tuple|deque)|^list\.remove\(x\): x not in"
        r" list|^(?P<part>substring) not found",
        title="A value is searched for that is not there",
        why="`index` and `remove` raise where the value is missing.",
        fix="Test with `in` before {at}, or catch the `ValueError` and say what it means.",
        unless="the value should always be there: then see who took it out.",
        confidence=0.88,
    ),
    ErrorRule(
        slug="math-domain",
        exception_types=("ValueError",),
        pattern=r"^math domain error|expected a (?:nonnegative|positive) input",
        title="A root or a logarithm of a negative number",
        why="The function is not defined there; rounding can push a zero below zero.",
        fix="Check the value before {at}, or use `max(0, value)` where only rounding is to blame.",
        unless="complex numbers are meant: then use `cmath`.",
    ),
    ErrorRule(
        slug="enum-invalid",
        exception_types=("ValueError",),
        pattern=r"^(?P<text>.+) is not a valid (?P<owner>\w+)$",
        title="{text} is no `{owner}`",
        why="An enumeration takes only the values its class names.",
        fix="Answer 400 for it at {at}, or add the value to `{owner}`.",
        unless="the value is the name of a member: then use `{owner}[…]`.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="isolated-null",
        exception_types=("ValueError",),
        pattern=r"embedded null (?:byte|character)|cannot contain NUL",
        title="A text holds a zero byte",
        why="Neither paths nor PostgreSQL's texts may contain `\\x00`; scanners like to send it.",
        fix="Refuse input with `\\x00` with a 400 before {at}.",
        unless="the data is binary: then store it as bytes.",
    ),
)
