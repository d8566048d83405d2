"""How often `bugsly doctor` is right, over the labs and a zoo of real leaks, beside its peers."""
