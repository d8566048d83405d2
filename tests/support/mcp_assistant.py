"""An assistant: the official client of MCP, over real HTTP."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from typing import Any, NamedTuple, TypeVar

import httpx2
from mcp import Client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import TextContent, Tool

T = TypeVar("T")


class McpToolResult(NamedTuple):
    """What a tool answered."""

    texts: list[str]
    is_refused: bool


class McpAssistant:
    """Connects anew for each call, as *mode* says: the modern way, or by a handshake."""

    def __init__(self, port: int, token: str, mode: str = "auto") -> None:
        self._url = f"http://127.0.0.1:{port}/mcp"
        self._headers = {"authorization": f"Bearer {token}"}
        self._mode = mode

    def call(self, tool: str, **arguments: Any) -> McpToolResult:
        async def call_tool(client: Client) -> McpToolResult:
            result = await client.call_tool(tool, arguments)
            texts = [one.text for one in result.content if isinstance(one, TextContent)]
            return McpToolResult(texts, result.is_error)

        return asyncio.run(self._connected(call_tool))

    def tools(self) -> list[Tool]:
        async def list_tools(client: Client) -> list[Tool]:
            return (await client.list_tools()).tools

        return asyncio.run(self._connected(list_tools))

    async def _connected(self, use_client: Callable[[Client], Awaitable[T]]) -> T:
        async with AsyncExitStack() as opened:
            http = await opened.enter_async_context(httpx2.AsyncClient(headers=self._headers))
            transport = streamable_http_client(self._url, http_client=http)
            client = await opened.enter_async_context(Client(transport, mode=self._mode))
            return await use_client(client)
