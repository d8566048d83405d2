"""The change that mends a cause, as a unified diff against the user's own source."""

from __future__ import annotations

import ast
import difflib

from bugsly_server.explain.bounding import bound_cache, bound_container
from bugsly_server.explain.edits import Lines, Mender, lines_of
from bugsly_server.explain.rewriting import close_connection, keep_text, send_file
from bugsly_server.model.diagnosis import Cause, Diagnosis
from bugsly_server.model.dossier import Dossier

MENDERS: dict[Cause, Mender] = {
    Cause.GROWING_CONTAINER: bound_container,
    Cause.UNBOUNDED_CACHE: bound_cache,
    Cause.UNRETURNED_CONNECTION: close_connection,
    Cause.BUFFERED_RESPONSE: send_file,
    Cause.KEPT_EXCEPTION: keep_text,
}


def mend(diagnosis: Diagnosis, dossier: Dossier) -> str:
    """Return a diff that mends *diagnosis*; empty where its pattern is not a known one."""
    source = dossier.sources.get(diagnosis.file)
    mender = MENDERS.get(diagnosis.cause)
    if source is None or not source.text or source.edited or mender is None or diagnosis.library:
        return ""
    lines = lines_of(source.text)
    tree = _parsed(lines)
    mended = None if tree is None else mender(list(lines), tree, diagnosis)
    if mended is None or _parsed(mended) is None:
        return ""
    name = diagnosis.site.rpartition(":")[0] or source.file.rpartition("/")[2]
    found = difflib.unified_diff(lines, mended, f"a/{name}", f"b/{name}", lineterm="", n=2)
    return "\n".join(found)


def _parsed(lines: Lines) -> ast.Module | None:
    try:
        return ast.parse("\n".join(lines))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return None
