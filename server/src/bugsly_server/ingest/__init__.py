"""The door: what agents and SDKs post is checked, made durable, and only then acknowledged."""
