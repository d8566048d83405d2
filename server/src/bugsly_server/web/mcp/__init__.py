"""Issues for assistants, by the Model Context Protocol, opened by an API token."""
