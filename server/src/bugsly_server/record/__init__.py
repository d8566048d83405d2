"""Records decoded reports and events in the store."""
