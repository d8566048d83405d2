"""The parts of `bugsly doctor`: what to ask an app, asking it, and what to make of the answers."""
