"""The Bugsly server: takes in what agents report, judges it, and shows and sends what it means."""

__version__ = "0.1.0"
