"""What a language model is asked, and what is made of its answer; `adviser` sends it."""
