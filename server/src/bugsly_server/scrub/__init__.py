"""Takes secrets out of what clients send, before it touches the disk."""
