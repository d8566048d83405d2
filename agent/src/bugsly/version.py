"""The version of the agent, apart from the public functions, for modules that they import."""

__version__ = "0.1.0"
