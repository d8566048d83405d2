"""`bugsly heap`: tells what keeps the memory of a worker or of an app."""
