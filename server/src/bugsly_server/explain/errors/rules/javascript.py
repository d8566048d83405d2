"""Explains JavaScript errors of browsers, Node and Electron."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.frame_source import replacement_diff
from bugsly_server.explain.errors.raised_exception import RaisedException
from bugsly_server.explain.errors.rule import JAVASCRIPT, ErrorRule, RuleMatch

MAX_LINE_CHARACTERS = 1_000
"""Characters of a line that are searched: a minified script is one long line."""
UNDEFINED_PATTERN = (
    r"^Cannot (?:read|set) propert(?:y|ies) (?:'(?P<old>\w+)' )?of (?P<what>undefined|null)"
    r"(?: \((?:reading|setting) '(?P<name>[^']+)'\))?|^(?P<fox>[\w.$]+) is (?P<which>undefined|null)$"
    r"|^undefined is not an object \(evaluating '(?P<safari>[^']+)'\)"
)


def name_undefined(raised: RaisedException, matched: re.Match[str]) -> RuleMatch | None:
    """Name what was undefined, where the line shows it, and read it with `?.`."""
    name = matched["name"] or matched["old"] or ""
    empty_value = matched["what"] or matched["which"] or "undefined"
    pattern = rf"([\w$.\[\]()'\"]{{1,80}}?)\.{re.escape(name)}(?![\w$])"
    code = raised.frame.code[:MAX_LINE_CHARACTERS]
    expressions = re.findall(pattern, code) if name else []
    if matched["fox"] or matched["safari"]:
        expr = matched["fox"] or (matched["safari"] or "").rpartition(".")[0]
    else:
        expr = expressions[0] if len(set(expressions)) == 1 else ""
    is_read = not re.search(rf"\.{re.escape(name)}\s*=[^=]", code) if name else False
    diff = (
        replacement_diff(raised.frame, f"{expr}.{name}", f"{expr}?.{name}")
        if expr and is_read
        else ""
    )
    use_phrase = f" when `.{name}` is used" if name else ""
    return RuleMatch(
        {"expr": expr or "Something", "empty": empty_value},
        {"when": use_phrase if re.fullmatch(r"[\w$ `.]*", use_phrase) else ""},
        diff=diff,
        confidence=0.94 if expr else 0.8,
    )


RULES = (
    ErrorRule(
        slug="javascript-undefined",
        exception_types=("TypeError",),
        platforms=JAVASCRIPT,
        pattern=UNDEFINED_PATTERN,
        title="`{expr}` is {empty}{when}",
        what="{line}: `{expr}` was {empty}.",
        why="It does not exist yet (data still loading, an element not in the page), was not sent by the"
        " server, or is misspelt.",
        fix="Handle the case before {at}: `?.` if it may be missing, a check or a default otherwise.",
        unless="it always exists at that time: then something else on that line is {empty}.",
        examine=name_undefined,
    ),
    ErrorRule(
        slug="javascript-no-function",
        exception_types=("TypeError",),
        platforms=JAVASCRIPT,
        pattern=r"^(?P<expr>[\w.$\[\]()]+) is not a function",
        title="`{expr}` is not a function",
        why="It is misspelt, the value has another type (an object has no `.map`, an array does),"
        " or a module exports it differently (`default`).",
        fix="Check what `{expr}` is at {at}, and correct the name, the import or the data.",
        unless="another script replaces it at run time.",
    ),
    ErrorRule(
        slug="javascript-not-iterable",
        exception_types=("TypeError",),
        platforms=JAVASCRIPT,
        pattern=r"^(?P<expr>[\w.$]+)(?: \([^)]*\))? is not iterable|^(?:Spread syntax|object) .* not iterable",
        title="`{expr}` cannot be looped over or spread",
        why="It is an object, undefined or null, where an array was expected.",
        fix="At {at}, use `Object.entries(…)` for objects, or `?? []` if it may be missing.",
        unless="it is an iterator that is exhausted.",
    ),
    ErrorRule(
        slug="javascript-not-defined",
        exception_types=("ReferenceError",),
        platforms=JAVASCRIPT,
        pattern=r"^(?:(?P<name>[\w$]+) is not defined|Can't find variable: (?P<safari>[\w$]+))",
        title="`{name}{safari}` is not defined",
        why="It is misspelt, not imported, or its script did not load. Electron's renderer has no `process` and"
        " `require` without Node, and its main process has no `window`.",
        fix="Define or import `{name}{safari}` before {at}; in Electron, expose it in the preload script with"
        " `contextBridge`.",
        unless="the code that fails is from a browser extension: then its frames are not yours.",
        confidence=0.93,
    ),
    ErrorRule(
        slug="javascript-too-early",
        exception_types=("ReferenceError",),
        platforms=JAVASCRIPT,
        pattern=r"^Cannot access '(?P<name>[\w$]+)' before initialization",
        title="`{name}` is used before its `let`, `const` or `class`",
        why="It is declared further down, or two modules import each other.",
        fix="Move its declaration before {at}, or remove the circular import.",
        unless="the bundler reordered the modules.",
        confidence=0.95,
    ),
    ErrorRule(
        slug="javascript-json",
        exception_types=("SyntaxError",),
        platforms=JAVASCRIPT,
        pattern=r"^Unexpected (?:token|end of JSON|non-whitespace)|is not valid JSON|^JSON\.parse:",
        title="The text is not valid JSON",
        what="{line}: {value}.",
        why="A server answered with HTML (an error page, a login page) or with nothing, or a file was truncated.",
        fix="Check `response.ok` and the content type before {at}.",
        unless="the script itself has a syntax error: then its file is broken.",
        confidence=0.9,
    ),
    ErrorRule(
        slug="javascript-too-deep",
        exception_types=("RangeError", "InternalError"),
        platforms=JAVASCRIPT,
        pattern=r"Maximum call stack size exceeded|too much recursion",
        title="{function} calls itself endlessly",
        why="Each call makes another one: a handler that triggers its own event, or a render that sets state.",
        fix="Find the condition that should end the recursion at {at}.",
        unless="the data is just very deep.",
    ),
    ErrorRule(
        slug="javascript-chunk",
        exception_types=("ChunkLoadError", "TypeError", "Error"),
        platforms=JAVASCRIPT,
        pattern=r"Loading (?:CSS )?chunk (?P<chunk>[\w-]+) failed|Failed to fetch dynamically imported module",
        title="A part of the app could not be loaded",
        why="After a deployment, pages that are still open request files of the previous release, which are gone.",
        fix="Keep the files of the last releases for a few days, or reload the page on this error.",
        unless="the user was offline.",
        confidence=0.92,
    ),
    ErrorRule(
        slug="javascript-fetch",
        exception_types=("TypeError",),
        platforms=JAVASCRIPT,
        pattern=r"^(?:Failed to fetch|fetch failed|NetworkError when attempting|Load failed)",
        title="A request of the page got no response",
        why="The network or the server was down, or the browser blocked the response (CORS, an ad blocker,"
        " mixed content).",
        fix="Catch it at {at} and offer a retry; the browser's console shows whether CORS or the network is to blame.",
        unless="all users have it at once: then the server is down or its CORS headers changed.",
        confidence=0.85,
    ),
    ErrorRule(
        slug="node-connection",
        exception_types=("Error",),
        platforms=JAVASCRIPT,
        pattern=r"(?:connect|getaddrinfo) (?P<code>ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN) (?P<peer>\S+)",
        title="{peer} cannot be reached ({code})",
        why="ECONNREFUSED: nothing listens there. ENOTFOUND: the name is unknown. ETIMEDOUT: a firewall drops the"
        " connection, or the machine is overloaded.",
        fix="Check the address in the configuration of this environment, and whether the service runs.",
        unless="the user's own network is down, as can be with a desktop app.",
        confidence=0.93,
    ),
)
