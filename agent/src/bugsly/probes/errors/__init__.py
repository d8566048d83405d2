"""Makes events of exceptions and messages.

What is gone a moment later (locals, breadcrumbs, the request) is written down where the error
happened, bounded in characters and time. The rest (source lines, redaction, JSON) is done where
events are sent.
"""

from bugsly.probes.errors.error_reporter import ErrorReporter

__all__ = ["ErrorReporter"]
