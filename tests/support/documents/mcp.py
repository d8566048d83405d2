"""What assistants are answered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.shapes import ByName
from tests.support.site import Site
from tests.support.whole import token_of, whole_site

from bugsly_server.store.meta import listing
from bugsly_server.store.meta.listing import Wanted

ACCEPTED = {"accept": "application/json, text/event-stream"}


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the tools, what each of them answers, and refusals."""
    with whole_site(folder) as made:
        headers = token_of(made) | ACCEPTED
        for tool in _asked(made, headers, "tools/list")["tools"]:
            yield f"mcp {tool['name']}, described", tool
        (listed,) = _called(made, headers, "list_issues")
        with made.database.reading() as connection:
            page, _ = listing.page(connection, made.project.id, Wanted(kind="", page=1))
        for one in page:
            shown = [each for each in listed["shop"]["issues"] if each["id"] == one.id]
            listed_alone = {"total": 1, "issues": shown}
            yield f"mcp list_issues, {one.kind}", ByName({"shop": listed_alone})
            _, facts = _called(made, headers, "get_issue", id=one.id)
            yield f"mcp get_issue, {one.kind}", facts
        refused = _asked(made, headers, "tools/call", name="get_issue", arguments={"id": 99})
        yield "mcp get_issue, refused", refused
        for answer in (made.client.get("/mcp"), made.client.post("/mcp")):
            yield f"{answer.request.method} /mcp {answer.status_code}", answer.json()


def _called(made: Site, headers: dict[str, str], tool: str, **arguments: Any) -> list[Any]:
    """Return what *tool* says: Markdown as it is, and JSON read."""
    said = _asked(made, headers, "tools/call", name=tool, arguments=arguments)
    assert not said["isError"], said
    texts = [one["text"] for one in said["content"]]
    return [*texts[:-1], json.loads(texts[-1])]


def _asked(made: Site, headers: dict[str, str], method: str, **params: Any) -> dict[str, Any]:
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = made.client.post("/mcp", json=call, headers=headers)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result
