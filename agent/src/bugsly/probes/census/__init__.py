"""Counts what can be reached from modules, a little at a time, and remembers what grows."""

from bugsly.probes.census.census import Census
from bugsly.probes.census.survey import Survey

__all__ = ["Census", "Survey"]
