"""What `bugsly check` prints for programs to read."""
