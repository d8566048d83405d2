"""The pages, the JSON API, the metrics and the MCP endpoint."""
