"""JavaScript, in a browser, in Node and in Electron."""

from __future__ import annotations

import re

from bugsly_server.explain.errors.rule import Reading, Rule
from bugsly_server.explain.errors.scene import Scene
from bugsly_server.explain.errors.source import swapped

LONGEST = 1_000
"""Characters of a line that are looked at: scripts are often one line only."""
EMPTY = (
    r"^Cannot (?:read|set) propert(?:y|ies) (?:'(?P<old>\w+)' )?of (?P<what>undefined|null)"
    r"(?: \((?:reading|setting) '(?P<name>[^']+)'\))?|^(?P<fox>[\w.$]+) is (?P<which>undefined|null)$"
    r"|^undefined is not an object \(evaluating '(?P<safari>[^']+)'\)"
)


def receiver(scene: Scene, found: re.Match[str]) -> Reading | None:
    """Name what was undefined, where the line shows it, and read it with `?.`."""
    name = found["name"] or found["old"] or ""
    what = found["what"] or found["which"] or "undefined"
    pattern = rf"([\w$.\[\]()'\"]+?)\.{re.escape(name)}(?![\w$])"
    code = scene.frame.code[:LONGEST]
    written = re.findall(pattern, code) if name else []
    if found["fox"] or found["safari"]:
        expr = found["fox"] or (found["safari"] or "").rpartition(".")[0]
    else:
        expr = written[0] if len(set(written)) == 1 else ""
    reads = not re.search(rf"\.{re.escape(name)}\s*=[^=]", code) if name else False
    diff = swapped(scene.frame, f"{expr}.{name}", f"{expr}?.{name}") if expr and reads else ""
    read = f" when `.{name}` is used" if name else ""
    return Reading(
        {"expr": expr or "Something", "empty": what},
        {"when": read if re.fullmatch(r"[\w$ `.]*", read) else ""},
        diff=diff,
        confidence=0.94 if expr else 0.8,
    )


RULES = (
    Rule(
        slug="javascript-undefined",
        types=("TypeError",),
        pattern=EMPTY,
        title="`{expr}` is {empty}{when}",
        what="{line}: `{expr}` was {empty}.",
        why="It is not there yet (data still loading, an element not in the page), was not sent by the"
        " server, or is misspelt.",
        fix="Handle the case before {at}: `?.` where nothing may be there, a test or a default otherwise.",
        unless="it is always there at that time: then something else on that line is {empty}.",
        read=receiver,
    ),
    Rule(
        slug="javascript-no-function",
        types=("TypeError",),
        pattern=r"^(?P<expr>[\w.$\[\]()]+) is not a function",
        title="`{expr}` is no function",
        why="It is misspelt, the object is of another type (an object instead of an array has no `.map`),"
        " or a module exports it otherwise (`default`).",
        fix="Look what `{expr}` is at {at}, and mend the name, the import or the data.",
        unless="it is replaced at run time by another script.",
    ),
    Rule(
        slug="javascript-not-iterable",
        types=("TypeError",),
        pattern=r"^(?P<expr>[\w.$]+)(?: \([^)]*\))? is not iterable|^(?:Spread syntax|object) .* not iterable",
        title="`{expr}` cannot be looped over or spread",
        why="An object, undefined or null came where an array was expected.",
        fix="Use `Object.entries(…)` for objects, or `?? []` where it may be missing, at {at}.",
        unless="it is an iterator that was used up.",
    ),
    Rule(
        slug="javascript-not-defined",
        types=("ReferenceError",),
        pattern=r"^(?:(?P<name>[\w$]+) is not defined|Can't find variable: (?P<safari>[\w$]+))",
        title="`{name}{safari}` is not defined",
        why="It is misspelt, not imported, or its script did not load. `process`, `require` and `window` are"
        " missing on the other side: in Electron's renderer without Node, or in the main process.",
        fix="Define or import `{name}{safari}` before {at}; in Electron hand it over in the preload script by"
        " `contextBridge`.",
        unless="a browser extension injects the code that fails: then its frames are not yours.",
        confidence=0.93,
    ),
    Rule(
        slug="javascript-too-early",
        types=("ReferenceError",),
        pattern=r"^Cannot access '(?P<name>[\w$]+)' before initialization",
        title="`{name}` is used before its `let`, `const` or `class`",
        why="It is declared further down, or two modules import each other.",
        fix="Move its declaration before {at}, or break the ring of imports.",
        unless="the bundler reordered modules.",
        confidence=0.95,
    ),
    Rule(
        slug="javascript-json",
        types=("SyntaxError",),
        pattern=r"^Unexpected (?:token|end of JSON|non-whitespace)|is not valid JSON|^JSON\.parse:",
        title="What should be JSON is not",
        what="{line}: {value}.",
        why="A server answered with HTML (an error page, a login) or with nothing, or a file was cut short.",
        fix="Test `response.ok` and the content type before {at}.",
        unless="the script itself has the syntax error: then its file is broken.",
        confidence=0.9,
    ),
    Rule(
        slug="javascript-too-deep",
        types=("RangeError", "InternalError"),
        pattern=r"Maximum call stack size exceeded|too much recursion",
        title="{function} calls itself without an end",
        why="Each call makes another one: a handler that causes its own event, or a render that sets state.",
        fix="Find what ends the recursion at {at}.",
        unless="the data is only very deep.",
    ),
    Rule(
        slug="javascript-chunk",
        types=("ChunkLoadError", "TypeError", "Error"),
        pattern=r"Loading (?:CSS )?chunk (?P<chunk>[\w-]+) failed|Failed to fetch dynamically imported module",
        title="A part of the app could not be loaded",
        why="After a deploy, pages that are open ask for files of the release before, which are gone.",
        fix="Keep the files of the last releases for some days, or reload the page on this error.",
        unless="the user was offline.",
        confidence=0.92,
    ),
    Rule(
        slug="javascript-fetch",
        types=("TypeError",),
        pattern=r"^(?:Failed to fetch|fetch failed|NetworkError when attempting|Load failed)",
        title="A request of the page got no answer at all",
        why="The network was away, the server down, or the browser withheld the answer (CORS, blocker,"
        " mixed content).",
        fix="Catch it at {at} and offer to try again; the browser's console tells CORS from a lost network.",
        unless="it comes from all users at once: then the server or its CORS headers changed.",
        confidence=0.85,
    ),
    Rule(
        slug="node-connection",
        types=("Error",),
        pattern=r"(?:connect|getaddrinfo) (?P<code>ECONNREFUSED|ENOTFOUND|ETIMEDOUT|EAI_AGAIN) (?P<peer>\S+)",
        title="{peer} cannot be reached ({code})",
        why="ECONNREFUSED: nothing listens there. ENOTFOUND: the name is unknown. ETIMEDOUT: a firewall or an"
        " overloaded machine.",
        fix="Check the address in the configuration of this environment, and whether the service runs.",
        unless="the user's own network is away, as with a desktop app.",
        confidence=0.93,
    ),
)
