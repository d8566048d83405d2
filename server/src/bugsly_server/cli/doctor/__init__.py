"""`bugsly doctor`: runs an app under load, and reports whether and why it leaks."""
