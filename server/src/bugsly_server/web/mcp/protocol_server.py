"""Serves MCP by its official library; only this file imports it, as the import is expensive."""

from __future__ import annotations

import logging
from typing import Any

from mcp.server.context import ServerRequestContext
from mcp.server.lowlevel import Server
from mcp.server.streamable_http_manager import StreamableHTTPSessionManager
from mcp.types import (
    CallToolRequestParams,
    CallToolResult,
    ContentBlock,
    ListToolsResult,
    PaginatedRequestParams,
    TextContent,
    Tool,
    ToolAnnotations,
)
from starlette.concurrency import run_in_threadpool
from starlette.types import Receive, Scope, Send

from bugsly_server import __version__
from bugsly_server.errors import BugslyError
from bugsly_server.web.mcp import tools
from bugsly_server.web.mcp.caller import Caller

logging.getLogger("mcp").setLevel(logging.WARNING)  # it tells of each session, which is a request


async def serve(caller: Caller, scope: Scope, receive: Receive, send: Send) -> None:
    """Serve one request in a session that ends with it."""
    sessions = StreamableHTTPSessionManager(_server(caller), stateless=True, json_response=True)
    async with sessions.run():
        await sessions.handle_request(scope, receive, send)


def _server(caller: Caller) -> Server[Any]:
    async def list_tools(
        _context: ServerRequestContext[Any], _params: PaginatedRequestParams | None
    ) -> ListToolsResult:
        return ListToolsResult(tools=[_tool_description(one) for one in tools.TOOLS])

    async def call_tool(
        _context: ServerRequestContext[Any], params: CallToolRequestParams
    ) -> CallToolResult:
        try:
            texts = await run_in_threadpool(
                tools.call_tool, caller, params.name, params.arguments or {}
            )
        except BugslyError as error:
            return _tool_result([str(error)], is_error=True)
        return _tool_result(texts)

    return Server(
        "bugsly",
        version=__version__,
        instructions=tools.DATA_NOTICE,
        on_list_tools=list_tools,
        on_call_tool=call_tool,
    )


def _tool_description(tool: tools.McpTool) -> Tool:
    hints = ToolAnnotations(
        read_only_hint=not tool.is_write,
        destructive_hint=False,
        idempotent_hint=True,
        open_world_hint=False,
    )
    return Tool(
        name=tool.name,
        description=tool.description,
        input_schema=tool.schema,
        annotations=hints,
    )


def _tool_result(texts: list[str], *, is_error: bool = False) -> CallToolResult:
    content: list[ContentBlock] = [TextContent(type="text", text=one) for one in texts]
    return CallToolResult(content=content, is_error=is_error)
