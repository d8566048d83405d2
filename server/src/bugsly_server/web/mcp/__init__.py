"""What assistants ask: issues by the Model Context Protocol, opened by an API token."""
