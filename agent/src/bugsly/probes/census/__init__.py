"""Counts what can be reached from modules, a little at a time, and remembers what grows."""

from bugsly.probes.census.census import Census
from bugsly.probes.census.census_schedule import CensusSchedule

__all__ = ["Census", "CensusSchedule"]
