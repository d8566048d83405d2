"""Says which events are the same error; pure, like detection."""
