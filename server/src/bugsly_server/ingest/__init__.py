"""Takes in what agents and SDKs post: checks it, makes it durable, then acknowledges it."""
