"""`bugsly heap`: shows what holds the memory of a worker or an app."""
