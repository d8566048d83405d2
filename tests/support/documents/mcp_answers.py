"""What assistants are answered."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tests.support.complete_values import program_headers, whole_site
from tests.support.json_shapes import KeyedByData
from tests.support.site_harness import SiteHarness

from bugsly_server.store.meta import issue_listing
from bugsly_server.store.meta.issue_listing import IssueFilter

ACCEPTED = {"accept": "application/json, text/event-stream"}


def documents(folder: Path) -> Iterator[tuple[str, Any]]:
    """Yield the tools, what each of them answers, and refusals."""
    with whole_site(folder) as made:
        headers = program_headers(made) | ACCEPTED
        for tool in _rpc_result(made, headers, "tools/list")["tools"]:
            yield f"mcp {tool['name']}, described", tool
        (listed,) = _tool_contents(made, headers, "list_issues")
        with made.database.reading() as connection:
            page, _ = issue_listing.list_page(
                connection, made.project.id, IssueFilter(kind="", page=1)
            )
        for listed_issue in page:
            shown = [each for each in listed["shop"]["issues"] if each["id"] == listed_issue.id]
            listed_alone = {"total": 1, "issues": shown}
            yield f"mcp list_issues, {listed_issue.kind}", KeyedByData({"shop": listed_alone})
            _, facts = _tool_contents(made, headers, "get_issue", id=listed_issue.id)
            yield f"mcp get_issue, {listed_issue.kind}", facts
        refused = _rpc_result(made, headers, "tools/call", name="get_issue", arguments={"id": 99})
        yield "mcp get_issue, refused", refused
        for answer in (made.client.get("/mcp"), made.client.post("/mcp")):
            yield f"{answer.request.method} /mcp {answer.status_code}", answer.json()


def _tool_contents(
    made: SiteHarness, headers: dict[str, str], tool: str, **arguments: Any
) -> list[Any]:
    """Return what *tool* says: Markdown as it is, and JSON read."""
    tool_result = _rpc_result(made, headers, "tools/call", name=tool, arguments=arguments)
    assert not tool_result["isError"], tool_result
    texts = [one["text"] for one in tool_result["content"]]
    return [*texts[:-1], json.loads(texts[-1])]


def _rpc_result(
    made: SiteHarness, headers: dict[str, str], method: str, **params: Any
) -> dict[str, Any]:
    call = {"jsonrpc": "2.0", "id": 1, "method": method, "params": params}
    answer = made.client.post("/mcp", json=call, headers=headers)
    assert answer.status_code == 200, answer.text
    result: dict[str, Any] = answer.json()["result"]
    return result
