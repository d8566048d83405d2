"""Says a diagnosis in words a tired person understands, and shows the change that mends it."""
