"""The change that fixes a cause, against the source of the app."""
