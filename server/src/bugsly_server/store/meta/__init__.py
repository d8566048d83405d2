"""Projects, accounts, workers, issues, alerts: SQLAlchemy Core, its dialect being the port.

Each module holds the functions of one subject. They take the connection, so a function that
writes shows that it stands inside `Database.writing`.
"""
