"""What is stored as JSON: records with a version and names of their own, apart from the model."""
