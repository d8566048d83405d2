"""Finds growing containers for the sampler: walks what modules refer to, a slice at a time."""

from bugsly.probes.census.census import Census
from bugsly.probes.census.census_schedule import CensusSchedule

__all__ = ["Census", "CensusSchedule"]
