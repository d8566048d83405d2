"""Reads the application's sources; `source_index.SourceIndex` answers for all modules here."""
