"""The hall: the types that two rooms or more share, and what they need."""
