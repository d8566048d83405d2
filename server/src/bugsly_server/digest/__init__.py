"""From bytes to facts: what a report says, when it was, and what is not believed. All pure."""
