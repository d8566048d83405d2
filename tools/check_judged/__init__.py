"""Judges `bugsly check` on open-source applications, beside other tools."""
