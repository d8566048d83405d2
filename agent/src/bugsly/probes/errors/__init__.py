"""Captures exceptions and messages as events, for all error hooks.

What is soon gone (locals, breadcrumbs, the request) is recorded where the error happens, within
limits of size and time. The rest (source lines, redaction, JSON) is done on the sender's thread.
"""

from bugsly.probes.errors.error_reporter import ErrorReporter

__all__ = ["ErrorReporter"]
