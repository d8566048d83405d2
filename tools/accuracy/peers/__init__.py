"""What others say of the same cases."""
