"""`bugsly doctor`: starts an app, drives it, and says whether and why it leaks."""
