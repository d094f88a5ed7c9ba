"""One class, four lives."""
