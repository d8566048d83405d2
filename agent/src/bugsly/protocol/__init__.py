"""The wire format between agent and server. The server imports it from here."""
