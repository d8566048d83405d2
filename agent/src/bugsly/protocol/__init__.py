"""The wire: what agent and server say to each other. The server imports it from here."""
