"""What commands read from their command line: arguments, settings, lengths of time."""
