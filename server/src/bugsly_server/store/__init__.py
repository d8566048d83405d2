"""Everything that is kept: the only folder with SQL. Three ports, see ports.py."""
